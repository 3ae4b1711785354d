import dataclasses
import importlib

import pytest

from rclicks_jax import config, errors

FILES = {
    "benchmark": config.BenchmarkConfig,
    "train_clickability": config.TrainConfig,
    "evaluate_click_models": config.EvaluateConfig,
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
    assert config.from_config_dict(FILES[name], values) == module.VARIANTS[variant]


@pytest.mark.parametrize("name", FILES)
def test_every_config_has_a_tiny_variant_and_names_its_variants(name):
    module = importlib.import_module(f"rclicks_jax.configs.{name}")
    assert "tiny" in module.VARIANTS
    with pytest.raises(errors.UnknownNameError, match=r"'huge'.*tiny"):
        module.get_config("huge")


def test_text_becomes_what_the_setting_is():
    values = {"groups": "1,10", "baseline": "false", "seed": "7", "max_failed": "0.5"}
    made = config.from_config_dict(config.BenchmarkConfig, values)
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
        config.from_config_dict(config.BenchmarkConfig, values)


def test_protocols_differ_in_every_switch_that_deviations_lists():
    paper, strict = dataclasses.asdict(config.PAPER), dataclasses.asdict(config.STRICT)
    same = {key for key in paper if paper[key] == strict[key]}
    assert same == {"max_clicks", "stop_at"}
    with pytest.raises(errors.UnknownNameError, match=r"'loose'.*paper, strict"):
        config.protocol("loose")


def test_an_unknown_network_is_named():
    with pytest.raises(errors.UnknownNameError, match=r"'xl'.*nano"):
        config.network("xl")
