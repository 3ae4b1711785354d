"""Weights of SAM 2: sizes, names of the authors and of the hub, and what is wrong."""

import pathlib

import numpy as np
import pytest
import safetensors.numpy
import sam2_cases

from rclicks_jax import errors
from rclicks_jax.networks import architectures
from rclicks_jax.networks.prompted import names
from rclicks_jax.networks.sam2 import sizes, weights
from rclicks_jax.weights import foreign

GOLDEN = pathlib.Path(__file__).parents[1] / "golden" / "sam2_small.npz"


@pytest.fixture(scope="module", autouse=True)
def published():
    with sam2_cases.published():
        yield


@pytest.fixture(scope="module")
def state():
    return sam2_cases.state_in(np.load(GOLDEN, allow_pickle=False))


@pytest.fixture(scope="module")
def loaded(state):
    return weights.from_torch(state)


@pytest.mark.long
@pytest.mark.parametrize("variant", ["hiera_t", "hiera_b+"])
def test_shapes_tell_the_size(variant):
    size = sizes.PUBLISHED[variant]
    shapes = weights.torch_shapes(size)
    state = {key: np.broadcast_to(np.float32(0), shapes[key]) for key in shapes}
    assert sizes.sizes_of(state) == size
    assert size.variant == variant


def test_blocks_have_the_windows_of_the_stage_before_where_they_halve():
    blocks = sizes.PUBLISHED["hiera_b+"].blocks
    assert len(blocks) == 24
    assert [n for n, block in enumerate(blocks) if block.pooled] == [2, 5, 21]
    assert [blocks[n].window for n in (0, 2, 3, 5, 6, 12, 21, 22)] == [
        *(8, 8, 4, 4, 14, 0, 14, 7)
    ]
    assert [blocks[n].heads for n in (1, 4, 20, 23)] == [2, 4, 8, 16]
    assert [n for n, block in enumerate(blocks) if block.ends_stage] == [1, 4, 20, 23]


# From the original's names to the hub's, for this test alone.
TO_HUB = (
    ("image_encoder.trunk.", "vision_encoder.backbone."),
    ("image_encoder.neck.", "vision_encoder.neck."),
    (".conv.", "."),
    ("patch_embed.proj.", "patch_embed.projection."),
    ("sam_prompt_encoder.", "prompt_encoder."),
    ("sam_mask_decoder.", "mask_decoder."),
    ("pe_layer.positional_encoding_gaussian_matrix",
     "shared_embedding.positional_embedding"),
    ("mask_downscaling.0", "mask_embed.conv1"),
    ("mask_downscaling.1", "mask_embed.layer_norm1"),
    ("mask_downscaling.3", "mask_embed.conv2"),
    ("mask_downscaling.4", "mask_embed.layer_norm2"),
    ("mask_downscaling.6", "mask_embed.conv3"),
    ("output_upscaling.0", "upscale_conv1"),
    ("output_upscaling.1", "upscale_layer_norm"),
    ("output_upscaling.3", "upscale_conv2"),
    ("maskmem_tpos_enc", "memory_temporal_positional_encoding"),
    ("obj_ptr_tpos_proj", "temporal_positional_encoding_projection_layer"),
    ("no_obj_embed_spatial", "occlusion_spatial_embedding_parameter"),
    ("no_mem_embed", "no_memory_embedding"),
    ("no_mem_pos_enc", "no_memory_positional_encoding"),
    ("obj_ptr", "object_pointer"),
    (".norm", ".layer_norm"),
    (".out_proj.", ".o_proj."),
    (".mlp.layers.0.", ".mlp.proj_in."),
    (".mlp.layers.1.", ".mlp.proj_out."),
)  # fmt: skip
TWIN = "shared_image_embedding.positional_embedding"
POINTS = "prompt_encoder.point_embed.weight"


def hub_name(key):
    for ours, theirs in TO_HUB:
        key = key.replace(ours, theirs)
    if "mlps" in key or "_head." in key or key.startswith("object_pointer_proj"):
        key = key.replace("layers.0", "proj_in").replace("layers.2", "proj_out")
        key = key.replace("layers.1", "layers.0")
    return key


def of_hub(state):
    """Returns weights by the names of the hub, which has a table of all points."""
    hub = {hub_name(key): array for key, array in state.items()}
    tables = [f"prompt_encoder.point_embeddings.{kind}.weight" for kind in range(4)]
    hub[POINTS] = np.concatenate([hub.pop(name) for name in tables])
    hub[TWIN] = hub["prompt_encoder.shared_embedding.positional_embedding"]
    return hub


def same(found, expected):
    assert found[0] == expected[0]
    found, expected = (architectures.flatten(each[1]) for each in (found, expected))
    assert found.keys() == expected.keys()
    for path, leaf in expected.items():
        np.testing.assert_array_equal(found[path], leaf)


def test_files_of_the_hub_and_of_the_authors_are_the_same(state, loaded, tmp_path):
    sam2_cases.save(tmp_path / "sam2.pt", state)
    safetensors.numpy.save_file(of_hub(state), tmp_path / "model.safetensors")
    for name in ("sam2.pt", "."):
        same(weights.from_torch(foreign.load(tmp_path / name)), loaded)


@pytest.mark.parametrize("kept", names.HUB_TWINS)
def test_a_matrix_that_the_hub_has_once_is_enough(state, loaded, kept):
    hub = of_hub(state)
    (other,) = {*names.HUB_TWINS} - {kept}
    del hub[other]
    same(weights.from_torch(hub), loaded)


def test_weights_of_memory_are_known_and_not_needed(state, loaded):
    needed = weights.torch_shapes(loaded[0])
    unused = {key for key in state if key not in needed}
    assert len(unused) > 50
    same(weights.from_torch({key: state[key] for key in needed}), loaded)


TOKEN = "sam_mask_decoder.obj_score_token.weight"
PATCHES = "image_encoder.trunk.patch_embed.proj.weight"
SAM = {"mask_decoder.iou_token.weight": np.zeros((1, 256))}


def without_the_first_block(state):
    for key in [key for key in state if ".trunk.blocks.0." in key]:
        del state[key]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop(TOKEN), f"lacks 1: {TOKEN}"),
        (lambda s: s.update(extra=s[TOKEN]), "has unknown 1: extra"),
        (
            lambda s: s.update({"memory_more.weight": s[TOKEN]}),
            r"has unknown 1: memory_more\.weight",
        ),
        (lambda s: s.update({TOKEN: s[TOKEN].T}), r"at 1: .*\(64, 1\) instead of"),
        (
            lambda s: s.update({TOKEN: s[TOKEN] * np.nan}),
            r"not finite \(64 NaN.* in 1 of .* sam_mask_",
        ),
        (lambda s: s.pop(PATCHES), "none of SAM 2"),
        (lambda s: s.clear(), "none of SAM 2"),
        (lambda s: (s.clear(), s.update(SAM)), "of SAM, which is `jax_sam`"),
        (lambda s: s.update({PATCHES: np.zeros((3, 4))}), r"shape \(3, 4\)"),
        (
            lambda s: s.update({PATCHES: np.zeros((24, 3, 7, 7))}),
            r"no published size.*24 channels and stages of \(1, 2, 3, 2\)",
        ),
        (without_the_first_block, r"blocks\.0\.norm2\.weight|no published size"),
    ],
)
def test_what_is_wrong_with_a_checkpoint_is_named(state, change, message):
    state = dict(state)
    change(state)
    with pytest.raises(errors.DataError, match=message):
        weights.from_torch(state)


def test_points_of_the_hub_of_a_wrong_shape_are_named(state):
    hub = of_hub(state)
    hub[POINTS] = hub[POINTS][:3]
    with pytest.raises(errors.DataError, match=r"point_embed"):
        weights.from_torch(hub)
