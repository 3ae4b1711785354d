"""RITM, HRNet-18s without a last mask, against RClicks's predictor."""

from cases import ritm

adapter, reference = ritm.adapter, ritm.reference
REPOSITORY = "SamsungLabs/ritm_interactive_segmentation"
CHECKOUT = "ritm_interactive_segmentation"
GAIN = 1.35
RECIPE = (
    f"seed {ritm.SEED}, gain {GAIN}, {ritm.FACTORS}; HRNet-18s, OCR 8 wide, no last "
    "mask, zoom to 160"
)
LONGEST = ritm.LONGEST
OMITTED = {}


def network(original):
    """Returns a small RITM that does not look at the last mask."""
    return ritm.network(original, gain=GAIN, sees_previous=False)


def model(made, **changes):
    """Returns what the adapter's `load` would."""
    return ritm.model(made, sees_previous=False, **changes)


BUGS = {
    "no flip": {"model": lambda made: model(made, flip=False)},
    "no zoom": {"model": lambda made: model(made, crops=None)},
}
