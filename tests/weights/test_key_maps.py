"""Key maps: state dicts to the leaves of a network."""

import flax.linen as nn
import jax
import numpy as np
import pytest
from checkpoint_files import save, tensor

from rclicks_jax import errors
from rclicks_jax.weights import foreign, key_maps


class Loss:
    """Stands for an object of a configuration."""


LEAVES = {
    ("params", "embed", "kernel"): (3, 3, 2, 4),
    ("params", "blocks_0", "dense", "kernel"): (4, 5),
    ("params", "blocks_0", "dense", "bias"): (5,),
    ("params", "points"): (2, 1, 4),
}
RULES = ((r"blocks_(\d)", r"blocks.\1"), (r"^embed", "patch_embed.proj"))
SHAPES = {
    "patch_embed.proj.weight": (4, 2, 3, 3),
    "blocks.0.dense.weight": (5, 4),
    "blocks.0.dense.bias": (5,),
    "points.0.weight": (1, 4),
    "points.1.weight": (1, 4),
}


def origin(path):
    _, *modules, leaf = path
    if leaf == "points":
        return key_maps.Origin(("points.0.weight", "points.1.weight"))
    module = key_maps.renamed(".".join(modules), RULES)
    if leaf == "bias":
        return key_maps.Origin((f"{module}.bias",))
    is_dense = len(LEAVES[path]) == 2
    layout = key_maps.DENSE if is_dense else key_maps.CONVOLUTION
    return key_maps.Origin((f"{module}.weight",), layout)


@pytest.fixture
def state():
    random = np.random.default_rng(0)
    return {key: random.normal(size=shape) for key, shape in SHAPES.items()}


def fill(state, **options):
    return key_maps.fill(state, LEAVES, origin, network="Tiny", **options)


def test_leaves_are_filled(state):
    filled = fill(state)
    assert {path: leaf.shape for path, leaf in filled.items()} == LEAVES
    assert {leaf.dtype.name for leaf in filled.values()} == {"float32"}
    kernel = filled["params", "embed", "kernel"]
    assert kernel[1, 2, 0, 3] == np.float32(
        state["patch_embed.proj.weight"][3, 0, 1, 2]
    )
    dense = filled["params", "blocks_0", "dense", "kernel"]
    assert dense[3, 4] == np.float32(state["blocks.0.dense.weight"][4, 3])
    points = filled["params", "points"]
    np.testing.assert_array_equal(points[1], np.float32(state["points.1.weight"]))


@pytest.mark.parametrize(
    ("layout", "shape"),
    [
        (key_maps.SAME, (2, 3)),
        (key_maps.DENSE, (2, 3)),
        (key_maps.CONVOLUTION, (2, 3, 4, 5)),
        (key_maps.Layout(leading=2), (1, 1, 4)),
        (key_maps.Layout((1, 2, 0), leading=1), (1, 2, 3, 4)),
    ],
)
def test_layouts_go_there_and_back(layout, shape):
    theirs = np.arange(np.prod(shape)).reshape(shape)
    ours = layout.ours(theirs)
    np.testing.assert_array_equal(layout.theirs(ours), theirs)
    assert layout.their_shape(ours.shape) == shape


def test_a_transposed_convolution_has_the_layout_of_a_convolution():
    # By hand, as PyTorch defines it: each input spreads a kernel over the output.
    random = np.random.default_rng(1)
    weight = random.normal(size=(2, 3, 2, 2)).astype(np.float32)
    image = random.normal(size=(2, 2, 2)).astype(np.float32)
    expected = np.zeros((4, 4, 3), np.float32)
    for y, x in np.ndindex(2, 2):
        spread = np.einsum("i,iohw->hwo", image[y, x], weight)
        expected[2 * y : 2 * y + 2, 2 * x : 2 * x + 2] += spread
    layer = nn.ConvTranspose(3, (2, 2), (2, 2), use_bias=False, transpose_kernel=True)
    kernel = key_maps.CONVOLUTION.ours(weight)
    with jax.default_matmul_precision("highest"):
        found = layer.apply({"params": {"kernel": kernel}}, image[None])
    np.testing.assert_allclose(found[0], expected, atol=1e-5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"points.0.weight": None},
            r"lacks 1: points\.0\.weight\. The keys and",
        ),
        ({"extra": (1,), "b\x1b": (1,)}, r"has unknown 2: b\\x1b, extra\. The keys"),
        (
            {"blocks.0.dense.weight": (4, 5)},
            r"wrong shapes at 1: blocks\.0\.dense\.weight \(4, 5\) instead of \(5, 4\)",
        ),
        (
            {"points.1.weight": None, "points.1.bias": (4,)},
            r"lacks 1: points\.1\.weight; it has unknown 1: points\.1\.bias\. The keys",
        ),
    ],
)
def test_wrong_keys_are_named(state, changes, message):
    for key, shape in changes.items():
        state.pop(key, None)
        if shape is not None:
            state[key] = np.zeros(shape)
    with pytest.raises(errors.DataError, match=f"The checkpoint .*{message}"):
        fill(state)


def test_of_many_keys_a_few_are_named(state):
    more = {f"memory.{number}": np.zeros(1) for number in range(20)}
    with pytest.raises(errors.DataError, match=r"20: memory\.0, .*memory\.12, \.\.\."):
        fill({**state, **more})
    assert fill({**state, **more}, unused=[r"^memory\."])


def test_keys_that_fill_no_leaf_may_have_to_be_there(state):
    also = {"norm.num_batches_tracked": ()}
    with pytest.raises(errors.DataError, match="lacks 1: norm"):
        fill(state, also=also)
    fill({**state, "norm.num_batches_tracked": np.asarray(3)}, also=also)


def test_another_network_is_told_by_how_its_keys_begin(tmp_path):
    theirs = {f"image_encoder.blocks.{n}.w": tensor(np.zeros(1)) for n in range(3)}
    saved = {"model": {**theirs, "mask_decoder.w": tensor(np.zeros(1))}, "loss": Loss()}
    checkpoint = foreign.load(save(tmp_path / "sam.pth", saved))
    message = (
        r"The checkpoint .*sam\.pth is of another network or size: of the 5 keys of "
        r"Tiny it has 0, and it lacks 5: blocks\.0\.dense\.bias, .*\. Its 4 keys "
        r"begin with image_encoder \(3\), mask_decoder \(1\)\. Objects of these "
        r"classes in it were not read: 1: .*Loss\."
    )
    with pytest.raises(errors.DataError, match=message):
        fill(checkpoint)


@pytest.mark.parametrize("number", [np.nan, np.inf, 1e300])
def test_numbers_that_are_not_finite_are_named(state, number):
    state["blocks.0.dense.bias"][3] = number
    message = r"not finite .* in 1 of 4 arrays, the first blocks\.0\.dense\.bias"
    with pytest.raises(errors.DataError, match=message):
        fill(state)


def test_numbers_of_unused_keys_may_be_anything(state):
    state["memory.w"] = np.array([np.nan])
    fill(state, unused=["^memory"])


def test_sizes_are_read_from_shapes():
    assert key_maps.side(SHAPES, "points.0.weight", -1, "Tiny") == 4
    assert key_maps.side(SHAPES, "patch_embed.proj.weight", 1, "Tiny") == 2
    for key, axis in (("pos_embed", 0), ("blocks.0.dense.bias", 1)):
        message = f"lacks {key}, so it is none of Tiny. Its 5 keys begin with blocks"
        with pytest.raises(errors.DataError, match=message):
            key_maps.side(SHAPES, key, axis, "Tiny")
    with pytest.raises(errors.DataError, match="It has no keys"):
        key_maps.side({}, "pos_embed", 0, "Tiny")
