"""Whatever a flag is given, a user is told in a sentence; nothing is left out."""

import types

import pytest
from faults import every_value
from rclicks_jax.launch import host_flags
from started import forked

from rclicks_jax import errors
from rclicks_jax.settings import click_maps


@pytest.mark.parametrize(
    "command",
    [
        ("segmenters", "env", "sam", "--dry_run"),
        ("tabulate", "hard", "{data}/none"),
    ],
)
def test_a_bad_value_is_a_sentence(tmp_path, command):
    wrong, tried = every_value(tmp_path, 13, *command)
    assert not wrong
    assert tried >= 10


def test_click_maps_without_groups_draw_no_clicks_only_where_none_are_wanted():
    with pytest.raises(errors.BadValueError, match=r"--groups: got none.*--samples=0"):
        click_maps.ClickMapsConfig(groups=())
    assert click_maps.ClickMapsConfig(groups=(), samples=0).groups == ()


@pytest.mark.parametrize(("name", "value"), [("process_id", 1), ("process_count", 2)])
def test_a_host_without_a_coordinator_does_not_take_itself_for_the_only_one(
    monkeypatch, name, value
):
    defaults = {"coordinator": "", "process_count": 0, "process_id": -1}
    for each, default in defaults.items():
        given = value if each == name else default
        holder = types.SimpleNamespace(name=each, value=given, default=default)
        monkeypatch.setattr(host_flags, f"_{each.upper()}", holder)
    with pytest.raises(errors.BadValueError, match=f"--{name}: got {value} without"):
        host_flags.start(lambda: None)


@pytest.mark.parametrize(
    ("coordinator", "order"),
    [("", ["settings", "JAX"]), ("there:1", ["JAX", "settings"])],
)
def test_a_host_alone_reads_settings_first_and_one_of_several_meets_the_others_first(
    monkeypatch, coordinator, order
):
    steps = []
    for name, value in (("coordinator", coordinator), ("process_count", 0),
                        ("process_id", -1)):  # fmt: skip
        holder = types.SimpleNamespace(name=name, value=value, default=value)
        monkeypatch.setattr(host_flags, f"_{name.upper()}", holder)
    monkeypatch.setattr(host_flags, "_prepare_jax", lambda: steps.append("JAX"))

    def read_settings():
        steps.append("settings")
        return 7

    assert host_flags.start(read_settings) == 7
    assert steps == order


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--data=folder:a", "--config.data=folder:b"], "'folder:a' and 'folder:b'"),
        (["--config="], "--config: got nothing"),
        (["--process_id=1"], "--process_id: got 1 without --coordinator"),
    ],
)
def test_flags_that_contradict_each_other_are_refused(tmp_path, given, said):
    ended = forked("train", *given, f"--workdir={tmp_path}")
    assert ended.returncode == 2
    assert said in ended.stderr
