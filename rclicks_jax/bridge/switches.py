"""What a segmenter is told of a run's protocol: the switches that segmenters obey.

A worker has none of the project's settings, so the values travel as JSON. Both sides
have one set of switches, or they refuse each other: with a switch of a release, the
version of the wire protocol changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from rclicks_jax.bridge import faults


class Switches(NamedTuple):
    """Switches of a protocol; docs/deviations.md explains each.

    Attributes:
        drop_mask_prompt: Whether a segmenter that is prompted with its own last mask
            goes without it at click 2 if that click is negative.
        empty_mask_keeps_crop: Whether the answer of a segmenter that zooms is put into
            the last crop, though the whole photograph was looked at because the last
            mask was empty.
    """

    drop_mask_prompt: bool
    empty_mask_keeps_crop: bool


# The original's definitions.
PAPER = Switches(drop_mask_prompt=True, empty_mask_keeps_crop=True)


def to_json(switches: Switches) -> dict[str, bool]:
    """Returns switches as a message has them."""
    return switches._asdict()


def from_json(values: object) -> Switches:
    """Returns the switches of a message.

    Raises:
        FaultError: It has other switches than this release, or other values than true
            and false.
    """
    if not isinstance(values, Mapping) or {*values} != {*Switches._fields}:
        names = sorted(map(str, values)) if isinstance(values, Mapping) else [values]
        raise faults.FaultError(
            f"The run's protocol came as {_listed(names)}; segmenters of this release "
            f"obey {_listed(Switches._fields)}: use one release of rclicks_jax for "
            "both sides."
        )
    wrong = [name for name, value in values.items() if not isinstance(value, bool)]
    if wrong:
        raise faults.FaultError(
            f"The run's protocol has {wrong[0]} = {values[wrong[0]]!r}; it can be "
            "true or false."
        )
    return Switches(**values)


def _listed(names: Iterable[object]) -> str:
    return ", ".join(map(str, names)) or "nothing"
