"""The identity of a run of click maps."""

import dataclasses

from rclicks_jax.settings.protocols import Protocol
from rclicks_jax.types import JsonObject


@dataclasses.dataclass(frozen=True)
class ClickMapsIdentity:
    """All values that can change a file of the run.

    Attributes:
        model: Description of the click model, `click_models.describe`.
        protocol: The protocol with its switches.
        seed: Seed of all random draws in the run.
        samples: Number of clicks drawn for each group.
        groups: Clicking groups, 1 to 10; 0 is the whole map.
        drawings: Whether drawings are written.
        tasks: Whether the objects are click tasks.
        split: The split of the datasets.
        data: Checksum of each dataset's package, by name.
        max_side: Limit on the longest side of photographs, pixels; 0 for none.
        click_draws: How clicks are drawn, `sampling.METHOD`; empty if none are.
    """

    model: JsonObject
    protocol: Protocol
    seed: int
    samples: int
    groups: tuple[int, ...]
    drawings: bool
    tasks: bool
    split: str
    data: dict[str, str]
    max_side: int = 0
    click_draws: str = ""
