"""Choices for evaluations; imports nothing, so that `--help` is quick."""

RAW, MASKED = MAPS = ("raw", "masked")
COMPARED = {
    "device": "clicks by PC and by mobile",
    "device_as_published": (
        "the same with the original's mistake, (x, x) for (x, y) on the PC in PL1 and "
        "WD, to reproduce its numbers"
    ),
    "display_mode": "ways of showing the target",
}
