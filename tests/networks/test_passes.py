import json
import pathlib
import subprocess
import sys
import types

import jax
import numpy as np
import pytest
import two_convolutions

from rclicks_jax import errors
from rclicks_jax.networks import batches, passes
from rclicks_jax.types import ClickQuery

pytestmark = pytest.mark.usefixtures("second_architecture")
PROGRAM = pathlib.Path(__file__).parents[1] / "programs" / "maps_of_devices.py"


def queries(count):
    random = np.random.default_rng(0)
    made = []
    for number in range(count):
        shape = (40 + number, 61 - number)
        image = random.integers(0, 256, (*shape, 3), dtype=np.uint8)
        target = random.random(shape) < 0.5
        made.append(ClickQuery(image, target, target & (random.random(shape) < 0.5)))
    return made


@pytest.mark.long
def test_any_number_of_devices_makes_the_same_bits():
    done = subprocess.run(
        [sys.executable, str(PROGRAM)], capture_output=True, text=True, timeout=300
    )
    assert not done.returncode, done.stderr
    hashes = json.loads(done.stdout)
    assert set(hashes) == {"1", "3"}
    assert len(set(hashes.values())) == 1


def test_a_pass_has_the_batch_on_each_device():
    model = two_convolutions.model(batch=2, devices=3)
    assert (model.batch, model.devices, model.rows) == (2, 3, 6)
    assert "batch 2 on each of 3 devices" in repr(model)
    # Everything on the devices is on these three.
    used = {device for leaf in jax.tree.leaves(model.passes._variables)
            for device in leaf.devices()}  # fmt: skip
    assert used == set(jax.local_devices()[:3])


def test_no_number_means_all_devices():
    assert (
        two_convolutions.model(batch=1, devices=0).devices == jax.local_device_count()
    )


def test_jaxs_default_device_comes_first():
    other = jax.local_devices()[2]
    with jax.default_device(other):
        model = two_convolutions.model(batch=1)
    assert model.passes.images.squares.devices() == {other}


@pytest.mark.parametrize("devices", [-1, 5])
def test_devices_that_are_not_there_are_refused(devices):
    message = rf"devices: got {devices}; allowed: 0 for all, or 1 to 4\. 4 cpu devices"
    with pytest.raises(errors.BadValueError, match=message):
        two_convolutions.model(batch=1, devices=devices)


class Program:
    """Raises what a device would, instead of running."""

    def __init__(self, message):
        self.message = message

    def maps(self, *arguments):
        raise RuntimeError(self.message)


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("INTERNAL: device 1 is lost\nstack", errors.DeviceError),
        ("UNAVAILABLE: the chip does not answer", errors.DeviceError),
        (
            "RESOURCE_EXHAUSTED: Out of memory allocating 9 bytes.",
            errors.DeviceMemoryError,
        ),
        ("INVALID_ARGUMENT: a fault of this project", RuntimeError),
    ],
)
def test_a_device_that_fails_is_named_and_the_next_pass_is_right(
    monkeypatch, message, kind
):
    model, asked = two_convolutions.model(batch=1, devices=2), queries(3)
    expected = model(asked)
    with monkeypatch.context() as patch:
        patch.setattr(passes, "compile_pass", lambda *_: Program(message))
        with pytest.raises(kind) as raised:
            model(asked)
    if kind is errors.DeviceError:
        assert "run the same command again" in str(raised.value)
        assert "stack" not in str(raised.value)
        assert all(str(device) in str(raised.value) for device in jax.devices()[:2])
    if kind is errors.DeviceMemoryError:
        said = f"in a pass of 1 click maps on each device: {message}"
        assert str(raised.value) == said
    for ours, theirs in zip(model(asked), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def needs(fixed, per_map, asked=None):
    def needed(batch):
        if asked is not None:
            asked.append(batch)
        return fixed + per_map * batch

    return needed


@pytest.mark.parametrize(
    ("available", "batch"),
    [
        (100 + 7 * 9.5, 5),
        (100 + 7 * 10, 10),
        (100 + 7 * 20, 20),
        (100 + 7 * 79, 70),
        (100 + 7 * 80, 80),
        (10**6, 320),
        (106, 0),
        (107, 1),
    ],
)
def test_the_batch_is_the_largest_that_fits(available, batch):
    assert batches.largest(needs(100, 7), available) == batch


def test_few_programs_are_compiled_to_choose_a_batch():
    asked = []
    assert batches.largest(needs(10, 1, asked), 200) == 190
    assert asked == [10, 20, 190]


def test_a_program_that_needs_more_than_its_share_is_not_taken():
    def grows(batch):
        return batch if batch <= 20 else 1.5 * batch

    assert grows(batches.largest(grows, 200)) <= 200
    assert batches.largest(grows, 200) >= 110


class Device:
    """An accelerator that says how much memory it has."""

    platform, device_kind = "gpu", "H999"

    def __init__(self, limit):
        self.limit = limit

    def memory_stats(self):
        return {"bytes_limit": self.limit}


def plan_on(device):
    mesh = types.SimpleNamespace(devices=np.array([device]), size=1)
    return passes.Plan(None, True, mesh, 0, 64)


@pytest.fixture
def analysis(monkeypatch, cache):
    """The compiler's word is a formula: 1,000 bytes, and 10 bytes a map."""
    compiled = []

    def compile_pass(plan, variables):
        compiled.append(plan.batch)
        if plan.batch > 500:
            raise RuntimeError("RESOURCE_EXHAUSTED: Ran out of memory in hbm.")
        return passes.Program(None, 1000 + 10 * plan.batch)

    def lower(plan, variables):
        return types.SimpleNamespace(as_text=lambda: str(variables))

    monkeypatch.setattr(passes, "compile_pass", compile_pass)
    monkeypatch.setattr(passes, "lower", lower)
    return compiled


def test_a_chosen_batch_is_remembered_for_its_program_and_device(analysis):
    small, large = plan_on(Device(2000)), plan_on(Device(4000))
    # Seven tenths of the memory.
    assert batches.choose(small, "one") == 40
    assert batches.choose(large, "one") == 180
    compiled = len(analysis)
    assert batches.choose(small, "one") == 40
    assert len(analysis) == compiled
    assert batches.choose(small, "other") == 40
    assert len(analysis) > compiled


def test_a_cache_that_cannot_be_read_is_made_again(analysis, tmp_path):
    plan = plan_on(Device(2000))
    batches.choose(plan, "one")
    (path,) = (tmp_path / "cache" / "batches").iterdir()
    path.write_text("{")
    assert batches.choose(plan, "one") == 40
    assert json.loads(path.read_text()) == {"batch": 40}


def test_a_cpu_takes_ten(analysis):
    assert two_convolutions.model().batch == 10
    assert not analysis


@pytest.mark.parametrize(
    ("limit", "batch", "message"),
    [
        (2000, 101, r"batch.*got 101, which needs 0\.0 GB.*0, which lets the device"),
        (2000, 501, r"got 501, which needs more memory than it has"),
    ],
)
def test_a_batch_that_no_device_can_hold_is_refused(analysis, limit, batch, message):
    plan = plan_on(Device(limit))._replace(batch=batch)
    with pytest.raises(errors.BadValueError, match=message):
        batches.check(plan, "one")


def test_a_batch_that_fits_is_taken(analysis):
    batches.check(plan_on(Device(2000))._replace(batch=100), "one")


def test_a_network_too_large_for_its_device_is_refused(analysis):
    with pytest.raises(errors.BadValueError, match=r"got 1, .*a smaller network"):
        batches.choose(plan_on(Device(1000)), "one")


def test_the_compiler_says_what_a_pass_needs():
    model = two_convolutions.model(batch=2)
    plan, variables = model.passes.plan, model._variables
    two, four = (batches.needed(plan, batch, variables) for batch in (2, 4))
    parameters = sum(leaf.nbytes for leaf in jax.tree.leaves(variables))
    squares = 64 * 64 * 4
    # Slots, and regions and maps of two passes.
    assert two > parameters + squares * (4 * 4 + 2 * (2 + 2))
    assert four - two > squares * (4 * 4 + 2 * (2 + 2))
    compiled = passes.lower(plan, variables).compile().memory_analysis()
    temporary = compiled.temp_size_in_bytes
    assert two > parameters + squares * (4 * 4 + 2 * (2 + 2)) + 2 * temporary


def test_networks_that_share_devices_share_their_memory(analysis):
    plan = plan_on(Device(4000))
    assert batches.choose(plan, "one") == 180
    assert batches.choose(plan, "one", sharing=2) == 40
