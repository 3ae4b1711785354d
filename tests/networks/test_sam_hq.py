"""SAM-HQ beside the answers of its authors' code, and mistakes these would show."""

import pathlib

import flax.linen as nn
import jax
import jax.numpy as jnp
import mistakes
import numpy as np
import pytest
import sam_cases
import sam_hq_cases
import sam_player
from helpers import one_and_long

from rclicks_jax import errors
from rclicks_jax.networks import architectures, layers, parts
from rclicks_jax.networks.prompted import resizing, upscaling
from rclicks_jax.networks.sam import frames, sizes, vit
from rclicks_jax.networks.sam import weights as sam_weights
from rclicks_jax.networks.sam_hq import decoder, network, weights

pytestmark = pytest.mark.usefixtures("compiled_for_users")

GOLDEN = pathlib.Path(__file__).parents[1] / "golden" / "sam_hq_small.npz"
PHOTOGRAPHS = list(enumerate(sam_cases.SHAPES["small"]))


@pytest.fixture(scope="module")
def golden():
    return np.load(GOLDEN, allow_pickle=False)


@pytest.fixture(scope="module")
def state(golden):
    return sam_hq_cases.state_in(golden)


@pytest.fixture(scope="module")
def loaded(state):
    return weights.from_torch(state)


@pytest.fixture(scope="module")
def player(loaded):
    size, variables = loaded
    return sam_player.Player(network.SamHq(size), variables)


@pytest.mark.long
@pytest.mark.parametrize(("number", "shape"), PHOTOGRAPHS)
def test_twenty_clicks_are_answered_as_by_the_authors(player, golden, number, shape):
    found = sam_player.compare(player, golden, number, shape)
    embedding, logits, choices, different, pixels = found
    assert embedding < 1
    assert logits < 1
    assert choices == 0
    assert different < max(1, pixels / 100_000)


def test_what_is_compared_has_several_choices_and_both_kinds_of_pixels(golden):
    scores = [golden[f"{number}/scores"] for number, _ in PHOTOGRAPHS]
    chosen = np.concatenate([each.argmax(-1).ravel() for each in scores])
    assert set(chosen) == {0, 1, 2}
    masks = [golden[f"{number}/masks"] for number, _ in PHOTOGRAPHS]
    assert all(0.01 < np.unpackbits(each).mean() < 0.9 for each in masks)


right_early = vit.Encoder.with_early
right_best_of = decoder.HighQualityDecoder.best_of
right_doubled, right_pixels = upscaling.doubled_twice, decoder._to_pixels
# What is wrong in each program.
ENCODER = {
    "tanh for erf": (layers, "gelu", lambda x: nn.gelu(x, approximate=True)),
    "embedding in place of the early block": (
        vit.Encoder,
        "with_early",
        lambda self, square: (
            (embedding := right_early(self, square)[0]),
            embedding.reshape(-1, 8, 8, 64),
        ),
    ),
}
DECODER = {
    "epsilon": (decoder, "_EPSILON", 1e-5),
    "high quality alone": (
        decoder.HighQualityDecoder,
        "best_of",
        lambda self, tokens, finest: right_best_of(self, tokens, 0 * finest),
    ),
    "an activation too many": (
        upscaling,
        "doubled_twice",
        lambda *given: layers.gelu(right_doubled(*given)),
    ),
    "edges turned": (
        decoder,
        "_to_pixels",
        lambda finest: right_pixels(finest).transpose(0, 2, 1, 3),
    ),
}


@pytest.fixture(scope="module")
def mistaken(loaded):
    size, variables = loaded
    net = mistakes.Mistaken(network.SamHq(size), encode=ENCODER, decode=DECODER)
    player = sam_player.Player(net, variables)
    return lambda mistake=None: player.but(variables=net.choose(variables, mistake))


@pytest.mark.usefixtures("compiled_fast")
def test_without_a_mistake_nothing_shows(mistaken, golden):
    found = sam_player.errors_of(mistaken(), golden, *PHOTOGRAPHS[1], rounds=1)
    assert max(found) < 1, found


@pytest.mark.usefixtures("compiled_fast")
@pytest.mark.parametrize("mistake", [*ENCODER, *DECODER])
def test_a_mistake_in_the_network_shows(mistaken, golden, mistake):
    wrong = mistaken(mistake)
    found = sam_player.errors_of(wrong, golden, *PHOTOGRAPHS[1], rounds=1)
    # The two functions differ by less than 5e-4 anywhere.
    assert max(found) > (25 if mistake == "tanh for erf" else 100)


@pytest.mark.parametrize(
    "name", ["hf_token", "compress_vit_feat_3", "embedding_maskfeature_3"]
)
def test_weights_in_a_wrong_place_show(player, loaded, golden, name):
    number, shape = PHOTOGRAPHS[1]
    wrong = {
        path: leaf[..., ::-1] if name in path else leaf
        for path, leaf in architectures.flatten(loaded[1]).items()
    }
    other = player.but(variables=architectures.unflatten(wrong))
    found = sam_player.errors_of(other, golden, number, shape, rounds=1)
    assert found[0] < 1 < 100 < found[1]


@pytest.mark.usefixtures("compiled_fast")
def test_bfloat16_is_near(loaded, golden):
    size, variables = loaded
    net = network.SamHq(size, jnp.bfloat16)
    shape = PHOTOGRAPHS[0][1]
    frame = frames.frame_of(shape, size.side)
    square = frames.to_square(
        resizing.fill_up(sam_cases.photograph(shape)), frames.into_square(frame)
    )
    cast = parts.in_precision(variables, jnp.bfloat16)
    encode = jax.jit(lambda *arrays: net.apply(*arrays, method="encode"))
    found = encode(cast, square[None])
    assert {leaf.dtype for leaf in found} == {jnp.dtype(jnp.bfloat16)}
    apart = np.asarray(found.embedding[0], np.float32) - golden["0/embedding"]
    assert 1e-4 < np.abs(apart).mean() < 0.05


@pytest.mark.parametrize("variant", one_and_long(sizes.PUBLISHED))
def test_shapes_tell_the_size(variant):
    size = sizes.PUBLISHED[variant]
    shapes = weights.torch_shapes(size)
    state = {key: np.broadcast_to(np.float32(0), shapes[key]) for key in shapes}
    assert sizes.sizes_of(state, "SAM-HQ") == size


TOKEN = "mask_decoder.hf_token.weight"
TABLE = "image_encoder.blocks.{}.attn.rel_pos_{}"


def without_global_blocks(state):
    for block in (1, 2):
        for side in "hw":
            state[TABLE.format(block, side)] = state[TABLE.format(0, side)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop(TOKEN), "none of SAM-HQ. It has the keys of SAM, which"),
        (lambda s: s.update(extra=s[TOKEN]), "has unknown 1: extra"),
        (lambda s: s.pop("mask_decoder.hf_mlp.layers.0.bias"), "lacks 1: .*hf_mlp"),
        (lambda s: s.update({TOKEN: s[TOKEN].T}), r"at 1: .*\(64, 1\) instead of"),
        (lambda s: s.update({TOKEN: s[TOKEN] * np.nan}), "not finite .*NaN"),
        (lambda s: s.clear(), "none of SAM-HQ"),
        (without_global_blocks, "without a block that attends"),
    ],
)
def test_what_is_wrong_with_a_checkpoint_is_named(state, change, message):
    state = dict(state)
    change(state)
    with pytest.raises(errors.DataError, match=message):
        weights.from_torch(state)


def test_sam_refuses_weights_of_sam_hq_by_name(state):
    with pytest.raises(errors.DataError, match="SAM-HQ, which is `jax_sam_hq`"):
        sam_weights.from_torch(state)
