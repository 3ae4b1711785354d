"""A segmenter is told the values of the run's protocol, wherever it runs."""

import dataclasses
import itertools

import pytest
import told_adapter
from told_adapter import told

from rclicks_jax import errors, registry
from rclicks_jax.bridge import faults, switches, wire
from rclicks_jax.segmenters import actions, bridged, load, specs
from rclicks_jax.settings import protocols

WAYS = (told_adapter.__file__, f"bridge:adapter={told_adapter.__file__}", "told")
# What the switches of segmenters were in each version of the wire protocol.
OF_VERSION = {3: ("drop_mask_prompt", "empty_mask_keeps_crop")}


@pytest.fixture(autouse=True)
def native(monkeypatch):
    monkeypatch.setitem(registry.SEGMENTERS, "told", "told_adapter")


@pytest.mark.parametrize("way", WAYS, ids=["file", "worker", "native"])
def test_it_is_told_every_switch_of_segmenters(way):
    for values in itertools.product((True, False), repeat=2):
        expected = switches.Switches(*values)
        changes = expected._asdict()
        # Its name says nothing.
        protocol = dataclasses.replace(protocols.STRICT, name="paper", **changes)
        assert told(load.load(way, protocol=protocol)) == expected


@pytest.mark.parametrize("way", WAYS, ids=["file", "worker", "native"])
def test_without_a_run_it_plays_the_original(way):
    assert told(load.load(way)) == switches.PAPER


def test_a_check_tells_the_protocol_that_it_is_given(monkeypatch):
    asked, plain = [], load.load

    def noted(spec, trajectories=0, protocol=None):
        asked.append(protocol)
        return plain(spec, trajectories, protocol)

    monkeypatch.setattr(load, "load", noted)
    assert actions.check(WAYS[0], protocol="strict") == 0
    assert {*asked} == {protocols.STRICT}
    assert len(asked) > 1


@pytest.mark.parametrize("way", WAYS, ids=["file", "worker", "native"])
def test_a_spec_of_one_that_is_told_is_checked(way):
    specs.check(way)


def test_an_adapter_of_this_package_behind_bridge_is_told_too(monkeypatch):
    launched = []

    class Worker:
        printed, versions = "", {}

        def __init__(self, launch, cancelled):
            launched.append(launch)

        def close(self):
            pass

    monkeypatch.setattr(bridged.client, "WorkerClient", Worker)
    load.load("bridge:adapter=sam:checkpoint=none", protocol=protocols.STRICT)
    assert launched[0].protocol == switches.Switches(False, False)
    assert launched[0].options == {"checkpoint": "none"}


@pytest.mark.parametrize("spec", ["noisy", "grabcut", "mine.py", "bridge:adapter=sam"])
def test_a_spec_has_no_protocol_of_its_own(spec, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text("def load(o): ...\nencode = predict = load\n")
    message = r"Option protocol of .*'strict'.*--config\.protocol sets.*load\(options, "
    for act in (specs.check, load.load):
        with pytest.raises(errors.BadValueError, match=message):
            act(f"{spec}:protocol=strict")


def test_the_two_constants_are_those_of_both_sides():
    assert load.switches_of(protocols.PAPER) == switches.PAPER
    assert load.switches_of(protocols.STRICT) == switches.Switches(False, False)


def test_another_set_of_switches_is_another_version_of_the_wire_protocol():
    assert switches.Switches._fields == OF_VERSION[wire.VERSION]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"drop_mask_prompt": True}, "came as drop_mask_prompt; .*keeps_crop: use one"),
        (
            {**switches.to_json(switches.PAPER), "later": True},
            "drop_mask_prompt, empty_mask_keeps_crop, later; segmenters of this",
        ),
        ("strict", "came as strict; "),
        (
            {**switches.to_json(switches.PAPER), "drop_mask_prompt": "no"},
            "drop_mask_prompt = 'no'; it can be true or false",
        ),
    ],
)
def test_other_switches_than_this_release_has_are_refused(values, message):
    with pytest.raises(faults.FaultError, match=message):
        switches.from_json(values)


def test_a_worker_refuses_them_in_words(monkeypatch):
    monkeypatch.setattr(switches, "to_json", lambda _: {"later": True})
    with pytest.raises(errors.SegmenterError, match="its model: The run's protocol"):
        load.load(WAYS[1])
