"""Which segmenter weights are of, told by their keys."""

from rclicks_jax import errors
from rclicks_jax.weights import state_dicts

SAM, SAM2, MOBILE_SAM, SAM_HQ = "SAM", "SAM 2", "MobileSAM", "SAM-HQ"
SIMPLECLICK, SEGNEXT, RITM = "SimpleClick or CFR-ICL", "SegNext", "RITM"
_SEGMENTERS = {
    SAM: "`jax_sam`",
    SAM2: "`jax_sam2`",
    MOBILE_SAM: "`jax_mobile_sam`",
    SAM_HQ: "`jax_sam_hq`",
    SIMPLECLICK: "`jax_simpleclick` or `jax_cfr_icl`",
    SEGNEXT: "`jax_segnext`",
    RITM: "`jax_ritm`",
}
# Keys by which networks that are no SAM differ.
SIMPLECLICK_KEY = "patch_embed_coords.proj.weight"
SEGNEXT_KEY = "visual_prompts_encoder.proj.weight"
RITM_KEY = "maps_transform.0.weight"
_KEYS = {SIMPLECLICK_KEY: SIMPLECLICK, SEGNEXT_KEY: SEGNEXT, RITM_KEY: RITM}
_TOKEN = "mask_decoder.iou_token.weight"
# The authors' name, and the hub's.
_HIGH_QUALITY = ("mask_decoder.hf_token.weight", "mask_decoder.hq_token.weight")
_TINY = "image_encoder.patch_embed.seq.0.c.weight"
# Encoders by the hub's names; those of SAM and SAM 2 are renamed before they are read.
_HUB = "vision_encoder."
_SAM2_OF_HUB = (f"{_HUB}backbone.", "image_encoder.backbone.")


def kind_of(shapes: state_dicts.Shapes) -> str:
    """Returns the name of the method; empty if it is none that is known.

    Args:
        shapes: Shapes by the original's names, or the hub's.
    """
    others = [kind for key, kind in _KEYS.items() if key in shapes]
    if others:
        return others[0]
    if f"sam_{_TOKEN}" in shapes:
        return SAM2
    if any(key.startswith(("detector", "tracker")) for key in shapes):
        return "SAM 3"
    if _TOKEN not in shapes:
        return ""
    if any(key.startswith(_SAM2_OF_HUB) for key in shapes):
        return SAM2
    if any(key in shapes for key in _HIGH_QUALITY):
        return "Light HQ-SAM" if _TINY in shapes else SAM_HQ
    return MOBILE_SAM if _TINY in shapes else SAM


def check(state: state_dicts.State, kind: str) -> None:
    """Checks that weights are of no other method that is known.

    Args:
        state: The weights, by the original's names if the hub's can be read.
        kind: The method that they should be of.

    Raises:
        DataError: They are of another method, or have names that are not read.
    """
    shapes, named = state_dicts.shapes_of(state), state_dicts.named(state)
    found = kind_of(shapes)
    if found not in ("", kind):
        which = f", which is {_SEGMENTERS[found]}" if found in _SEGMENTERS else ""
        raise errors.DataError(
            f"{named} is none of {kind}. It has the keys of {found}{which}."
        )
    if any(key.startswith(_HUB) for key in shapes):
        raise errors.DataError(
            f"{named} has the names of the Hugging Face hub; of {kind} only files with "
            "the authors' names are read."
        )
