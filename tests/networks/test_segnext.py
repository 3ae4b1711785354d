"""SegNext beside its authors' answers, and mistakes that these would show."""

import contextlib
import dataclasses
import functools
import pathlib
from typing import NamedTuple
from unittest import mock

import flax.linen as nn
import golden_keys
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import segnext_cases as cases

from rclicks_jax import errors
from rclicks_jax.networks import architectures, layers
from rclicks_jax.networks.prompted import resizing
from rclicks_jax.networks.segnext import frames, network, sizes, weights
from rclicks_jax.networks.simpleclick import disks, pyramid, vit
from rclicks_jax.ops import torch_resize
from rclicks_jax.weights import state_dicts

# Programs as users have them are compared in tests/segmenters/test_native_segnext.py.
pytestmark = pytest.mark.usefixtures("compiled_fast")
GOLDEN = pathlib.Path(__file__).parents[1] / "golden" / "segnext_small.npz"
# The smallest photograph; three clicks of three trajectories have both signs.
SHAPE, ROUNDS = cases.SHAPES["small"][0], 3
# Of the deviations of features and of logits.
FEATURES, LOGITS = 2e-5, 5e-5


@pytest.fixture(scope="module")
def golden():
    return np.load(GOLDEN, allow_pickle=False)


@pytest.fixture(scope="module")
def state(golden):
    return cases.state_of(golden_keys.shapes_in(golden))


def checkpoint_of(state, config=cases.CONFIG):
    shapes = {key: array.shape for key, array in state.items()}
    beside = {"config": config} if config else {}
    return state_dicts.Checkpoint("", [], shapes, state.__getitem__, (), beside)


@pytest.fixture(scope="module")
def loaded(state):
    return weights.from_torch(checkpoint_of(state))


class Numbers(NamedTuple):
    """Numbers of the network that a mistake changes; so one program has them all."""

    tanh: float = 0.0
    encoder_epsilon: float = 1e-6
    fusion_epsilon: float = 1e-5
    pyramid_epsilon: float = 1e-5
    radius: float = 5.0
    aligned: float = 0.0

    def patched(self):
        """Puts them where the network finds them while it is traced."""
        exact, bilinear = layers.gelu, torch_resize.bilinear

        def gelu(x):
            return jnp.where(self.tanh > 0, nn.gelu(x, approximate=True), exact(x))

        def resized(source, target):
            wrong = torch_resize.aligned(source, target)
            return jnp.where(self.aligned > 0, wrong, bilinear(source, target))

        stack = contextlib.ExitStack()
        for place, name, value in (
            (layers, "gelu", gelu),
            (torch_resize, "bilinear", resized),
            (vit, "_EPSILON", self.encoder_epsilon),
            (network, "_EPSILON", self.fusion_epsilon),
            (pyramid, "_EPSILON", self.pyramid_epsilon),
            (disks, "RADIUS", self.radius),
        ):
            stack.enter_context(mock.patch.object(place, name, value))
        return stack


RIGHT = Numbers()


class Player:
    """Plays clicks on the smallest photograph with a network."""

    def __init__(self, loaded):
        size, self.variables = loaded
        self.frame = frames.Frame(SHAPE, size.side, 4 * size.plain.learnt)
        self.seen = frames.around(cases.photograph(SHAPE), self.frame)
        net = network.SegNext(size)

        def encode(variables, seen, numbers):
            square = frames.stretched(seen)
            with numbers.patched():
                return net.apply(variables, square[None], method="encode")

        def answer(variables, encoded, low_res, share, points, positive, numbers):
            kept = frames.onto_photograph(self.frame)
            last = share * frames.last_answer(low_res, kept)
            encoded = jnp.broadcast_to(encoded, (len(points), *encoded.shape[1:]))
            given = encoded, last, points, positive
            with numbers.patched():
                return net.apply(variables, *given, method="answer")

        self.encode, self.answer = jax.jit(encode), jax.jit(answer)

    def features(self, seen=None, variables=None, numbers=RIGHT):
        """Returns features of the photograph."""
        return self.encode(variables or self.variables, seen or self.seen, numbers)

    def play(self, rounds, features, shift=0, signs=None, share=1.0, numbers=RIGHT):
        """Yields logits of low resolution after each click."""
        yx, positive = cases.clicks_on(SHAPE)
        positive = positive[:, :ROUNDS]
        positive = positive if signs is None else signs(positive)
        points = np.full((*positive.shape, 2), -1, np.float32)
        low_res = np.zeros((len(yx), self.frame.low, self.frame.low), np.float32)
        for count in range(1, rounds + 1):
            points[:, :count] = self.frame.to_square(yx[:, :count]) + np.float32(shift)
            has_answer = np.float32(share if count > 1 else 0)
            given = features, low_res, has_answer, points, positive, numbers
            low_res = self.answer(self.variables, *given)
            yield low_res


def error_of_features(features, golden):
    """Returns the largest error of features, in tolerances."""
    expected = golden["0/features"]
    apart = np.abs(np.asarray(features).reshape(-1)[:: cases.STRIDE] - expected)
    return apart.max() / expected.std() / FEATURES


def error_of_logits(player, golden, features, rounds=1, **mistakes):
    """Returns the largest error of logits, in tolerances."""
    largest = 0
    played = player.play(rounds, features, **mistakes)
    for found, expected in zip(played, golden["0/logits"], strict=False):
        flat = np.asarray(found).reshape(len(found), -1)[:, :: cases.STRIDE]
        largest = max(largest, np.abs(flat - expected).max())
    return largest / golden["0/deviation"] / LOGITS


@pytest.fixture(scope="module")
def player(loaded):
    return Player(loaded)


@pytest.fixture(scope="module")
def features(player):
    return player.features()


def test_features_are_the_authors(features, golden):
    assert error_of_features(features, golden) < 1


def test_clicks_are_answered_as_by_the_authors(player, golden, features):
    assert error_of_logits(player, golden, features, rounds=ROUNDS) < 1


# The functions differ by less than 5e-4 anywhere.
TANH = RIGHT._replace(tanh=1.0)


@pytest.mark.parametrize(
    ("numbers", "least"),
    [(TANH, 20), (RIGHT._replace(encoder_epsilon=1e-5), 100)],
    ids=["tanh for erf", "epsilon"],
)
def test_a_mistake_in_the_encoder_shows(player, golden, numbers, least):
    assert error_of_features(player.features(numbers=numbers), golden) > least


def test_windows_in_other_blocks_show(loaded, golden):
    size, variables = loaded
    other = dataclasses.replace(size, group=size.group - 1), variables
    assert error_of_features(Player(other).features(), golden) > 100


@pytest.mark.parametrize(
    ("mistake", "least"),
    [
        ({"numbers": TANH}, 20),
        ({"numbers": RIGHT._replace(fusion_epsilon=1e-6)}, 100),
        ({"numbers": RIGHT._replace(pyramid_epsilon=1e-6)}, 40),
        ({"numbers": RIGHT._replace(radius=4.0)}, 100),
        ({"numbers": RIGHT._replace(aligned=1.0)}, 100),
        ({"shift": 1}, 100),
        ({"shift": 0.5}, 100),
        ({"signs": np.logical_not}, 100),
        ({"share": 0.0, "rounds": 2}, 100),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_a_mistake_in_a_click_shows(player, golden, features, mistake, least):
    assert error_of_logits(player, golden, features, **mistake) > least


def test_colours_in_another_order_show(player, golden):
    seen = player.seen._replace(pixels=player.seen.pixels[..., ::-1])
    assert error_of_features(player.features(seen), golden) > 100


def test_a_photograph_stretched_by_half_a_pixel_less_shows(player, golden):
    rows, columns = player.seen.shares
    seen = player.seen._replace(shares=(np.abs(rows - np.float32(0.5)), columns))
    assert error_of_features(player.features(seen), golden) > 100


def changed(variables, name, change):
    """Returns variables with the leaves changed whose path has a name."""
    leaves = architectures.flatten(variables)
    return architectures.unflatten(
        {path: change(leaf) if name in path else leaf for path, leaf in leaves.items()}
    )


def test_positions_in_a_wrong_place_show(loaded, player, golden):
    turned = changed(loaded[1], "pos_embed", lambda table: np.roll(table, 1, axis=1))
    assert error_of_features(player.features(variables=turned), golden) > 100


@pytest.fixture(scope="module")
def frame():
    return frames.Frame((5, 70), 48, 12)


def test_a_photograph_is_stretched_without_smoothing(frame):
    image = np.random.default_rng(0).integers(0, 256, (5, 70, 3), np.uint8)
    rows, columns = (torch_resize.bilinear(size, 48) for size in frame.size)
    whole = np.einsum("yh,xw,hwc->yxc", rows, columns, image)
    found = jax.jit(frames.stretched)(frames.around(image, frame))
    expected = resizing.standardised(whole)
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-6)


def test_the_last_answer_is_resized_from_the_photograph_to_the_square(frame):
    low_res = np.random.default_rng(0).standard_normal((1, 12, 12)).astype(np.float32)
    kept = frames.onto_photograph(frame)
    onto = kept.onto.rows @ low_res[0] @ kept.onto.columns.T
    rows, columns = (torch_resize.bilinear(size, 48) for size in frame.size)
    whole = rows @ (1 / (1 + np.exp(-onto[:5, :70]))) @ columns.T
    found = jax.jit(frames.last_answer)(low_res, kept)[0]
    np.testing.assert_allclose(found, whole, rtol=0, atol=1e-6)


def test_clicks_are_rounded_to_pixels_of_the_square():
    frame = frames.Frame((448, 3 * 448), 448, 56)
    yx = np.array([[0, 0], [7, 1], [447, 1343], [3, 5]])
    expected = [[0, 0], [7, 0], [447, 448], [3, 2]]
    np.testing.assert_array_equal(frame.to_square(yx), expected)


def test_features_and_products_have_the_type_that_is_asked_for(loaded):
    size, variables = loaded
    net = network.SegNext(size, jnp.bfloat16)
    encode = functools.partial(net.apply, method="encode")
    square = jax.ShapeDtypeStruct((1, size.side, size.side, 3), jnp.float32)
    assert jax.eval_shape(encode, variables, square).dtype == jnp.bfloat16


def test_shapes_tell_the_size():
    shapes = weights.torch_shapes(sizes.PUBLISHED["vitb_sax2"])
    state = {key: np.broadcast_to(np.float32(0), shapes[key]) for key in shapes}
    size = sizes.sizes_of(state)
    assert (size.variant, size.side, size.windows) == ("vitb_sax2", 1024, 4)
    less = {key: state[key] for key in state if "fusion_blocks.1" not in key}
    assert sizes.sizes_of(less).variant == "vitb_sax1"


def with_params(**values):
    params = {name: {"value": value} for name, value in values.items()}
    return {**cases.CONFIG, "params": {**cases.CONFIG["params"], **params}}


HEADS = {"num_heads": 2}


@pytest.mark.parametrize(
    ("change", "config", "message"),
    [
        (lambda s: s.pop("fusion_blocks.0.norm1.bias"), cases.CONFIG, "lacks 1: fus"),
        (lambda s: s.update(extra=s["neck.down_4.1.bias"]), cases.CONFIG, "1: extra"),
        (lambda s: s.clear(), cases.CONFIG, "none of SegNext, whose parts are"),
        (
            lambda s: s.update(
                {
                    "patch_embed_coords.proj.weight": s.pop(
                        "visual_prompts_encoder.proj.weight"
                    )
                }
            ),
            cases.CONFIG,
            "none of SegNext.*keys of SimpleClick or CFR-ICL.*`jax_cfr_icl`",
        ),
        (
            lambda s: s.update({"fusion_blocks.0.image_to_prompt.x": np.zeros(1)}),
            cases.CONFIG,
            "fuses clicks by cross-attention",
        ),
        (
            lambda s: s.update({"backbone.pos_embed": np.zeros((1, 198, 48))}),
            cases.CONFIG,
            "positions of 197 patches",
        ),
        (
            lambda s: s.update({"backbone.pos_embed": np.zeros((1, 26, 48))}),
            cases.CONFIG,
            "no SegNext.*side of the square.*160",
        ),
        (lambda s: None, None, "no config, and a width of 48"),
        (lambda s: None, with_params(use_disks=False), "use_disks=False.*have True"),
        (lambda s: None, with_params(norm_radius=3), "norm_radius=3.*have 5"),
        (lambda s: None, with_params(norm_mean_std=[[0.5], [1]]), "norm_mean_std"),
        (lambda s: None, with_params(fusion_params={}), "num_heads of fusion_params"),
        (lambda s: None, with_params(backbone_params={}), "num_heads=None"),
        (
            lambda s: None,
            with_params(backbone_params={**HEADS, "global_atten_freq": 0}),
            "global_atten_freq=0",
        ),
    ],
)
def test_what_is_wrong_with_a_checkpoint_is_named(state, change, config, message):
    state = dict(state)
    change(state)
    with pytest.raises(errors.DataError, match=message):
        weights.from_torch(checkpoint_of(state, config))
