"""Which method of SAM's family weights are of, told by their keys."""

from rclicks_jax.weights import state_dicts

_TOKEN = "mask_decoder.iou_token.weight"
_HIGH_QUALITY = "mask_decoder.hf_token.weight"
_TINY = "image_encoder.patch_embed.seq.0.c.weight"
SAM, SAM2, MOBILE_SAM, SAM_HQ = "SAM", "SAM 2", "MobileSAM", "SAM-HQ"
# Where the hub's names are read too.
HUB = {SAM: ", or the same parts by the names of the Hugging Face hub"}
_SEGMENTERS = {
    SAM: "jax_sam",
    SAM2: "jax_sam2",
    MOBILE_SAM: "jax_mobile_sam",
    SAM_HQ: "jax_sam_hq",
}


def kind_of(shapes: state_dicts.Shapes) -> str:
    """Returns the name of the method; empty if it is none of the family.

    Args:
        shapes: Shapes by the original's names.
    """
    if f"sam_{_TOKEN}" in shapes:
        return SAM2
    if any(key.startswith(("detector", "tracker")) for key in shapes):
        return "SAM 3"
    if _TOKEN not in shapes:
        return ""
    if _HIGH_QUALITY in shapes:
        return "Light HQ-SAM" if _TINY in shapes else SAM_HQ
    return MOBILE_SAM if _TINY in shapes else SAM


def instead(shapes: state_dicts.Shapes, kind: str) -> str:
    """Returns a sentence on what weights are of, if that is another method.

    Args:
        shapes: Shapes by the original's names.
        kind: The method that they should be of.

    Returns:
        The sentence, with a space after it; or nothing.
    """
    found = kind_of(shapes)
    if found in ("", kind):
        return ""
    name = _SEGMENTERS.get(found)
    which = f", which is `{name}`" if name else ""
    return f"It has the keys of {found}{which}. "
