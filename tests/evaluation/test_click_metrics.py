"""Metrics of one task, good and bad, without a run folder."""

import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest

from rclicks_jax import errors
from rclicks_jax.evaluation import click_metrics, people_halves, task_scoring
from rclicks_jax.evaluation import records as task_records
from rclicks_jax.types import ClickExample

TARGET = np.zeros((30, 40), bool)
TARGET[5:25, 10:30] = True
CLICKS = [[10, 15], [11, 20], [20, 25], [10, 15]]
UNIFORM = TARGET.astype(np.float32)
SEEDS = (0, 1)


def truth_of(clicks=CLICKS, error_mask=TARGET):
    return click_metrics.truth(np.array(clicks), (20, 20), error_mask, 0.0)


def compared(click_map, draws=40, **kwargs):
    return click_metrics.raw_and_masked(click_map, truth_of(**kwargs), draws, SEEDS)


def test_a_map_at_the_clicks_is_the_best_there_is():
    perfect = np.zeros((30, 40), np.float32)
    np.add.at(perfect, tuple(np.array(CLICKS).T), 1)
    best, worse = compared(perfect)["raw"], compared(UNIFORM)["raw"]
    assert best["pde"] == pytest.approx(3 / 8)
    for metric in ("wd", "pl1", "pl1_expected"):
        assert best[metric] < worse[metric]
    for metric in ("nss", "auc_judd", "ig"):
        assert best[metric] > worse[metric]
    assert best["auc_judd"] == 1
    assert worse["ig"] == 0
    smooth = truth_of().click_map
    assert smooth.max() > 0
    exact = compared(smooth)["raw"]
    assert exact["kld"] == pytest.approx(0, abs=1e-6)
    assert (exact["cc"], exact["sim"]) == pytest.approx((1, 1))


def test_maps_are_measured_raw_and_masked():
    everywhere = np.ones((30, 40), np.float32)
    both = compared(everywhere)
    assert both["raw"]["pde"] == pytest.approx(1 / 1200)
    assert both["masked"] == compared(UNIFORM)["raw"]
    assert both["raw"]["nss"] == both["raw"]["cc"] == 0
    assert both["raw"]["auc_judd"] == 0.5


def test_what_has_no_mass_in_the_error_region_is_uniform_there_when_masked():
    both = compared(1 - UNIFORM)
    assert both["masked"] == compared(UNIFORM)["raw"]
    assert both["raw"]["pde"] == 0


def test_one_click_has_every_metric_but_those_of_two():
    values = compared(UNIFORM, clicks=[[10, 15]])["raw"]
    missing = {name for name, value in values.items() if value is None}
    assert missing == {"ks", "energy"}


def test_energy_distance_ranks_a_map_pulled_to_the_middle_below_people():
    random = np.random.default_rng(0)
    pixels = np.moveaxis(np.indices((200, 200)), 0, -1)

    def bump(deviation):
        squared = ((pixels - 100) ** 2).sum(axis=-1)
        return np.exp(-squared / (2 * deviation**2)).astype(np.float32)

    clicks = np.rint(random.normal(100, 20, (40, 2))).astype(np.int32)
    truth = click_metrics.truth(clicks, (100, 100), np.ones((200, 200), bool), 0.0)
    alike, pulled = (
        click_metrics.measure(bump(deviation), truth, 50, (0, 0))
        for deviation in (20.0, 10.0)
    )
    assert pulled["pl1"] < alike["pl1"]
    assert pulled["energy"] > 0.02 > 2 * abs(alike["energy"])


def test_halves_of_people_are_the_ceiling():
    random = np.random.default_rng(1)
    clicks = random.integers(0, 100, (9, 2)).astype(np.int32)
    people = [f"p{number}" for number in range(9)]
    first = people_halves.first_half(people, "task")
    assert first.sum() == 4
    found = click_metrics.of_halves(clicks, people, "task", (50, 60))
    assert found == click_metrics.of_sets(clicks[first], clicks[~first], (50, 60))
    # A person is in the same half whatever the task.
    np.testing.assert_array_equal(people_halves.first_half(people, "other"), first)
    assert click_metrics.of_halves(clicks[:3], people[:3], "task", (50, 60)) == {}


def test_clicks_of_one_person_are_in_one_half():
    first = people_halves.first_half(["a", "b", "a", "c", "b", "d"], "task")
    assert first[0] == first[2]
    assert first[1] == first[4]
    assert first.sum() + (~first).sum() == 6
    # Where nobody knows who clicked, every click is one of another person.
    assert people_halves.first_half([""] * 6, "task").sum() == 3


def test_clicks_in_one_column_or_at_one_point_have_every_metric():
    for clicks in ([[y, 15] for y in range(6, 20)], [[10, 15]] * 9):
        assert None not in compared(UNIFORM, clicks=clicks)["raw"].values()


def test_clicks_far_from_the_error_region_have_no_map_to_compare_with():
    error_mask = np.zeros((300, 400), bool)
    error_mask[5:25, 10:30] = True
    values = compared(error_mask.astype(np.float32), 3, clicks=[[280, 380]] * 2,
                      error_mask=error_mask)["raw"]  # fmt: skip
    undefined = {name for name, value in values.items() if value is None}
    assert undefined == {"kld", "cc", "sim"}


@pytest.mark.parametrize(
    ("click_map", "message"),
    [
        (0 * UNIFORM, "no mass"),
        (UNIFORM * np.nan, "no numbers"),
        (np.where(TARGET, np.inf, 0), "no numbers"),
        (UNIFORM - 0.5, "negative"),
        (UNIFORM[:, 1:], "30x39 pixels, the image 30x40"),
        (UNIFORM[..., None], "30x40x1"),
    ],
)
def test_what_is_no_density_is_refused(click_map, message):
    with pytest.raises(errors.DataError, match=message):
        compared(click_map)


def example(**changes):
    made = ClickExample(
        "set", "id", "photo", "first", "", "pc",
        np.zeros((30, 40, 3), np.uint8), TARGET, None, np.array(CLICKS),
    )  # fmt: skip
    return dataclasses.replace(made, **changes)


@pytest.mark.parametrize(
    ("changes", "status", "reason"),
    [
        ({"clicks_yx": np.zeros((0, 2), int)}, "skipped", "nobody clicked"),
        ({"gt_mask": TARGET & False}, "skipped", "the mask has no object pixel"),
        (
            {"click_type": "fn", "prev_mask": UNIFORM},
            "skipped",
            "the error region has no pixel",
        ),
        (
            {"clicks_yx": np.array([[1, 2], [30, 5]])},
            "failed",
            "1 of 2 clicks are off the image, which is 30x40 pixels; the first is at "
            "(y, x) = [30, 5]",
        ),
        ({"clicks_yx": np.array([[1, -2]])}, "failed", "at (y, x) = [1, -2]"),
        ({"gt_mask": TARGET.T}, "failed", "a mask is 40x30 pixels, the image 30x40"),
        (
            {"click_type": "fn", "prev_mask": UNIFORM[1:]},
            "failed",
            "a mask is 29x40 pixels, the image 30x40",
        ),
        (
            {"click_type": "fn", "prev_mask": UNIFORM * np.nan},
            "failed",
            "the previous mask has values that are no numbers",
        ),
    ],
)
def test_a_bad_task_has_a_status_and_a_reason(changes, status, reason):
    record = task_records.TaskRecord("set", "id")
    with pytest.raises(errors.DataError) as raised:
        task_scoring.check(example(**changes))
    record = task_scoring.rejected(record, raised.value)
    assert record.status == status
    assert reason in record.reason
    assert task_scoring.measure((record, None)) is record


def test_a_map_that_cannot_be_measured_fails_its_task_and_is_named():
    maps = {"UD": UNIFORM, "A": UNIFORM * 0, "B": "ValueError: not this one"}
    seeds = dict.fromkeys(maps, SEEDS)
    for name, reason in (("A", "A: the click map has no mass"), ("B", "B: ValueError")):
        some = {"UD": maps["UD"], name: maps[name]}
        task = task_scoring.TaskWithMaps(
            np.array(CLICKS), (20, 20), TARGET, some, seeds, 3, 0.0
        )
        record = task_scoring.measure((task_records.TaskRecord("set", "id"), task))
        assert record.status == "failed"
        assert record.reason.startswith(reason)
        assert list(record.models) == ["UD"]


def test_each_click_model_that_fails_keeps_its_reason():
    maps = {"A": UNIFORM * 0, "UD": UNIFORM, "B": "not this one"}
    seeds = dict.fromkeys(maps, SEEDS)
    task = task_scoring.TaskWithMaps(
        np.array(CLICKS), (20, 20), TARGET, maps, seeds, 3, 0.0
    )
    record = task_scoring.measure((task_records.TaskRecord("set", "id"), task))
    assert record.status == "failed"
    assert record.reason == "A: the click map has no mass; B: not this one"
    assert list(record.models) == ["UD"]


def test_records_are_json_without_nan():
    record = task_records.TaskRecord("set", "id")
    maps = {"UD": UNIFORM}
    one = np.array([[10, 15]])
    task = task_scoring.TaskWithMaps(one, (20, 20), TARGET, maps, {"UD": SEEDS}, 3, 0.0)
    record = task_scoring.measure((record, task))
    json.dumps(dataclasses.asdict(record), allow_nan=False)
    assert record.models["UD"]["raw"]["ks"] is None


def test_processes_that_measure_import_no_jax():
    program = (
        "import sys, rclicks_jax.evaluation.task_scoring; "
        "assert 'jax' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
