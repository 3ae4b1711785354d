"""What segmenters in JAX do with unusual inputs, one claim for all of them."""

import contextlib
import pathlib
from typing import NamedTuple

import checkpoint_files
import mobile_sam_cases
import numpy as np
import pytest
import ritm_cases
import ritm_player
import sam2_cases
import sam_cases
import sam_hq_cases
import segnext_cases
import simpleclick_cases
from golden_keys import shapes_in

from rclicks_jax import errors
from rclicks_jax.segmenters import load
from rclicks_jax.segmenters.native import ritm_method
from rclicks_jax.types import Clicks
from rclicks_jax.weights import torch_files

pytestmark = pytest.mark.usefixtures("compiled_fast")
GOLDEN = pathlib.Path(__file__).parents[1] / "golden"


def save_isegm(config):
    """Returns a function that writes weights beside their settings."""

    def save(path, state):
        state = {key: checkpoint_files.tensor(each) for key, each in state.items()}
        checkpoint_files.save(path, {"config": config, "state_dict": state})

    return save


@contextlib.contextmanager
def one_frame():
    """One frame for all crops: a program less to compile."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ritm_method, "_LENGTHS", 1)
        yield


class Method(NamedTuple):
    """A small network.

    Attributes:
        state_in: Returns the weights of a golden file.
        save: Writes weights to a path as the authors publish them.
        golden: Name of the golden file.
        around: Context in which the small network is of an allowed size.
        options: Further options of the segmenter.
    """

    state_in: object
    save: object
    golden: str
    around: object = contextlib.nullcontext
    options: str = ""


simpleclick = Method(
    lambda golden: simpleclick_cases.state_of(shapes_in(golden)),
    save_isegm(simpleclick_cases.CONFIG),
    "simpleclick_small",
)
METHODS = {
    "jax_sam": Method(sam_cases.state_in, torch_files.write, "sam_small"),
    "jax_sam2": Method(
        sam2_cases.state_in, sam2_cases.save, "sam2_small", sam2_cases.published
    ),
    "jax_sam_hq": Method(sam_hq_cases.state_in, torch_files.write, "sam_hq_small"),
    "jax_mobile_sam": Method(
        mobile_sam_cases.state_in,
        torch_files.write,
        "mobile_sam_small",
        mobile_sam_cases.of_small_squares,
    ),
    "jax_simpleclick": simpleclick,
    "jax_cfr_icl": simpleclick,
    "jax_segnext": Method(
        lambda golden: segnext_cases.state_of(shapes_in(golden)),
        save_isegm(segnext_cases.CONFIG),
        "segnext_small",
    ),
    "jax_ritm": Method(
        lambda golden: ritm_player.state_of(golden, "small"),
        save_isegm(ritm_cases.CONFIG),
        "ritm_small",
        one_frame,
        f":target={ritm_cases.TARGETS['small']}",
    ),
}


# Those whose programs are nearly those of others.
KIN = ("jax_sam_hq", "jax_mobile_sam", "jax_cfr_icl")


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(name, marks=[pytest.mark.long] * (name in KIN)) for name in METHODS
    ],
)
def method(request):
    """Name of a method, and what is known of its small network."""
    found = METHODS[request.param]
    with found.around():
        yield request.param, found


@pytest.fixture(scope="module")
def state(method):
    _, known = method
    return known.state_in(np.load(GOLDEN / f"{known.golden}.npz", allow_pickle=False))


@pytest.fixture(scope="module")
def opened(method, state, tmp_path_factory):
    """Returns a function that opens the segmenter with changed weights."""
    name, known = method

    def open_with(**changes):
        path = tmp_path_factory.mktemp(name) / "weights.pth"
        known.save(path, {**state, **changes})
        return load.load(f"{name}:checkpoint={path}:batch=1{known.options}")

    return open_with


@pytest.fixture(scope="module")
def segmenter(opened):
    return opened()


def answer(segmenter, shape, count):
    """Returns the mask of one trajectory with so many clicks."""
    features = segmenter.encode(np.zeros((*shape, 3), np.uint8))
    places = np.stack([np.arange(count) % side for side in shape], axis=-1)
    positive = np.arange(count) % 3 != 2
    clicks = Clicks(
        places[None].astype(np.int32), positive[None], np.full(1, count, np.int32)
    )
    return segmenter.start(features, [None]).predict(np.arange(1), clicks)


def test_forty_clicks_on_a_photograph_of_one_pixel_are_answered(segmenter):
    mask = answer(segmenter, (1, 1), 40)
    assert mask.dtype == bool
    assert mask.shape == (1, 1, 1)


@pytest.mark.parametrize(
    ("shape", "dtype", "named"),
    [
        ((0, 5, 3), np.uint8, r"uint8\[0, 5, 3\]"),
        ((4, 0, 3), np.uint8, r"uint8\[4, 0, 3\]"),
        ((4, 5), np.uint8, r"uint8\[4, 5\]"),
        ((4, 5, 4), np.uint8, r"uint8\[4, 5, 4\]"),
        ((4, 5, 3), np.float32, r"float32\[4, 5, 3\]"),
    ],
)
def test_a_photograph_of_another_kind_is_refused(segmenter, shape, dtype, named):
    with pytest.raises(errors.SegmenterError, match=named):
        segmenter.encode(np.zeros(shape, dtype))


def test_a_trajectory_without_clicks_is_refused(segmenter):
    with pytest.raises(errors.SegmenterError, match="without a click"):
        answer(segmenter, (4, 5), 0)


def test_weights_that_are_no_numbers_are_named(opened, state):
    key = max(key for key, array in state.items() if array.dtype == np.float32)
    wrong = state[key].copy()
    wrong.flat[-1] = np.nan
    with pytest.raises(errors.SegmenterError, match=rf"weights\.pth.*{key}"):
        opened(**{key: wrong})
