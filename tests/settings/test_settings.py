import dataclasses
import importlib

import pytest

from rclicks_jax import errors
from rclicks_jax.benchmark.identity import BenchmarkIdentity
from rclicks_jax.benchmark.setup import Strategies
from rclicks_jax.clicks import strategies
from rclicks_jax.data import stream
from rclicks_jax.reporting import comparable
from rclicks_jax.settings import (
    benchmark,
    click_maps,
    dicts,
    docs,
    evaluation,
    networks,
    protocols,
    training,
)
from rclicks_jax.training import recipes

FILES = {
    "benchmark": benchmark.BenchmarkConfig,
    "train_clickability": training.TrainConfig,
    "evaluate_click_models": evaluation.EvaluateConfig,
}
VARIANTS = [
    (name, variant)
    for name in FILES
    for variant in importlib.import_module(f"rclicks_jax.configs.{name}").VARIANTS
]


@pytest.mark.parametrize(("name", "variant"), VARIANTS)
def test_every_variant_goes_through_a_config_dict_unchanged(name, variant):
    module = importlib.import_module(f"rclicks_jax.configs.{name}")
    values = module.get_config(variant)
    assert dicts.from_config_dict(FILES[name], values) == module.VARIANTS[variant]


@pytest.mark.parametrize("name", FILES)
def test_every_config_has_a_tiny_variant_and_names_its_variants(name):
    module = importlib.import_module(f"rclicks_jax.configs.{name}")
    assert "tiny" in module.VARIANTS
    with pytest.raises(errors.UnknownNameError, match=r"'huge'.*tiny"):
        module.get_config("huge")


def test_text_becomes_what_the_setting_is():
    values = {"groups": "1,10", "baseline": "false", "seed": "7", "max_failed": "0.5"}
    made = dicts.from_config_dict(benchmark.BenchmarkConfig, values)
    assert made.groups == (1, 10)
    assert made.baseline is False
    assert made.seed == 7
    assert made.max_failed == 0.5


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"sed": 1}, r"sed; allowed:.*seed"),
        ({"seed": "x"}, r"seed: got 'x'; allowed: a whole number"),
        ({"seed": 1.5}, r"seed: got 1\.5"),
        ({"seed": True}, r"seed: got True"),
        ({"baseline": "perhaps"}, r"baseline: got 'perhaps'"),
        ({"groups": (1, "two")}, r"groups: got 'two'"),
    ],
)
def test_wrong_settings_are_named(values, message):
    with pytest.raises(errors.BadValueError, match=message):
        dicts.from_config_dict(benchmark.BenchmarkConfig, values)


@pytest.mark.parametrize(
    ("settings", "value", "message"),
    [
        (benchmark.BenchmarkConfig, {"instances_per_batch": -2}, "got -2; .*0 or more"),
        (
            benchmark.BenchmarkConfig,
            {"max_images": -1},
            r"--config\.max_images: got -1",
        ),
        (benchmark.BenchmarkConfig, {"click_model_batch": -1}, "0 or more"),
        (
            benchmark.BenchmarkConfig,
            {"click_model_precision": "half"},
            "'half'.*bfloat16",
        ),
        (benchmark.BenchmarkConfig, {"repeats": 0}, "got 0; allowed: 1 or more"),
        (benchmark.BenchmarkConfig, {"groups": (11,)}, "got 11; .*numbers 1 to 10"),
        (benchmark.BenchmarkConfig, {"groups": (2, 2)}, "got 2,2; .*each once"),
        (benchmark.BenchmarkConfig, {"stop_at": 101}, "got 101; allowed: 0 to 100"),
        (benchmark.BenchmarkConfig, {"max_failed": 1.5}, "got 1.5; allowed: 0 to 1"),
        (benchmark.BenchmarkConfig, {"max_failed": float("nan")}, "got nan"),
        (benchmark.BenchmarkConfig, {"pictures": -1}, "0 or more"),
        (benchmark.BenchmarkConfig, {"seed": 1 << 32}, "got 4294967296; .*32 bits"),
        (benchmark.BenchmarkConfig, {"seed": -1}, "got -1"),
        (evaluation.EvaluateConfig, {"draws": 0}, "1 or more"),
        (evaluation.EvaluateConfig, {"processes": -1}, "0 or more"),
        (evaluation.EvaluateConfig, {"shard": "4/4"}, "got '4/4'; .*NUMBER/COUNT"),
        (evaluation.EvaluateConfig, {"click_models": ()}, "got none; .*one or more"),
        (click_maps.ClickMapsConfig, {"batch": -3}, "--batch: got -3; .*0 or more"),
        (
            click_maps.ClickMapsConfig,
            {"groups": (0, 11)},
            "got 0,11; .*0 for the whole map",
        ),
        (training.TrainConfig, {"batch_size": 0}, "1 or more"),
        (training.TrainConfig, {"epochs": 0}, "1 or more"),
        (training.TrainConfig, {"sigma": 0.0}, "above 0"),
        (training.TrainConfig, {"sigma": float("inf")}, "above 0"),
        (training.TrainConfig, {"later_share": 1.0}, "less than 1"),
        (training.TrainConfig, {"max_click_distance": float("nan")}, "got nan"),
        (training.TrainConfig, {"seed": 1 << 40}, "32 bits"),
    ],
)
def test_no_job_takes_a_setting_out_of_range(settings, value, message):
    with pytest.raises(errors.BadValueError, match=message):
        settings(**value)
    with pytest.raises(errors.BadValueError, match=message):
        dicts.from_config_dict(settings, value)


def test_protocols_differ_in_every_switch_that_deviations_lists():
    paper, strict = (
        dataclasses.asdict(protocols.PAPER),
        dataclasses.asdict(protocols.STRICT),
    )
    same = {key for key in paper if paper[key] == strict[key]}
    assert same == {"max_clicks", "stop_at"}
    with pytest.raises(errors.UnknownNameError, match=r"'loose'.*paper, strict"):
        protocols.protocol("loose")


def test_an_unknown_network_is_named():
    with pytest.raises(errors.UnknownNameError, match=r"'xl'.*nano"):
        networks.network("xl")


@pytest.mark.parametrize("value", [{"epochs": float("inf")}, {"sigma": 10**400}])
def test_a_number_of_a_file_that_no_setting_can_hold_is_refused(value):
    with pytest.raises(errors.BadValueError, match=r"Setting (epochs|sigma): got"):
        dicts.from_config_dict(training.TrainConfig, value)


def test_settings_reach_what_has_a_field_of_their_name():
    config = benchmark.BenchmarkConfig(groups=(3,), repeats=2, robots=("random",))
    made = dicts.made_of(Strategies, config, users=True)
    assert made == Strategies((3,), True, True, 2, ("random",))
    recipe = recipes.parse("paper:colour=0.5:zoom=0.25")
    assert dicts.made_of(stream.Augmentation, recipe) == (True, 0.5, 0.25)
    # `protocol` of the settings is a name, of the identity the switches.
    with pytest.raises(TypeError, match=r"protocol.*segmenter.*data"):
        dicts.made_of(BenchmarkIdentity, config, strategies=made)


def test_the_settings_name_every_robot():
    (text,) = (
        each.text
        for each in docs.describe(benchmark.BenchmarkConfig)
        if each.name == "robots"
    )
    assert text == f"Further robots to play, of {', '.join(strategies.ROBOTS)}."


def test_all_that_can_change_a_number_may_be_allowed_to_differ():
    parts = {"strategies", "segmenter"}
    identity = {
        field.name
        for values in (BenchmarkIdentity, Strategies)
        for field in dataclasses.fields(values)
    }
    assert identity - parts <= set(comparable.SETTINGS)
    assert {"draws", "max_images", "stop_at"} <= set(comparable.SETTINGS)
    assert not {"segmenter", "shard", "pictures"} & set(comparable.SETTINGS)
