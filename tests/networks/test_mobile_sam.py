"""MobileSAM beside the answers of its authors' code, and mistakes these would show."""

import pathlib
from unittest import mock

import flax.linen as nn
import jax
import jax.numpy as jnp
import mistakes
import mobile_sam_cases
import numpy as np
import pytest
import sam_cases
import sam_player

from rclicks_jax import errors
from rclicks_jax.networks import architectures, layers, parts
from rclicks_jax.networks.mobile_sam import (
    convolutions,
    network,
    sizes,
    tiny_vit,
    weights,
)
from rclicks_jax.networks.prompted import resizing
from rclicks_jax.networks.sam import frames, neck
from rclicks_jax.networks.sam import sizes as sam_sizes
from rclicks_jax.networks.sam import weights as sam_weights

pytestmark = pytest.mark.usefixtures("compiled_for_users")

GOLDEN = pathlib.Path(__file__).parents[1] / "golden" / "mobile_sam_small.npz"
PHOTOGRAPHS = list(enumerate(sam_cases.SHAPES["small"]))


@pytest.fixture(scope="module", autouse=True)
def small_squares():
    with mobile_sam_cases.of_small_squares():
        yield


@pytest.fixture(scope="module")
def golden():
    return np.load(GOLDEN, allow_pickle=False)


@pytest.fixture(scope="module")
def state(golden):
    return mobile_sam_cases.state_in(golden)


@pytest.fixture(scope="module")
def loaded(state):
    return weights.from_torch(state)


@pytest.fixture(scope="module")
def player(loaded):
    size, variables = loaded
    return sam_player.Player(network.mobile_sam(size), variables)


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
    assert len(set(chosen)) > 1
    masks = [golden[f"{number}/masks"] for number, _ in PHOTOGRAPHS]
    assert all(0.01 < np.unpackbits(each).mean() < 0.9 for each in masks)


def test_photographs_have_embeddings_that_differ(golden):
    first, second = (golden[f"{number}/embedding"] for number in (0, 1))
    assert np.abs(first - second).mean() > 0.3


right_bias, right_norm = tiny_vit.Attention._bias, parts.Norm.__call__


def turned_bias(self):
    shape = (self.heads, *4 * [self.window])
    turned = right_bias(self).reshape(shape).transpose(0, 2, 1, 4, 3)
    return turned.reshape(self.heads, self.window**2, -1)


def zero_where_all_is_zero(self, features, axis=-1):
    """Normalises as if windows were filled after it."""
    padding = (features == 0).all(-1, keepdims=True)
    return jnp.where(padding, 0, right_norm(self, features, axis))


# What is wrong in the encoder.
ENCODER = {
    "tanh for erf": (layers, "gelu", lambda x: nn.gelu(x, approximate=True)),
    "epsilon of convolutions": (convolutions, "_EPSILON", 1e-6),
    "epsilon of blocks": (tiny_vit, "_EPSILON", 1e-6),
    "epsilon of the neck": (neck, "_EPSILON", 1e-5),
    "positions turned": (tiny_vit.Attention, "_bias", turned_bias),
    "windows filled late": (parts.Norm, "__call__", zero_where_all_is_zero),
}


@pytest.fixture(scope="module")
def mistaken(loaded):
    size, variables = loaded
    net = mistakes.Mistaken(network.mobile_sam(size), encode=ENCODER)
    player = sam_player.Player(net, variables)
    return lambda mistake=None: player.but(variables=net.choose(variables, mistake))


@pytest.mark.usefixtures("compiled_fast")
def test_without_a_mistake_nothing_shows(mistaken, golden):
    assert sam_player.error_of_embedding(mistaken(), golden, *PHOTOGRAPHS[0]) < 1


@pytest.mark.usefixtures("compiled_fast")
@pytest.mark.parametrize("mistake", ENCODER)
def test_a_mistake_in_the_encoder_shows(mistaken, golden, mistake):
    wrong = mistaken(mistake)
    assert sam_player.error_of_embedding(wrong, golden, *PHOTOGRAPHS[0]) > 100


@pytest.mark.parametrize("name", ["mean", "var", "attention_biases"])
def test_weights_in_a_wrong_place_show(player, loaded, golden, name):
    number, shape = PHOTOGRAPHS[1]
    leaves = architectures.flatten(loaded[1])
    wrong = {
        path: leaf[..., ::-1] if path[-1] == name else leaf
        for path, leaf in leaves.items()
    }
    other = player.but(variables=architectures.unflatten(wrong))
    assert sam_player.error_of_embedding(other, golden, number, shape) > 100


@pytest.mark.long
@pytest.mark.usefixtures("compiled_fast")
def test_bfloat16_is_near(loaded, golden):
    size, variables = loaded
    net = network.mobile_sam(size, jnp.bfloat16)
    frame = frames.frame_of(PHOTOGRAPHS[0][1], size.side)
    square = frames.to_square(
        resizing.fill_up(sam_cases.photograph(PHOTOGRAPHS[0][1])),
        frames.into_square(frame),
    )
    cast = parts.in_precision(variables, jnp.bfloat16)
    encode = jax.jit(lambda *arrays: net.apply(*arrays, method="encode"))
    found = encode(cast, square[None])
    assert found.dtype == jnp.bfloat16
    apart = np.asarray(found[0], np.float32) - golden["0/embedding"]
    assert 1e-4 < np.abs(apart).mean() < 0.1


def test_shapes_tell_the_size():
    size = sizes.PUBLISHED["vit_t"]
    shapes = weights.torch_shapes(size)
    state = {key: np.broadcast_to(np.float32(0), shapes[key]) for key in shapes}
    with mock.patch.object(sizes, "SIDE", 1024):
        assert sizes.sizes_of(state) == size
    assert size.variant == "vit_t"


def test_a_size_that_was_not_published_is_custom(loaded):
    assert loaded[0].variant == "custom"


def test_only_the_head_for_classes_and_counts_are_not_used(state, loaded):
    needed = weights.torch_shapes(loaded[0])
    unused = {key for key in state if key not in needed}
    kinds = {key.split(".")[-1] for key in unused if "head" not in key}
    assert kinds == {"num_batches_tracked"}
    assert {key for key in unused if "head" in key} == {
        f"image_encoder.{name}" for name in
        ("norm_head.weight", "norm_head.bias", "head.weight", "head.bias")
    }  # fmt: skip
    size, variables = weights.from_torch({key: state[key] for key in needed})
    assert size == loaded[0]
    expected = architectures.flatten(loaded[1])
    for path, leaf in architectures.flatten(variables).items():
        np.testing.assert_array_equal(leaf, expected[path])


TOKEN = "mask_decoder.iou_token.weight"
TABLE = "image_encoder.layers.1.blocks.0.attn.attention_biases"
STEM = "image_encoder.patch_embed.seq.0.c.weight"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop(STEM), "none of MobileSAM. It has the keys of SAM, which"),
        (lambda s: s.update(extra=s[TOKEN]), "has unknown 1: extra"),
        (
            lambda s: s.update({"image_encoder.header.weight": s[TOKEN]}),
            r"has unknown 1: image_encoder\.header\.weight",
        ),
        (lambda s: s.update({STEM: s[STEM][:, :2]}), r"at 1: .*\(4, 2, 3, 3\) instead"),
        (lambda s: s.update({STEM: s[STEM] * np.nan}), "not finite .*NaN"),
        (lambda s: s.clear(), "lacks image_encoder.*none of MobileSAM"),
        (lambda s: s.update({TABLE: s[TABLE][:, :20]}), "2 heads and 20 distances"),
        (lambda s: s.update({TABLE: s[TABLE][0]}), r"shape \(25,\)"),
        (
            lambda s: s.update({"mask_decoder.hf_token.weight": s[TOKEN]}),
            "keys of Light HQ-SAM",
        ),
    ],
)
def test_what_is_wrong_with_a_checkpoint_is_named(state, change, message):
    state = dict(state)
    change(state)
    with pytest.raises(errors.DataError, match=message):
        weights.from_torch(state)


def test_each_of_sam_and_mobile_sam_refuses_the_other_by_name(state):
    with pytest.raises(errors.DataError, match="MobileSAM, which is `jax_mobile_sam`"):
        sam_weights.from_torch(state)
    shapes = sam_weights.torch_shapes(sam_sizes.PUBLISHED["vit_b"])
    of_sam = {key: np.broadcast_to(np.float32(0), shapes[key]) for key in shapes}
    with pytest.raises(errors.DataError, match="keys of SAM, which is `jax_sam`"):
        weights.from_torch(of_sam)
