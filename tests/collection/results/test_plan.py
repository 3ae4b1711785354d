import numpy as np
import pytest
from collect_studies import make

from rclicks_jax import errors
from rclicks_jax.collection.results import plan, power, task_maps
from rclicks_jax.collection.service import open_studies
from rclicks_jax.collection.store import catalogue
from rclicks_jax.collection.tasks import private_files, regions

FEW = {"tasks": 6, "simulations": 4, "seed": 0}


@pytest.fixture
def folder(tmp_path):
    return make(tmp_path, study={"per_person": 6})


@pytest.fixture
def pools(folder):
    opened = open_studies.open_for_commands(folder, read_only=True)
    tasks = opened.store.read(catalogue.tasks)
    opened.store.close()
    models = task_maps.load(["UD", "DT"])
    return opened.study, tasks, plan.pools(opened.study, tasks, models, seed=0)


def test_places_of_click_models_are_inside_the_object(pools):
    study, tasks, made = pools
    assert len(made.one) == len(made.other) == len(tasks)
    for task, places in zip(tasks, made.one, strict=True):
        path = private_files.region_path(study, task.task_id)
        region = regions.decode(path.read_bytes(), path.name)
        y0, y1, x0, x1 = task.box
        yx = places * (y1 - y0, x1 - x0) + ((y0 + y1) / 2, (x0 + x1) / 2) - 0.5
        y, x = np.rint(yx).astype(int).T
        assert region[y, x].all()


def test_the_second_click_model_is_nearer_to_the_middle(pools):
    one, other = (
        np.linalg.norm(np.concatenate(made), axis=1).mean() for made in pools[2][:2]
    )
    assert other < 0.9 * one


def test_simulated_people_draw_from_the_pool_of_their_task_and_mode():
    def places(value):
        return [np.full((3, 2), value + task) for task in range(2)]

    pools = power.Pools(places(0), places(100))
    generator = np.random.Generator(np.random.Philox(0))
    clicks = power.simulated(5, 4, 4, power.Effect(models=True), generator, pools)
    expected = 100 * clicks.mode + clicks.task % 2
    # Habits of people are small.
    assert abs(clicks.places - expected[:, None]).max() < 0.5


def test_click_models_that_differ_are_told_apart_and_equal_ones_are_not(pools):
    uniform = pools[2].one
    different = power.Pools(uniform, [0.3 * places for places in uniform])
    equal = power.Pools(uniform, uniform)
    shares = [
        power.table(12, 12, power.Effect(models=True), made, simulations=20, seed=0,
                    clicks=(20,)).rows[0]["power"]
        for made in (different, equal)
    ]  # fmt: skip
    assert shares[0] > 0.8
    assert shares[1] < 0.3


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"effect": "", "click_models": ["UD", "DT"]},
         "one mode has clicks like UD, one like DT"),
        ({"effect": "spread:0.5", "click_models": ["DT"]},
         "0.5 times as far from the middle"),
        ({"effect": ""}, "shifted by 0.05 sides"),
    ],
)  # fmt: skip
def test_the_plan_says_what_is_assumed(folder, capsys, options, words):
    assert plan.run(str(folder), **FEW, **options) == 0
    said = capsys.readouterr().out
    assert words in said
    assert "power of 80%" in said
    assert "at a level of 5%" in said
    assert ("People click as" in said) == bool(options.get("click_models"))
    assert "assum" in said


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"effect": "models"}, "models with 0"),
        ({"effect": "shift:0.1", "click_models": ["UD", "DT"]}, "models with two"),
        ({"effect": "pilot", "click_models": ["UD"]}, "one of the two"),
        ({"effect": "", "click_models": ["UD", "DT", "UD"]}, "one or two"),
        ({"effect": "pilot"}, "until two display modes have 40"),
    ],
)
def test_what_does_not_fit_is_refused(folder, options, message):
    with pytest.raises(errors.BadValueError, match=message):
        plan.run(str(folder), **FEW, **options)
