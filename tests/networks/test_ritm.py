"""RITM beside its authors' answers, and mistakes that these would show."""

import contextlib
import pathlib
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import ritm_cases as cases
import ritm_player

from rclicks_jax import errors
from rclicks_jax.networks import architectures
from rclicks_jax.networks.ritm import extents, network, ocr, sizes, weights
from rclicks_jax.networks.simpleclick import disks
from rclicks_jax.ops import box_resize, torch_resize
from rclicks_jax.segmenters.native import ritm_method

pytestmark = pytest.mark.usefixtures("compiled_fast")
GOLDEN = pathlib.Path(__file__).parents[1] / "golden" / "ritm_small.npz"
# The smallest photograph, and the trajectory whose second click is negative.
NUMBER, SHAPE, ROW = 0, cases.SHAPES["small"][0], 1
# Of the deviation of the logits.
LOGITS = 5e-5
# What is right, of what the tests make wrong while the program runs.
RIGHT = {
    "slope": 0.2,
    "radius": 5.0,
    "beyond": False,
    "centres": False,
    "unmirrored": False,
}


@pytest.fixture(scope="module")
def golden():
    return np.load(GOLDEN, allow_pickle=False)


@pytest.fixture(scope="module")
def state(golden):
    return ritm_player.state_of(golden, "small")


@pytest.fixture(scope="module")
def loaded(state):
    return weights.from_torch(ritm_player.checkpoint_of(state))


@contextlib.contextmanager
def mistaken(wrong):
    """Makes the network compute what traced numbers say, so that it compiles once."""
    aligned, halvings = box_resize.aligned, extents.halvings
    mirrored = extents.mirrored

    def resized(source, target, shape):
        # Pixels are squares, whose centres are at half, if `centres` says so.
        scale = source / target
        places = (jnp.arange(shape[0]) + 0.5) * scale - 0.5
        places = jnp.clip(places, 0, source - 1)[:, None]
        away = jnp.abs(places - jnp.arange(shape[1])[None])
        other = jnp.clip(1 - away, 0, 1)
        return jnp.where(wrong["centres"], other, aligned(source, target, shape))

    def told(size, shape, count):
        return [
            each._replace(inside=each.inside | wrong["beyond"])
            for each in halvings(size, shape, count)
        ]

    def unmirrored(images, width):
        return jnp.where(wrong["unmirrored"], images, mirrored(images, width))

    with (
        mock.patch.object(extents, "mirrored", unmirrored),
        mock.patch.object(network, "_SLOPE", wrong["slope"]),
        mock.patch.object(disks, "RADIUS", wrong["radius"]),
        mock.patch.object(box_resize, "aligned", resized),
        mock.patch.object(extents, "halvings", told),
    ):
        yield


class Player(ritm_player.Player):
    """Plays with a network that makes mistakes, and one frame, which compiles once."""

    def __init__(self, loaded):
        size, variables = loaded
        frame = ritm_method.Frame(cases.TARGETS["small"])
        method = ritm_method.RitmMethod(size, "float32", frame)
        super().__init__(method, variables, SHAPE)
        self.wrong = RIGHT

        def answer(variables, rows, wrong):
            with mistaken(wrong), jax.default_matmul_precision("highest"):
                return method.answer(variables, (), None, rows)

        run = jax.jit(answer)
        self._answer = lambda variables, _, slots, rows: run(
            variables, rows, self.wrong
        )

    def errors(self, golden, rounds=2, **mistakes):
        """Returns the largest error of logits, in tolerances."""
        yx, signs = cases.clicks_on(SHAPE)
        largest = first = 0
        given = golden[f"{NUMBER}/sizes"].prod(axis=1)
        starts = np.cumsum([0, *(-(-given // cases.STRIDE))])
        for number, made in enumerate(
            self.play(yx[ROW], signs[ROW], rounds, **mistakes)
        ):
            first = starts[number * len(yx) + ROW]
            found = made.logits.ravel()[:: cases.STRIDE]
            expected = golden[f"{NUMBER}/logits"][first : first + len(found)]
            largest = max(largest, np.abs(found - expected).max())
        return largest / golden[f"{NUMBER}/deviation"] / LOGITS


@pytest.fixture(scope="module")
def player(loaded):
    return Player(loaded)


@pytest.mark.long
def test_two_clicks_are_answered_as_by_the_authors(player, golden):
    assert player.errors(golden) < 1


# Wrong numbers, and the tolerances that they show by.
WRONG = {
    "another slope": {"slope": 0.01},
    "disks of another radius": {"radius": 4.0},
    "what is beyond the image takes part": {"beyond": True},
    "corners are not aligned": {"centres": True},
}


@pytest.mark.long
@pytest.mark.parametrize("mistake", WRONG)
def test_a_mistake_in_the_network_shows(player, golden, mistake):
    player.wrong = {**RIGHT, **WRONG[mistake]}
    try:
        assert player.errors(golden) > 100
    finally:
        player.wrong = RIGHT


def shifted(prompts):
    return prompts._replace(points=prompts.points + 0.5)


def without_mirror(prompts):
    return prompts._replace(mirrored=prompts.points[..., 1])


@pytest.mark.parametrize(
    "mistakes",
    [{"change": shifted}, {"change": without_mirror}, {"forgets": True}],
)
def test_a_mistake_in_what_it_is_given_shows(player, golden, mistakes):
    assert player.errors(golden, **mistakes) > 100


def changed(variables, name, change):
    """Returns variables with the leaves changed whose path has a name."""
    leaves = architectures.flatten(variables)
    return architectures.unflatten(
        {path: change(leaf) if name in path else leaf for path, leaf in leaves.items()}
    )


@contextlib.contextmanager
def given(player, variables):
    player.variables, kept = variables, player.variables
    try:
        yield
    finally:
        player.variables = kept


@pytest.mark.parametrize(
    ("name", "change"),
    [
        # Steps of repetitions in a wrong order.
        ("stage3", lambda leaf: leaf[::-1]),
        ("f_down_0", np.zeros_like),
        ("aux_head_3", np.negative),
        ("transition3", lambda leaf: leaf[::-1] if leaf.ndim > 1 else leaf),
    ],
)
def test_weights_in_a_wrong_place_show(loaded, player, golden, name, change):
    with given(player, changed(loaded[1], name, change)):
        assert player.errors(golden, rounds=1) > 100


def test_another_epsilon_shows(state, player, golden):
    with mock.patch.object(weights, "_EPSILON", 1e-3):
        _, variables = weights.from_torch(ritm_player.checkpoint_of(state))
    with given(player, variables):
        assert player.errors(golden, rounds=1) > 100


def test_logits_without_those_of_the_mirror_image_show(player, golden):
    player.wrong = {**RIGHT, "unmirrored": True}
    try:
        assert player.errors(golden, rounds=1, change=without_mirror) > 100
    finally:
        player.wrong = RIGHT


def test_sums_over_pixels_keep_those_that_weigh_little():
    height, width = 90, 120
    weights = np.full((1, height, width), 0.5 / (height * width - 1), np.float32)
    weights[0, 0, 0] = 0.5
    features = np.full((1, height, width, 16), 1.1, np.float32)
    exact = np.einsum("nhw,nhwc->nc", *map(np.float64, (weights, features)))
    with jax.default_matmul_precision("highest"):
        found = jax.jit(ocr.mean_of_pixels)(weights, features)
    np.testing.assert_allclose(found, exact, rtol=1e-5)


def test_an_enlargement_is_that_of_each_image():
    size = jnp.array([[5, 3], [2, 7]])
    images = np.random.default_rng(0).normal(size=(2, 6, 8, 2)).astype(np.float32)

    @jax.jit
    def enlarged(images):
        large, small = extents.halvings(2 * size, (12, 16), 1)
        return extents.enlargement(small, large)(images)

    found = enlarged(images)
    for number, (height, width) in enumerate(size.tolist()):
        down, across = (torch_resize.aligned(n, 2 * n) for n in (height, width))
        inside = images[number, :height, :width]
        expected = np.einsum("yv,xu,vuc->yxc", down, across, inside)
        part = found[number, : 2 * height, : 2 * width]
        np.testing.assert_allclose(part, expected, rtol=0, atol=1e-5)


def test_mirror_images_begin_at_the_left():
    images = np.zeros((2, 1, 5, 1), np.float32)
    images[0, 0, :3, 0], images[1, 0, :, 0] = [1, 2, 3], [1, 2, 3, 4, 5]
    found = extents.mirrored(images, jnp.array([3, 5]))[:, 0, :, 0]
    np.testing.assert_array_equal(found, [[3, 2, 1, 0, 0], [5, 4, 3, 2, 1]])


# The others differ in numbers alone, and the authors' keys of all were compared once.
@pytest.mark.long
@pytest.mark.parametrize("variant", ["h18_baseline", "h18s_itermask"])
def test_shapes_tell_the_size(variant):
    size = sizes.PUBLISHED[variant]
    shapes = weights.torch_shapes(size)
    found = {key: np.broadcast_to(np.float32(0), shapes[key]) for key in shapes}
    assert sizes.sizes_of(found) == size
    assert size.variant == variant


ATTENTION = "feature_extractor.ocr_distri_head.object_context_block"


def with_params(**values):
    params = {name: {"value": value} for name, value in values.items()}
    return {**cases.CONFIG, "params": {**cases.CONFIG["params"], **params}}


@pytest.mark.parametrize(
    ("change", "config", "message"),
    [
        (lambda s: s.pop("feature_extractor.bn1.bias"), cases.CONFIG, "lacks 1: feat"),
        (
            lambda s: s.pop(f"{ATTENTION}.f_pixel.0.weight"),
            cases.CONFIG,
            "lacks 1: .*f_pixel",
        ),
        (lambda s: s.update(extra=np.ones(2)), cases.CONFIG, "unknown 1: extra"),
        (lambda s: s.clear(), cases.CONFIG, "none of RITM"),
        (
            lambda s: s.update({"maps_transform.0.weight": np.ones((16, 5, 1, 1))}),
            cases.CONFIG,
            "5 layers of clicks",
        ),
        (
            lambda s: s.update({"maps_transform.3.scale": np.full(1, np.nan)}),
            cases.CONFIG,
            r"not finite \(1 NaN",
        ),
        (
            lambda s: None,
            {"class": "isegm.model.is_plainvit_model.PlainVitModel"},
            "PlainVitModel; those of RITM are of HRNetModel",
        ),
        (lambda s: None, with_params(norm_radius=3), "norm_radius=3.*have 5"),
        (lambda s: None, with_params(use_leaky_relu=False), "use_leaky_relu=False"),
        (lambda s: None, with_params(with_prev_mask=False), "with_prev_mask=False"),
    ],
)
def test_what_is_wrong_with_a_checkpoint_is_named(state, change, config, message):
    state = dict(state)
    change(state)
    with pytest.raises(errors.DataError, match=message):
        weights.from_torch(ritm_player.checkpoint_of(state, config))


def test_settings_of_published_files_are_taken_where_there_are_none(state, loaded):
    found, _ = weights.from_torch(ritm_player.checkpoint_of(state, None))
    assert found == loaded[0]
    assert found.variant == "custom"
