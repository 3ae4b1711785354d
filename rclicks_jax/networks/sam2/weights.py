"""Published weights of SAM 2 to our variables: by the original's names, or the hub's.

Every leaf must be filled and every key used, but for those of the memory of videos and
of the score of whether there is an object, which photographs do not need.
"""

import jax
import jax.numpy as jnp
import numpy as np

from rclicks_jax.networks import architectures, published
from rclicks_jax.networks.architectures import LeafPath, Variables
from rclicks_jax.networks.prompted import names
from rclicks_jax.networks.sam2 import network
from rclicks_jax.networks.sam2.sizes import Sam2Sizes, sizes_of
from rclicks_jax.weights import key_maps, state_dicts

# From our names to the original's.
_ORIGINAL: key_maps.Rules = (
    (r"\.neck\.convs\.(\d+)\.", r".neck.convs.\1.conv."),
    (r"\.mlp\.lin1\.", ".mlp.layers.0."),
    (r"\.mlp\.lin2\.", ".mlp.layers.1."),
)
# From the hub's names to the original's, applied one after the other.
_HUB: key_maps.Rules = (
    (r"^vision_encoder\.backbone\.", "image_encoder.trunk."),
    (r"^vision_encoder\.neck\.convs\.(\d+)\.", r"image_encoder.neck.convs.\1.conv."),
    (r"\.patch_embed\.projection\.", ".patch_embed.proj."),
    (r"\.blocks\.(\d+)\.layer_norm", r".blocks.\1.norm"),
    (r"\.mlp\.proj_in\.", ".mlp.layers.0."),
    (r"\.mlp\.proj_out\.", ".mlp.layers.1."),
    (r"^(mask_decoder\.transformer\..*)\.o_proj\.", r"\1.out_proj."),
    (r"^no_memory_embedding$", "no_mem_embed"),
    *names.HUB,
    (r"^(prompt_encoder|mask_decoder)\.", r"sam_\1."),
)
_HUB_SIGN = "vision_encoder.backbone."
_HUB_POINTS = "prompt_encoder.point_embed.weight"
_POINTS = [f"sam_prompt_encoder.point_embeddings.{kind}.weight" for kind in range(4)]
# Of videos, by the original's names and the hub's.
_UNUSED = (
    r"^memory_(attention|encoder)\.",
    r"^mask_downsample\.",
    r"^sam_mask_decoder\.pred_obj_score_head\.",
    r"^(maskmem_tpos_enc|no_mem_pos_enc|no_obj_ptr|no_obj_embed_spatial)$",
    r"^(memory_temporal|no_memory)_positional_encoding$",
    r"^(no_object_pointer|occlusion_spatial_embedding_parameter)$",
    r"^(obj_ptr(_tpos)?|object_pointer)_proj\.",
    r"^temporal_positional_encoding_projection_layer\.",
)


def from_torch(state: state_dicts.State) -> tuple[Sam2Sizes, Variables]:
    """Returns the sizes and the variables of a state dict, of the original or the hub.

    Raises:
        DataError: It is of no SAM 2; names what is missing, left over or wrong.
    """
    state = by_original_names(state)
    sizes = sizes_of(state)
    variables = published.filled(
        state,
        shapes_of(sizes),
        _origin,
        network=f"SAM 2 ({sizes.variant})",
        unused=_UNUSED,
    )
    return sizes, variables


def by_original_names(state: state_dicts.State) -> state_dicts.State:
    """Returns a state dict by the original's names, whichever names it has.

    Raises:
        DataError: Two keys are of the same weight.
    """
    if not any(key.startswith(_HUB_SIGN) for key in state):
        return state
    numbered = names.hub_layers(state)

    def rename(key: str) -> str | None:
        if names.is_second_twin(key, state):
            return None
        if key in names.HUB_TWINS:
            return f"sam_{names.FREQUENCIES}"
        return numbered(key_maps.renamed(key, _HUB))

    renamed = state_dicts.renamed(state, rename)
    whole = key_maps.renamed(_HUB_POINTS, _HUB)
    if whole not in renamed or renamed.shapes[whole][:1] != (len(_POINTS),):
        return renamed
    # The hub has the embeddings of the kinds of points in one table.
    shapes = {key: shape for key, shape in renamed.shapes.items() if key != whole}
    shapes.update(dict.fromkeys(_POINTS, (1, *renamed.shapes[whole][1:])))

    def read(key: str) -> np.ndarray:
        if key not in _POINTS:
            return renamed[key]
        kind = _POINTS.index(key)
        return renamed[whole][kind : kind + 1]

    return state_dicts.Checkpoint(
        renamed.source, renamed.files, shapes, read, renamed.dropped
    )


def torch_shapes(sizes: Sam2Sizes) -> dict[str, tuple[int, ...]]:
    """Returns keys and shapes of the original's state dict that photographs need."""
    return published.torch_shapes(shapes_of(sizes), _origin)


def shapes_of(sizes: Sam2Sizes) -> Variables:
    """Returns the shapes of the variables of a SAM 2; nothing is computed."""
    square = jax.ShapeDtypeStruct((1, sizes.side, sizes.side, 3), jnp.float32)
    return architectures.shapes(network.Sam2(sizes), square)


def _origin(path: LeafPath, axes: int) -> key_maps.Origin:
    return names.origin(path, axes, _ORIGINAL)
