import csv

import numpy as np
import pytest
from collect_studies import Person, edit, open_study

from rclicks_jax import errors
from rclicks_jax.collection import masks, messages
from rclicks_jax.collection.results import export
from rclicks_jax.collection.service import open_studies
from rclicks_jax.collection.store import catalogue
from rclicks_jax.collection.tasks import later_rounds, private_files
from rclicks_jax.data import doctor, raw
from rclicks_jax.ops import images


def whole(desk):
    return open_studies.Opened(desk.study, desk.store, desk.desk)


def later(desk):
    return [
        task for task in desk.store.read(catalogue.tasks) if task.click_type != "first"
    ]


def add(desk):
    """Adds tasks with two kinds of distortions."""
    kinds = ("dilated", "part_lost")
    return later_rounds.add_distortions(desk.study, desk.store, kinds)


def answer(desk, clicks):
    """Adds tasks with masks of a simulated segmenter."""
    return later_rounds.add_answers(desk.study, desk.store, "noisy", clicks)


SMALL = {"region_px": 4, "region_share": 0.0}


@pytest.fixture
def distorted(opened):
    desk = opened(limits=SMALL)
    add(desk)
    return desk


def test_each_object_gets_one_task_of_each_kind(distorted):
    kinds = [(task.image_stem, task.click_type) for task in later(distorted)]
    assert sorted(kinds) == [(s, kind) for s in "abcd" for kind in ("fn", "fp")]


def test_the_region_is_the_mistake_of_the_mask(distorted):
    for task in later(distorted):
        paths = (
            private_files.mask_path(distorted.study, task),
            private_files.prev_mask_path(distorted.study, task),
            private_files.region_path(distorted.study, task.task_id),
        )
        gt_mask, prev_mask, region = (
            images.decode_mask(path.read_bytes(), path.name) for path in paths
        )
        target, taken = gt_mask == raw.OBJECT, prev_mask > 0
        wrong = target & ~taken if task.click_type == "fn" else taken & ~target
        np.testing.assert_array_equal(region > 0, wrong)


def test_the_same_command_adds_nothing_more(distorted):
    before = later(distorted)
    added = add(distorted)
    assert added.tasks == {"fn": 0, "fp": 0}
    assert later(distorted) == before


def test_small_mistakes_give_no_task(opened):
    desk = opened(limits={"region_px": 100_000})
    added = add(desk)
    assert added.tasks == {"fn": 0, "fp": 0}
    assert added.good == 4


def test_a_segmenter_answers_the_middle_of_each_object(opened):
    desk = opened(limits=SMALL)
    added = answer(desk, None)
    assert sum(added.tasks.values()) > 0
    assert {task.mask_source for task in later(desk)} == {"noisy"}


def test_a_segmenter_answers_people_s_first_clicks(opened, clock):
    desk = opened(limits=SMALL)
    assert answer(desk, masks.first_clicks(whole(desk))).without_clicks == 4
    Person(desk, clock).agree().work()
    added = answer(desk, masks.first_clicks(whole(desk)))
    assert added.without_clicks == 0
    assert sum(added.tasks.values()) > 0


def test_people_click_on_mistakes_and_readers_find_them(distorted, clock, tmp_path):
    folder = distorted.study.folder
    distorted.close()
    edit(folder, "per_person = 4", "per_person = 30")
    desk = open_study(folder, clock)
    asks = set()
    for _ in range(12):
        _, tasks = Person(desk, clock).agree().work()
        asks |= {task.ask for task in tasks}
    done = export.export(whole(desk), tmp_path / "out")
    desk.close()
    assert asks == {"object", "missing", "excess"}
    with open(tmp_path / "out" / "clicks.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["click_type"] for row in rows} == {"first", "fn", "fp"}
    assert done.clicks == len(rows)
    diagnosis = doctor.examine(str(tmp_path / "out"), 1.0)
    assert diagnosis.healthy, diagnosis.text()


def test_tasks_that_come_after_clicks_need_a_new_wave(opened, clock):
    desk = opened(limits=SMALL)
    person = Person(desk, clock).agree()
    person.click(person.next())
    later_rounds.add_distortions(desk.study, desk.store, ("dilated",))
    folder = desk.study.folder
    desk.close()
    with pytest.raises(errors.BadValueError, match="the tasks"):
        open_study(folder, clock)
    again = open_study(folder, clock, new_wave=True)
    assert again.desk.wave == 2
    old = Person(again, clock, session=person.token)
    assert old.token != person.token
    again.close()


@pytest.mark.parametrize(
    ("segmenter", "kinds", "said"),
    [
        ("", (), "neither"),
        ("noisy", ("dilated",), "both"),
        ("", ("dilatd",), "mean dilated"),
    ],
)
def test_wrong_commands_are_refused(tmp_path, segmenter, kinds, said):
    with pytest.raises(errors.BadValueError, match=said):
        masks.run(str(tmp_path), segmenter, kinds, clicks="study")


def test_a_wave_is_refused_in_words_if_settings_changed(opened, clock):
    desk = opened()
    person = Person(desk, clock).agree()
    task = person.next()
    assert isinstance(task, messages.Task)
    person.click(task)
    folder = desk.study.folder
    desk.close()
    edit(folder, "block = 2", "block = 3")
    with pytest.raises(errors.BadValueError, match=r"assignment\.block"):
        open_study(folder, clock)
    edit(folder, "block = 3", "block = 2")
    edit(folder, "\nclicks = 2", "\nclicks = 3")
    open_study(folder, clock).close()
