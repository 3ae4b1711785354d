"""SAM beside the answers of its authors' code, and mistakes that these would show."""

import pathlib
from unittest import mock

import flax.linen as nn
import golden_keys
import jax
import jax.numpy as jnp
import mistakes
import numpy as np
import pytest
import safetensors.numpy
import sam_cases
import sam_player
from helpers import one_and_long
from sam_player import errors_of

from rclicks_jax import errors
from rclicks_jax.networks import architectures, layers, parts
from rclicks_jax.networks.prompted import prompts, resizing, two_way
from rclicks_jax.networks.sam import decoder, frames, network, sizes, vit, weights
from rclicks_jax.ops import torch_resize
from rclicks_jax.weights import foreign, torch_files

pytestmark = pytest.mark.usefixtures("compiled_for_users")

GOLDEN = pathlib.Path(__file__).parents[1] / "golden" / "sam_small.npz"
PHOTOGRAPHS = list(enumerate(sam_cases.SHAPES["small"]))


@pytest.fixture(scope="module")
def golden():
    return np.load(GOLDEN, allow_pickle=False)


@pytest.fixture(scope="module")
def state(golden):
    return sam_cases.state_of(golden_keys.shapes_in(golden))


@pytest.fixture(scope="module")
def loaded(state):
    return weights.from_torch(state)


@pytest.fixture(scope="module")
def player(loaded):
    size, variables = loaded
    return sam_player.Player(network.Sam(size), variables)


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


def padded_before_normalising(image, matrices):
    square = frames.to_square(image, matrices)
    mean, std = (jnp.array(each)[None, None] for each in (resizing.MEAN, resizing.STD))
    is_padding = (square == 0).all(-1, keepdims=True)
    return jnp.where(is_padding, -mean / std, square)


right_clicks = prompts.PromptEncoder.clicks
# What is wrong in each program.
ENCODER = {
    "tanh for erf": (layers, "gelu", lambda x: nn.gelu(x, approximate=True)),
    "epsilon of the encoder": (vit, "_EPSILON", 1e-5),
}
DECODER = {
    "epsilon of the prompts": (prompts, "_EPSILON", 1e-5),
    "epsilon of the transformer": (two_way, "_EPSILON", 1e-6),
    "epsilon of the decoder": (decoder, "_EPSILON", 1e-5),
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
    "mask prompt clamped": {"clamp": 16.0},
    "mask prompt at a negative second click": {"drops": False},
}


@pytest.fixture(scope="module")
def mistaken(loaded):
    size, variables = loaded
    net = mistakes.Mistaken(network.Sam(size), encode=ENCODER, decode=DECODER)
    player = sam_player.Player(net, variables)
    return lambda mistake=None: player.but(variables=net.choose(variables, mistake))


@pytest.mark.usefixtures("compiled_fast")
def test_without_a_mistake_nothing_shows(mistaken, golden):
    found = errors_of(mistaken(), golden, *PHOTOGRAPHS[1], rounds=3)
    assert max(found) < 1, found


@pytest.mark.usefixtures("compiled_fast")
@pytest.mark.parametrize("mistake", [*ENCODER, *DECODER])
def test_a_mistake_in_the_network_shows(mistaken, golden, mistake):
    found = errors_of(mistaken(mistake), golden, *PHOTOGRAPHS[1], rounds=3)
    # The two functions differ by less than 5e-4 anywhere.
    least = 25 if mistake == "tanh for erf" else 100
    assert max(found) > least, found


@pytest.mark.usefixtures("compiled_fast")
@pytest.mark.parametrize("mistake", ARGUMENTS)
def test_a_mistake_in_a_prompt_shows(player, golden, mistake):
    number, shape = PHOTOGRAPHS[1]
    found = errors_of(player, golden, number, shape, rounds=3, **ARGUMENTS[mistake])
    assert found[0] < 1 < 100 < found[1]


@pytest.mark.usefixtures("compiled_fast")
def test_a_mistake_in_the_photograph_shows(player, golden):
    number, shape = PHOTOGRAPHS[3]
    wrong = player.but(square=jax.jit(padded_before_normalising))
    assert errors_of(wrong, golden, number, shape, 0)[0] > 100
    frames.into_square.cache_clear()
    with mock.patch.object(torch_resize, "antialiased", torch_resize.bilinear):
        assert errors_of(player, golden, number, shape, 0)[0] > 100
    frames.into_square.cache_clear()


def changed(variables, name, change):
    leaves = architectures.flatten(variables)
    return architectures.unflatten(
        {path: change(leaf) if name in path else leaf for path, leaf in leaves.items()}
    )


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("rel_pos_h", lambda table: table / 4),
        ("rel_pos_w", lambda table: table[::-1]),
        ("output_upscaling_0", lambda leaf: leaf[:, ::-1] if leaf.ndim > 1 else leaf),
        ("mask_downscaling_3", lambda leaf: leaf[::-1] if leaf.ndim > 1 else leaf),
    ],
)
def test_weights_in_a_wrong_place_show(player, golden, name, change):
    number, shape = PHOTOGRAPHS[1]
    wrong = player.but(variables=changed(player.variables, name, change))
    assert max(errors_of(wrong, golden, number, shape, rounds=2)) > 100


def test_rows_do_not_depend_on_each_other(player):
    shape = PHOTOGRAPHS[1][1]
    alone = player.encoded(shape)
    both = jnp.concatenate([player.encoded(PHOTOGRAPHS[0][1]), alone])
    yx = (
        np.random.default_rng(0)
        .uniform(0, 100, (3, sam_player.SLOTS, 2))
        .astype(np.float32)
    )
    signs, count = np.ones((3, sam_player.SLOTS), bool), np.full(3, 4, np.int32)
    low_res = np.random.default_rng(1).normal(size=(3, 16, 64)).astype(np.float32)
    rest = yx, signs, count, low_res, np.array([True, False, True])
    one = np.zeros(3, np.int32)
    expected = player.decode(player.variables, alone, one, *rest).low_res
    found = player.decode(player.variables, both, one + 1, *rest).low_res
    tolerance = sam_player.LOGITS * expected.std()
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)
    turned = [array[::-1] for array in rest]
    found = player.decode(player.variables, both, one + 1, *turned).low_res
    np.testing.assert_allclose(found[::-1], expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("most", ["_MOST_SCORES", "_MOST_KEYS"])
def test_long_sequences_are_attended_in_parts(most):
    random = np.random.default_rng(0)
    query, key, value = random.normal(size=(3, 2, 3, 24, 5)).astype(np.float32)
    with mock.patch.object(parts, most, {"_MOST_SCORES": 100, "_MOST_KEYS": 7}[most]):
        found = parts.attend(query, key, value)
    expected = jnp.einsum("bnts,bnse->bnte", nn.softmax(query @ key.mT), value)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_thousands_of_keys_are_summed_up_in_blocks():
    random = np.random.default_rng(0)
    query, key, value = random.normal(size=(3, 1, 8, 4096, 16)).astype(np.float32)
    query, value = query[:, :, :31], value + 0.5
    found = jax.jit(parts.attend)(query, key, value)
    query, key, value = (each.astype(np.float64) for each in (query, key, value))
    weights = np.exp(query @ key.mT)
    expected = weights @ value / weights.sum(-1, keepdims=True)
    # What is the same for all queries; in one sum of all keys, 1e-6.
    apart = ((found - expected) / expected.std()).mean(axis=2)
    assert np.sqrt(np.square(apart).mean()) < 5e-7


@pytest.mark.usefixtures("compiled_fast")
def test_bfloat16_is_near(loaded, golden):
    size, variables = loaded
    net = network.Sam(size, jnp.bfloat16)
    shape = PHOTOGRAPHS[0][1]
    frame = frames.frame_of(shape, size.side)
    square = frames.to_square(
        resizing.fill_up(sam_cases.photograph(shape)), frames.into_square(frame)
    )
    cast = parts.in_precision(variables, jnp.bfloat16)
    encode = jax.jit(lambda *arrays: net.apply(*arrays, method="encode"))
    found = encode(cast, square[None])
    assert found.dtype == jnp.bfloat16
    apart = np.asarray(found[0], np.float32) - golden["0/embedding"]
    assert 1e-4 < np.abs(apart).mean() < 0.05


def test_logits_by_place_come_back():
    pixels = np.arange(2 * 64, dtype=np.float32).reshape(2, 8, 8)
    places = prompts.to_places(jnp.asarray(pixels))
    np.testing.assert_array_equal(places[0, :, 0], pixels[0][[0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 3, 3, 2, 2, 3, 3], [0, 1, 0, 1, 2, 3, 2, 3, 0, 1, 0, 1, 2, 3, 2, 3]])  # fmt: skip # noqa: E501
    np.testing.assert_array_equal(prompts.to_pixels(places), pixels)


@pytest.mark.parametrize("variant", one_and_long(sizes.PUBLISHED))
def test_shapes_tell_the_size(variant):
    size = sizes.PUBLISHED[variant]
    shapes = weights.torch_shapes(size)
    state = {key: np.broadcast_to(np.float32(0), shapes[key]) for key in shapes}
    assert sizes.sizes_of(state) == size
    assert size.variant == variant


def test_a_size_that_was_not_published_is_custom(loaded):
    assert loaded[0].variant == "custom"


# From the original's names to the hub's, for this test alone.
TO_HUB = (
    ("image_encoder.blocks.", "vision_encoder.layers."),
    ("image_encoder.neck.0", "vision_encoder.neck.conv1"),
    ("image_encoder.neck.1", "vision_encoder.neck.layer_norm1"),
    ("image_encoder.neck.2", "vision_encoder.neck.conv2"),
    ("image_encoder.neck.3", "vision_encoder.neck.layer_norm2"),
    ("image_encoder.patch_embed.proj", "vision_encoder.patch_embed.projection"),
    ("image_encoder.", "vision_encoder."),
    (".norm_final_attn", ".layer_norm_final_attn"),
    (".norm", ".layer_norm"),
    (
        "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix",
        "shared_image_embedding.positional_embedding",
    ),
    (".point_embeddings.", ".point_embed."),
    ("mask_downscaling.0", "mask_embed.conv1"),
    ("mask_downscaling.1", "mask_embed.layer_norm1"),
    ("mask_downscaling.3", "mask_embed.conv2"),
    ("mask_downscaling.4", "mask_embed.layer_norm2"),
    ("mask_downscaling.6", "mask_embed.conv3"),
    ("output_upscaling.0", "upscale_conv1"),
    ("output_upscaling.1", "upscale_layer_norm"),
    ("output_upscaling.3", "upscale_conv2"),
)


def hub_name(key):
    for ours, theirs in TO_HUB:
        key = key.replace(ours, theirs)
    if "mlps" in key or "iou_prediction" in key:
        key = key.replace("layers.0", "proj_in").replace("layers.2", "proj_out")
        key = key.replace("layers.1", "layers.0")
    return key


def test_files_of_the_hub_and_of_the_authors_are_the_same(state, loaded, tmp_path):
    torch_files.write(tmp_path / "sam.pth", state)
    hub = {hub_name(key): array for key, array in state.items()}
    twin = "prompt_encoder.shared_embedding.positional_embedding"
    hub[twin] = hub["shared_image_embedding.positional_embedding"]
    safetensors.numpy.save_file(hub, tmp_path / "model.safetensors")
    expected = architectures.flatten(loaded[1])
    for name in ("sam.pth", "."):
        size, variables = weights.from_torch(foreign.load(tmp_path / name))
        assert size == loaded[0]
        found = architectures.flatten(variables)
        assert found.keys() == expected.keys()
        for path, leaf in expected.items():
            np.testing.assert_array_equal(found[path], leaf)


TOKEN = "mask_decoder.iou_token.weight"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop(TOKEN), f"lacks 1: {TOKEN}"),
        (lambda s: s.update(extra=s[TOKEN]), "has unknown 1: extra"),
        (lambda s: s.update({TOKEN: s[TOKEN].T}), r"at 1: .*\(64, 1\) instead of"),
        (
            lambda s: s.update({TOKEN: s[TOKEN] * np.nan}),
            r"not finite \(64 NaN.* in 1 of .* mask_",
        ),
        (lambda s: s.pop("image_encoder.pos_embed"), "none of SAM"),
        (lambda s: s.clear(), "none of SAM"),
        (
            lambda s: s.update({"image_encoder.pos_embed": np.zeros((3, 4))}),
            r"shape \(3, 4\)",
        ),
        (
            lambda s: s.update(
                {"image_encoder.blocks.2.attn.rel_pos_h": np.zeros((13, 16))}
            ),
            r"windows of \[5, 7\]",
        ),
    ],
)
def test_what_is_wrong_with_a_checkpoint_is_named(state, change, message):
    state = dict(state)
    change(state)
    with pytest.raises(errors.DataError, match=message):
        weights.from_torch(state)
