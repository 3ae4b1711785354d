"""The switches of a run's protocol that segmenters obey.

A worker has none of the project's settings, so the values travel as JSON. Both sides
must have the same switches, or they refuse each other. A release that adds or removes a
switch changes the version of the wire protocol.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from rclicks_jax.bridge import faults


class Switches(NamedTuple):
    """Switches of a protocol; docs/deviations.md explains each.

    Attributes:
        drop_mask_prompt: Whether a segmenter that is prompted with its own last mask
            gets no mask at click 2 if that click is negative.
        empty_mask_keeps_crop: For a segmenter that zooms, when its last mask is empty.
            The network then sees the whole photograph. If true, the answer is still
            put into the last crop; if false, over the whole photograph.
    """

    drop_mask_prompt: bool
    empty_mask_keeps_crop: bool


# The original's definitions.
PAPER = Switches(drop_mask_prompt=True, empty_mask_keeps_crop=True)


def to_json(switches: Switches) -> dict[str, bool]:
    """Returns switches as they are in a message."""
    return switches._asdict()


def from_json(values: object) -> Switches:
    """Returns the switches of a message.

    Raises:
        FaultError: The message has other switches than this release, or a value that is
            neither true nor false.
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
