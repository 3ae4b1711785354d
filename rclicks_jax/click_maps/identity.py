"""What can change a file of click maps."""

import dataclasses
from typing import Any

from rclicks_jax.settings.protocols import Protocol


@dataclasses.dataclass(frozen=True)
class ClickMapsIdentity:
    """What can change what is written of an image.

    Attributes:
        model: What describes the click model.
        protocol: Its switches.
        seed: Of all draws.
        samples: Clicks drawn for each group.
        groups: Clicking groups, 1 to 10; 0 is the whole map.
        drawings: Whether pictures are drawn.
        tasks: Whether the objects are click tasks.
        split: Which images are taken.
        data: Checksum of each dataset's package, by name.
        max_side: Limit on the longest side of photographs, pixels; 0 for none.
    """

    model: dict[str, Any]
    protocol: Protocol
    seed: int
    samples: int
    groups: tuple[int, ...]
    drawings: bool
    tasks: bool
    split: str
    data: dict[str, str]
    max_side: int = 0
