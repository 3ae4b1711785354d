"""People's whole trajectories under the segmenter of a run."""

import csv
import dataclasses
import json
import re

import numpy as np
import people_trajectories
import pytest
from benchmark_runs import instances_of, settings, tables_of
from helpers import make_folder

from rclicks_jax import errors
from rclicks_jax.benchmark import job as benchmark_job
from rclicks_jax.benchmark import preconditions, records
from rclicks_jax.jobs import store
from rclicks_jax.results import export, runs

SHAPE = (40, 48)
NAMES = ("a", "b", "c", "d", "e", "f")
# A segmenter with a state, whose answer depends on all clicks and their order.
SEGMENTER = "random_walker"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("RCLICKS_CACHE", str(place / "cache"))
        yield make_folder(place / "mine", NAMES, SHAPE)


@pytest.fixture(scope="module")
def robots(folder, tmp_path_factory):
    """What the robot clicked on each object, and what that achieved."""
    workdir = tmp_path_factory.mktemp("robots") / "run"
    config = settings(folder, segmenter=SEGMENTER, groups=(), stop_at=99)
    benchmark_job.run(config, workdir)
    return {
        name: instance.trajectories[0]
        for name, instance in instances_of(workdir).items()
    }


def lines_of(robots, **changes):
    """Returns the robot's clicks as a person's, undone clicks among them."""
    lines = []
    for name, trajectory in robots.items():
        clicks = trajectory.clicks
        made = [clicks[0], (1, 1, False), "undo", *clicks[1:], "done"]
        areas = list(zip(trajectory.intersection, trajectory.union, strict=True))
        areas = [areas[0], (0, 0), areas[0], *areas[1 : len(clicks)], (None, None)]
        lines.append(people_trajectories.line(
            "p001", name, made, frame=SHAPE, areas=areas, **changes
        ))  # fmt: skip
    return lines


def played(config, workdir):
    benchmark_job.run(config, workdir)
    return instances_of(workdir)


def of_people(instance):
    return [t for t in instance.trajectories if t.strategy == "user_trajectory"]


def test_the_robots_clicks_replayed_as_a_persons_achieve_the_same(
    folder, robots, tmp_path
):
    path = people_trajectories.write(tmp_path / "t.jsonl", lines_of(robots))
    config = settings(folder, segmenter=SEGMENTER, groups=(), trajectories=path)
    for name, instance in played(config, tmp_path / "run").items():
        (replayed,), robot = of_people(instance), robots[name]
        count = len(robot.clicks)
        assert replayed.clicks == robot.clicks
        for areas in ("intersection", "union", "boundary_intersection"):
            assert getattr(replayed, areas) == getattr(robot, areas)[:count]
        (person,) = instance.people
        assert (person.name, person.clicks, person.undone) == ("p001", count, 1)
        # What the study recorded is what the same segmenter answers again.
        assert (person.intersection, person.union) == (
            replayed.intersection, replayed.union
        )  # fmt: skip


@pytest.mark.long
def test_company_and_batches_change_no_replay(folder, robots, tmp_path):
    alone = people_trajectories.write(tmp_path / "alone.jsonl", lines_of(robots))
    # 70 people, of whom all but one click three times in the corner.
    corner = [(n, n, True) for n in range(3)]
    crowd = [
        people_trajectories.line(f"q{n:02}", "a", corner, frame=SHAPE)
        for n in range(69)
    ]
    together = people_trajectories.write(
        tmp_path / "together.jsonl", [*crowd, *lines_of(robots)]
    )
    config = settings(
        folder, segmenter=SEGMENTER, groups=(), stop_at=99, trajectories=alone
    )
    one = played(config, tmp_path / "one")
    config = dataclasses.replace(config, trajectories=together, objects_in_flight=1)
    other = played(config, tmp_path / "other")
    assert len(of_people(other["a"])) == 70
    last = of_people(other["a"])[-1]
    assert dataclasses.replace(last, group=1) == of_people(one["a"])[0]
    assert [t.group for t in of_people(other["a"])] == list(range(1, 71))
    assert len(other["a"].people) == 70
    assert other["b"] == one["b"]


def test_a_replay_ends_at_the_protocols_clicks_and_threshold(folder, tmp_path):
    many = [(20, 25, True)] * 24
    lines = [people_trajectories.line("p001", "a", many, frame=SHAPE)]
    path = people_trajectories.write(tmp_path / "t.jsonl", lines)
    config = settings(folder, segmenter="stuck", groups=(), trajectories=path)
    (replayed,) = of_people(played(config, tmp_path / "all")["a"])
    assert len(replayed.clicks) == len(replayed.union) == 20
    config = dataclasses.replace(config, segmenter="oracle:after=3", stop_at=90)
    (replayed,) = of_people(played(config, tmp_path / "stopped")["a"])
    assert len(replayed.clicks) == len(replayed.union) == 3
    assert replayed.intersection[-1] == replayed.union[-1]


def test_clicks_move_with_a_photograph_that_is_shrunk(folder, tmp_path):
    acts = [(20, 25, True), (39, 47, False)]
    lines = [people_trajectories.line("p001", "a", acts, frame=SHAPE)]
    path = people_trajectories.write(tmp_path / "t.jsonl", lines)
    config = settings(folder, groups=(), max_side=24, trajectories=path)
    (replayed,) = of_people(played(config, tmp_path / "run")["a"])
    assert replayed.clicks == [(10, 12, True), (19, 23, False)]


@pytest.fixture(scope="module")
def run_of_people(folder, robots, tmp_path_factory):
    """A run with groups and people, and its file of trajectories."""
    place = tmp_path_factory.mktemp("people")
    short = [
        people_trajectories.line("p002", name, [robots[name].clicks[0], "give_up"],
                                 frame=SHAPE, device="mobile", ended="give_up")
        for name in NAMES[:3]
    ]  # fmt: skip
    lines = [*lines_of(robots), *short]
    nothing = people_trajectories.line("p003", "a", ["give_up"], frame=SHAPE)
    path = people_trajectories.write(place / "t.jsonl", [*lines, nothing])
    config = settings(folder, segmenter="noisy", trajectories=path)
    benchmark_job.run(config, place / "run")
    return config, place


def test_a_run_is_resumed_and_another_file_is_refused(run_of_people, robots, tmp_path):
    config, place = run_of_people
    before = instances_of(place / "run")
    assert benchmark_job.run(config, place / "run").worked == 0
    assert instances_of(place / "run") == before
    run = json.loads((place / "run" / "run.json").read_text())
    checksum = run["identity"]["strategies"]["trajectories"]
    assert re.fullmatch("[0-9a-f]{64}", checksum)
    other = people_trajectories.write(tmp_path / "t.jsonl", lines_of(robots))
    changed = dataclasses.replace(config, trajectories=other)
    with pytest.raises(errors.RunFolderError, match=r"strategies\.trajectories was"):
        benchmark_job.run(changed, place / "run")
    without = dataclasses.replace(config, trajectories="")
    with pytest.raises(errors.RunFolderError, match=r"strategies\.trajectories was"):
        benchmark_job.run(without, place / "run")


def test_a_run_that_was_stopped_replays_what_is_left(run_of_people, tmp_path):
    config, place = run_of_people
    few = dataclasses.replace(config, max_images=2)
    benchmark_job.run(few, tmp_path / "run")
    assert benchmark_job.run(config, tmp_path / "run").worked == len(NAMES) - 2
    assert instances_of(tmp_path / "run") == instances_of(place / "run")


def test_tables_and_report_have_people_beside_groups(run_of_people):
    _, place = run_of_people
    tables_of(place / "run")
    with (place / "run" / "tables" / "people.csv").open() as file:
        rows = {row["input_device"]: row for row in csv.DictReader(file)}
    assert {key: int(row["trajectories"]) for key, row in rows.items()} == {
        "all": 9, "mobile": 3, "pc": 6
    }  # fmt: skip
    assert (rows["mobile"]["objects"], rows["mobile"]["of"]) == ("3", "6")
    every = rows["all"]
    assert 1 <= float(every["noc_least"]) <= float(every["noc_most"]) <= 20
    low = float(every["sample_noc"]) - float(every["noc_most"])
    assert float(every["difference_least"]) == pytest.approx(low)
    page = (place / "run" / "report.html").read_text()
    assert "People&#39;s trajectories, replayed" in page
    assert (
        "10 trajectories of people were made with the segmenter random_walker" in page
    )
    assert "1 of them have no click, and 0 are of images that this run does not" in page


def test_every_click_of_people_is_exported_with_their_name(run_of_people):
    _, place = run_of_people
    images = list(records.read_all(store.RunFolder(place / "run")))
    rows = [row for row in export.rows(images) if row["strategy"] == "user_trajectory"]
    assert {row["person"] for row in rows} == {"p001", "p002"}
    assert len([row for row in rows if row["person"] == "p002"]) == 3
    others = [row for row in export.rows(images) if row["strategy"] == "group"]
    assert {row["person"] for row in others} == {None}


def test_trajectories_of_other_data_are_refused_before_anything_runs(folder, tmp_path):
    lines = [people_trajectories.line("p001", name, [(1, 1, True)], frame=SHAPE)
             for name in ("a", "elsewhere")]  # fmt: skip
    path = people_trajectories.write(tmp_path / "t.jsonl", lines)
    config = settings(folder, groups=(), trajectories=path)
    said = r"1 of 2 trajectories in .* does not have \(1 objects: elsewhere\)"
    with pytest.raises(errors.DataError, match=said):
        benchmark_job.run(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()
    gone = dataclasses.replace(config, trajectories=str(tmp_path / "gone.jsonl"))
    with pytest.raises(errors.DataError, match=r"gone\.jsonl"):
        preconditions.check(gone)


def test_bots_are_called_bots(folder, tmp_path):
    lines = [people_trajectories.line("p001", "a", [(1, 1, True)], frame=SHAPE)]
    path = people_trajectories.write(tmp_path / "t.jsonl", lines, source="bots")
    config = settings(folder, groups=(), max_images=1, trajectories=path)
    benchmark_job.run(config, tmp_path / "run")
    notes = runs.open_run(tmp_path / "run").notes()
    assert any("say nothing about people" in note and "bots" in note for note in notes)


def test_objects_without_people_have_none(folder, tmp_path):
    lines = [people_trajectories.line("p001", "a", [(1, 1, True)], frame=SHAPE)]
    path = people_trajectories.write(tmp_path / "t.jsonl", lines)
    config = settings(folder, groups=(), trajectories=path)
    found = played(config, tmp_path / "run")
    assert [len(found[name].people) for name in NAMES] == [1, 0, 0, 0, 0, 0]
    (result,) = runs.open_run(tmp_path / "run").results.values()
    assert [len(own) for own in result.people] == [1, 0, 0, 0, 0, 0]
    np.testing.assert_array_equal(result.people[0][0].areas.shape, (1, 2))
