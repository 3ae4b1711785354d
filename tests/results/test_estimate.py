import dataclasses

import numpy as np
import pytest
import results_of

from rclicks_jax import errors
from rclicks_jax.reporting import table_formats
from rclicks_jax.results import estimate, paces
from rclicks_jax.settings import protocols

SURE = paces.Pace(*(paces.Seconds(mean, 0) for mean in (2, 1, 5, 80)))
PROJECT = paces.Project(objects=100_000)


def simulated(result, project=PROJECT, pace=SURE, **options):
    return estimate.simulate(result, protocols.PAPER, project, pace, **options)


def test_without_uncertainty_the_time_is_the_formula():
    result = results_of.results(objects=1, images=1, skill=0.2)
    alike = results_of.areas(np.broadcast_to(result.baseline.iou, (1, 10, 1, 20)))
    result = dataclasses.replace(result, by_group=alike)
    noc = result.noc(result.baseline, protocols.PAPER, 90)[0]
    assert noc < 20
    found = simulated(result)
    np.testing.assert_allclose(found.clicks, noc)
    np.testing.assert_allclose(found.seconds, 5 + 3 * noc)
    np.testing.assert_allclose(found.break_even, (80 - 5) / 3)


def test_objects_that_clicks_do_not_solve_are_drawn_by_hand():
    result = results_of.results(objects=4, images=4)
    never = results_of.areas(np.full((1, 10, 4, 20), 0.5))
    found = simulated(dataclasses.replace(result, by_group=never))
    np.testing.assert_allclose(found.unsolved, 1)
    np.testing.assert_allclose(found.seconds, 5 + 3 * 20 + 80)
    np.testing.assert_allclose(found.break_even, 0)


def test_a_mean_over_many_projects_is_the_mean_of_the_part():
    result = results_of.results(objects=40, images=20)
    noc = result.noc(result.by_group, protocols.PAPER, 90)
    found = simulated(result, draws=20_000)
    assert found.clicks.mean() == pytest.approx(noc.mean(), rel=0.01)


def test_more_measured_images_narrow_the_interval_and_a_small_project_widens_it():
    def width(result, objects=100_000):
        project = paces.Project(objects=objects)
        interval = estimate.interval(simulated(result, project).seconds, images=12)
        return interval.high - interval.low

    few = results_of.results(objects=12, images=12)
    many = results_of.results(objects=200, images=200)
    assert width(many) < 0.5 * width(few)
    assert width(many, objects=5) > 3 * width(many)


def test_unsure_paces_widen_the_interval_and_keep_the_mean():
    result = results_of.results(objects=60, images=60)
    sure = simulated(result, draws=20_000).seconds
    unsure = simulated(result, pace=paces.Pace(), draws=20_000).seconds
    assert unsure.std() > 2 * sure.std()
    assert unsure.mean() == pytest.approx(sure.mean(), rel=0.02)


def test_a_clicking_group_that_fares_worse_costs_more_than_the_robot_tells():
    runs = [results_of.run("mine", spread=0.05)]
    (row,) = estimate.table(runs, PROJECT, SURE).rows
    assert row["hours"].low <= row["hours"].mean <= row["hours"].high
    assert row["robot_hours"] < row["hours"].mean
    assert row["cost"].mean == pytest.approx(15 * row["hours"].mean)


def test_assumptions_that_nobody_measured_are_named():
    given = paces.Pace(click=paces.Seconds(1.4, 0.1))
    said = {row["what"]: row["value"] for row in
            estimate.assumptions(PROJECT, given).rows}  # fmt: skip
    assert said["seconds for a click"] == "1.4 ± 0.1"
    assert "assumed, not measured" in said["seconds for a polygon"]


def test_of_four_photographs_there_is_an_estimate_and_no_interval():
    runs = [results_of.run("mine", objects=8, images=4)]
    table = estimate.table(runs, PROJECT, SURE)
    hours = table.rows[0]["hours"]
    found = simulated(runs[0].results["set"]).seconds.mean() * 100_000 / 3600
    assert hours.mean == pytest.approx(found)
    assert not hours.known
    assert any(
        "fewer than 5 photographs" in note for note in table_formats.notes(table)
    )


def test_segmenters_are_estimated_from_the_objects_that_both_finished():
    one, other = results_of.run("one"), results_of.run("other", skill=0.05)
    fewer = other._replace(results={"set": other.results["set"].only(range(3, 12))})
    rows = estimate.table([one, fewer], PROJECT, SURE).rows
    assert [row["part"] for row in rows] == [9, 9]
    alone = one._replace(results={"set": one.results["set"].only(range(3, 12))})
    (expected,) = estimate.table([alone], PROJECT, SURE).rows
    assert rows[0]["hours"] == expected["hours"]


@pytest.mark.parametrize(
    ("project", "pace"),
    [
        (paces.Project(objects=0), SURE),
        (paces.Project(objects=10**24), SURE),
        (paces.Project(objects=10**400), SURE),
        (PROJECT, SURE._replace(click=paces.Seconds(float("inf"), 1))),
        (PROJECT, SURE._replace(polygon=paces.Seconds(float("nan"), 1))),
        (PROJECT, SURE._replace(polygon=paces.Seconds(80, float("nan")))),
        (PROJECT._replace(days=0), SURE),
        (PROJECT._replace(hours_a_day=25), SURE),
        (PROJECT._replace(hourly_price=float("nan")), SURE),
        (PROJECT, SURE._replace(click=paces.Seconds(-1, 0))),
    ],
)
def test_what_cannot_be_is_refused(project, pace):
    with pytest.raises(errors.BadValueError):
        simulated(results_of.results(), project, pace)


def test_a_run_without_groups_cannot_tell():
    result = dataclasses.replace(results_of.results(), by_group=None)
    with pytest.raises(errors.BadValueError, match="a run with groups"):
        simulated(result)


def test_runs_without_a_common_object_cannot_be_estimated():
    one, other = results_of.run("one"), results_of.run("other")
    one = one._replace(results={"set": one.results["set"].only(range(6))})
    other = other._replace(results={"set": other.results["set"].only(range(6, 12))})
    with pytest.raises(errors.BadValueError, match="none that all runs finished"):
        estimate.table([one, other], PROJECT, SURE)


def test_a_run_that_ended_before_90_percent_cannot_tell():
    protocol = dataclasses.replace(protocols.PAPER, stop_at=80)
    with pytest.raises(errors.BadValueError, match="ended at 80 % IoU"):
        estimate.simulate(results_of.results(), protocol, PROJECT, SURE)
