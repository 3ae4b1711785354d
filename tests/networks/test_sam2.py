"""SAM 2 beside the answers of its authors' code, and mistakes that these would show."""

import functools
import pathlib
from unittest import mock

import flax.linen as nn
import jax
import jax.numpy as jnp
import mistakes
import numpy as np
import pytest
import sam2_cases
import sam2_player
import sam_cases

from rclicks_jax.networks import architectures, layers, parts
from rclicks_jax.networks.prompted import prompts, resizing, two_way
from rclicks_jax.networks.sam import frames as sam_frames
from rclicks_jax.networks.sam2 import decoder, frames, hiera, network, weights
from rclicks_jax.ops import torch_resize

pytestmark = pytest.mark.usefixtures("compiled_for_users")

GOLDEN = pathlib.Path(__file__).parents[1] / "golden" / "sam2_small.npz"
PHOTOGRAPHS = list(enumerate(sam_cases.SHAPES["small"]))


@pytest.fixture(scope="module")
def golden():
    return np.load(GOLDEN, allow_pickle=False)


@pytest.fixture(scope="module")
def loaded(golden):
    with sam2_cases.published():
        return weights.from_torch(sam2_cases.state_in(golden))


@pytest.fixture(scope="module")
def player(loaded):
    size, variables = loaded
    return sam2_player.Player(network.Sam2(size), variables)


@pytest.mark.long
@pytest.mark.parametrize(("number", "shape"), PHOTOGRAPHS)
def test_twenty_clicks_are_answered_as_by_the_authors(player, golden, number, shape):
    found = sam2_player.compare(player, golden, number, shape)
    encodings, logits, choices, different, pixels = found
    assert encodings < 1
    assert logits < 1
    assert choices == 0
    assert different < max(1, pixels / 100_000)


def test_what_is_compared_has_all_choices_and_both_kinds_of_pixels(golden):
    best = [golden[f"{number}/best"].ravel() for number, _ in PHOTOGRAPHS]
    assert (np.bincount(np.concatenate(best)) > 10).all()
    masks = [golden[f"{number}/masks"] for number, _ in PHOTOGRAPHS]
    assert all(0.01 < np.unpackbits(each).mean() < 0.9 for each in masks)
    low_res = [golden[f"{number}/low_res"] for number, _ in PHOTOGRAPHS]
    assert all((abs(each) == sam2_player.LIMIT).any() for each in low_res)


right_clicks = prompts.PromptEncoder.clicks


def another_slope(source, target):
    with mock.patch.object(torch_resize, "_CUBIC", -0.5):
        return right_bicubic(source, target)


right_bicubic = torch_resize.bicubic
# What is wrong in the encoder.
ENCODER = {
    "tanh for erf": (layers, "gelu", functools.partial(nn.gelu, approximate=True)),
    "epsilon of the encoder": (hiera, "_EPSILON", 1e-5),
    "slope of cubics": (torch_resize, "bicubic", another_slope),
}
# What is wrong in the decoder.
DECODER = {
    "epsilon of the prompts": (prompts, "_EPSILON", 1e-5),
    "epsilon of the transformer": (two_way, "_EPSILON", 1e-6),
    "epsilon of the decoder": (decoder, "_EPSILON", 1e-5),
    "mask prompt not clamped": (network, "_LIMIT", np.inf),
    "always the single mask": (decoder, "_STABLE", -1.0),
    "another distance of stability": (decoder, "_AWAY", 0.1),
    "no token that is no click": (
        prompts.PromptEncoder,
        "clicks",
        lambda self, yx, positive: right_clicks(self, yx, positive).at[:, 0].set(0),
    ),
    "a click that is not there": (
        parts,
        "attend",
        lambda query, key, value, valid=None: parts._attend(query, key, value, None),
    ),
}
# Wrong arguments of `Player.play`.
ARGUMENTS = {
    "half a pixel": {"shift": -0.5},
    "mask prompt clamped at half": {"clamp": 16.0},
    "mask prompt at a negative second click": {"drops": False},
}
# Weights that are changed, and how.
LEAVES = {
    "no embedding of no memory": ("no_mem_embed", np.zeros_like),
    "no token of objects": ("obj_score_token", np.zeros_like),
    "no finest features": ("conv_s0", np.zeros_like),
    "no finer features": ("conv_s1", np.zeros_like),
    "a level without the coarser one": ("convs_0", np.zeros_like),
    "windows turned": ("pos_embed_window", lambda leaf: leaf[..., ::-1]),
    "the square turned": ("pos_embed", lambda leaf: leaf.swapaxes(2, 3)),
}


@pytest.fixture(scope="module")
def mistaken(loaded):
    size, variables = loaded
    net = mistakes.Mistaken(network.Sam2(size), encode=ENCODER, decode=DECODER)
    player = sam2_player.Player(net, variables)

    def choose(mistake=None):
        player.variables = net.choose(variables, mistake)
        return player

    return choose


@pytest.mark.usefixtures("compiled_fast")
def test_without_a_mistake_nothing_shows(mistaken, golden):
    found = sam2_player.errors_of(mistaken(), golden, *PHOTOGRAPHS[1], rounds=3)
    assert max(found) < 1, found


@pytest.mark.usefixtures("compiled_fast")
@pytest.mark.parametrize("mistake", ENCODER)
def test_a_mistake_in_the_encoder_shows(mistaken, golden, mistake):
    wrong = mistaken(mistake)
    found = sam2_player.errors_of(wrong, golden, *PHOTOGRAPHS[1], rounds=0)[0]
    # The two functions differ by less than 5e-4 anywhere.
    assert found > (25 if mistake == "tanh for erf" else 100)


@pytest.mark.usefixtures("compiled_fast")
@pytest.mark.parametrize("mistake", DECODER)
def test_a_mistake_in_the_decoder_shows(mistaken, golden, mistake):
    wrong = mistaken(mistake)
    found = sam2_player.errors_of(wrong, golden, *PHOTOGRAPHS[1], rounds=3)
    assert found[0] < 1 < 100 < found[1]


@pytest.mark.usefixtures("compiled_fast")
@pytest.mark.parametrize("mistake", ARGUMENTS)
def test_a_mistake_in_a_prompt_shows(player, golden, mistake):
    number, shape = PHOTOGRAPHS[1]
    wrong = ARGUMENTS[mistake]
    found = sam2_player.errors_of(player, golden, number, shape, rounds=3, **wrong)
    assert found[0] < 1 < 100 < found[1]


@pytest.mark.usefixtures("compiled_fast")
@pytest.mark.parametrize("mistake", LEAVES)
def test_a_mistake_in_the_weights_shows(player, loaded, golden, mistake):
    name, change = LEAVES[mistake]
    leaves = architectures.flatten(loaded[1])
    changed = {
        path: change(leaf) if name in path else leaf for path, leaf in leaves.items()
    }
    assert any(changed[path] is not leaf for path, leaf in leaves.items())
    number, shape = PHOTOGRAPHS[1]
    variables = architectures.unflatten(changed)
    with mock.patch.object(player, "variables", variables):
        found = sam2_player.errors_of(player, golden, number, shape, rounds=2)
    assert max(found) > 100, found


def kept_aspect(frame):
    """Returns matrices that fill a part of the square, as SAM's do."""
    return sam_frames.into_square(sam_frames.frame_of(frame.size, frame.side))


@pytest.mark.usefixtures("compiled_fast")
def test_a_mistake_in_the_photograph_shows(player, golden):
    number, shape = PHOTOGRAPHS[3]
    with mock.patch.object(frames, "into_square", kept_aspect):
        found = sam2_player.errors_of(player, golden, number, shape, rounds=0)[0]
    assert found > 100
    frames.into_square.cache_clear()
    with mock.patch.object(torch_resize, "antialiased", torch_resize.bilinear):
        found = sam2_player.errors_of(player, golden, number, shape, rounds=0)[0]
    assert found > 100
    frames.into_square.cache_clear()


def test_rows_do_not_depend_on_each_other(player):
    shape = PHOTOGRAPHS[1][1]
    alone = player.encoded(shape)
    first = player.encoded(PHOTOGRAPHS[0][1])
    both = jax.tree.map(lambda a, b: jnp.concatenate([a, b]), first, alone)
    slots = sam2_player.SLOTS
    yx = np.random.default_rng(0).uniform(0, 100, (3, slots, 2)).astype(np.float32)
    signs, count = np.ones((3, slots), bool), np.full(3, 4, np.int32)
    low_res = np.random.default_rng(1).normal(size=(3, 16, 64)).astype(np.float32)
    rest = yx, signs, count, low_res, np.array([True, False, True])
    one = np.zeros(3, np.int32)
    expected = player.decode(player.variables, alone, one, *rest).low_res
    found = player.decode(player.variables, both, one + 1, *rest).low_res
    tolerance = sam2_player.LOGITS * expected.std()
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)
    turned = [array[::-1] for array in rest]
    found = player.decode(player.variables, both, one + 1, *turned).low_res
    np.testing.assert_allclose(found[::-1], expected, rtol=0, atol=tolerance)


@pytest.mark.long
@pytest.mark.usefixtures("compiled_fast")
def test_bfloat16_is_near(loaded, golden):
    size, variables = loaded
    net = network.Sam2(size, jnp.bfloat16)
    shape = PHOTOGRAPHS[0][1]
    frame = frames.frame_of(shape, size.side)
    square = resizing.normalised(
        resizing.fill_up(sam_cases.photograph(shape)), frames.into_square(frame)
    )
    cast = parts.in_precision(variables, jnp.bfloat16)
    found = jax.jit(lambda *given: net.apply(*given, method="encode"))(
        cast, square[None]
    )
    leaves = jax.tree.leaves(found)
    assert {leaf.dtype for leaf in leaves} == {jnp.dtype(jnp.bfloat16)}
    away = np.asarray(found.embedding[0], np.float32) - golden["0/embedding"]
    assert 1e-4 < np.abs(away).mean() < 0.05


def test_a_mask_without_pixels_is_stable_and_one_near_the_threshold_is_not():
    logits = jnp.stack(
        [
            jnp.full((16, 4), -1.0),
            jnp.full((16, 4), 1.0),
            jnp.full((16, 4), 1.0).at[0, 0].set(0.04),
            jnp.full((16, 4), 1.0).at[0, :2].set(-0.04),
        ]
    )
    assert decoder.is_stable(logits).tolist() == [True, True, True, False]
