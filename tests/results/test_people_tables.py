"""People's NoC: two ends where a trajectory is unfinished, beside Sample NoC."""

import dataclasses

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
import results_of

from rclicks_jax.results import people_tables
from rclicks_jax.results.aggregate import PersonTrajectory
from rclicks_jax.settings import protocols

PAPER = protocols.PAPER


def areas(*percents):
    return np.array([(percent, 100) for percent in percents], np.int64)


def person(name, percents, device="pc", study=None):
    of_study = None if study is None else areas(*study)
    return PersonTrajectory(name, device, areas(*percents), of_study)


def bounds(*trajectories):
    found = people_tables.noc_bounds([areas(*t) for t in trajectories], 90, 20)
    return list(zip(found.least.tolist(), found.most.tolist(), strict=True))


def test_noc_of_a_trajectory_that_reached_the_threshold_is_one_number():
    assert bounds([90], [10, 89, 95], [50, 92, 30]) == [(1, 1), (3, 3), (2, 2)]


def test_an_unfinished_trajectory_lies_between_one_more_click_and_all():
    assert bounds([50], [10, 20, 89]) == [(2, 20), (4, 20)]


def test_a_trajectory_with_all_clicks_counts_as_the_robots_do():
    assert bounds([50] * 20, [50] * 19, [50] * 19 + [90]) == [(20, 20)] * 3


@hypothesis.given(st.lists(st.integers(0, 100), min_size=1, max_size=20),
                  st.lists(st.integers(0, 100), max_size=19))  # fmt: skip
def test_whatever_clicks_would_follow_noc_is_between_the_ends(seen, more):
    whole = (seen + more)[:20]
    whole += [0] * (20 - len(whole))
    least, most = bounds(seen)[0]
    assert least <= bounds(whole)[0][0] <= most


def with_people(people, **changes):
    result = results_of.results(objects=len(people), images=len(people), **changes)
    return dataclasses.replace(result, people=people)


def test_people_stand_beside_groups_and_robot_on_the_same_objects():
    own = [
        [person("p1", [50, 90]), person("p2", [20, 30, 40])],
        [],
        [person("p1", [95])],
        [person("p3", [10, 91])],
        [person("p2", [10, 91])],
        [person("p2", [10, 91])],
    ]
    result = with_people(own)
    (row,) = people_tables.people([result], PAPER).rows
    assert (row["objects"], row["of"]) == (5, 6)
    assert (row["people"], row["trajectories"], row["unfinished"]) == (3, 6, 1)
    assert row["noc_least"].mean == np.mean([(2 + 4) / 2, 1, 2, 2, 2])
    assert row["noc_most"].mean == np.mean([(2 + 20) / 2, 1, 2, 2, 2])
    kept = [0, 2, 3, 4, 5]
    sample = result.noc(result.by_group, PAPER, 90).mean(axis=(0, 1))[kept]
    assert row["sample_noc"].mean == pytest.approx(sample.mean())
    robot = result.noc(result.baseline, PAPER, 90)[kept]
    assert row["base_noc"].mean == pytest.approx(robot.mean())
    least = row["sample_noc"].mean - row["noc_most"].mean
    assert row["difference_least"].mean == pytest.approx(least)
    assert row["difference_least"].mean <= row["difference_most"].mean
    assert row["iou"].mean == np.mean([(90 + 40) / 2, 95, 91, 91, 91])
    assert "study_least" not in row


def crowd(count, objects=40, names="abcdefgh"):
    """Returns `count` people of an object; each has a number of clicks of their own."""
    return [
        [
            person(names[(n + at) % len(names)], [10] * ((n + at) % len(names)) + [95])
            for at in range(count)
        ]
        for n in range(objects)
    ]


def width(interval):
    return interval.high - interval.low


def test_people_are_resampled_with_all_their_trajectories():
    known = people_tables.people([with_people(crowd(2))], PAPER)
    (row,) = known.rows
    unnamed = [
        [dataclasses.replace(each, person="") for each in own] for own in crowd(2)
    ]
    unknown = people_tables.people([with_people(unnamed)], PAPER)
    (other,) = unknown.rows
    for key in ("noc_least", "noc_most", "clicks"):
        assert row[key].mean == pytest.approx(other[key].mean)
        # Eight people are far fewer than forty photographs.
        assert width(row[key]) > 1.5 * width(other[key])
    # Groups differ more between photographs than people do: the wider one counts.
    assert row["difference_least"] == other["difference_least"]
    assert row["sample_noc"] == other["sample_noc"]
    assert (row["people"], other["people"]) == (8, None)
    assert (known.resampled, unknown.resampled) == (
        "photographs or people", "photographs",
    )  # fmt: skip
    assert any("what other people" in note for note in known.notes)
    assert any("not known who made" in note for note in unknown.notes)


def test_few_people_have_a_mean_and_no_interval():
    (row,) = people_tables.people([with_people(crowd(2, names="abcd"))], PAPER).rows
    assert not row["noc_most"].known
    assert row["sample_noc"].known


def test_devices_have_rows_of_their_own():
    own = [[person("p1", [95]), person("p2", [10, 95], "mobile")] for _ in range(6)]
    rows = people_tables.people([with_people(own)], PAPER).rows
    means = {row["input_device"]: row["noc_most"].mean for row in rows}
    assert means == {"all": 1.5, "mobile": 2.0, "pc": 1.0}


def test_what_people_reached_in_the_study_stands_beside_the_replay():
    own = [[person("p1", [50, 60], study=[80, 92])] for _ in range(6)]
    (row,) = people_tables.people([with_people(own)], PAPER).rows
    assert (row["study_least"].mean, row["study_most"].mean) == (2, 2)
    assert (row["noc_least"].mean, row["noc_most"].mean) == (3, 20)


def test_without_people_or_noc_there_is_no_table():
    assert people_tables.people([results_of.results()], PAPER).rows == []
    stopped = dataclasses.replace(PAPER, stop_at=80)
    result = with_people([[person("p1", [95])]] * 6)
    assert people_tables.people([result], stopped).rows == []
