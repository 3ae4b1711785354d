"""What can change a number of an evaluation."""

import dataclasses
from typing import Any

from rclicks_jax.settings.protocols import Protocol


@dataclasses.dataclass(frozen=True)
class EvaluationIdentity:
    """What can change a number of an evaluation of click models.

    Attributes:
        metrics: Names of those that are recorded.
        masked_without_mass: What stands for a masked map without any mass.
        protocol: Its switches.
        seed: Of all draws.
        draws: Sets of clicks drawn from each map.
        click_models: What describes each, by the name that tables have.
        data: Checksum of each dataset's package, by name.
        split: Which tasks are taken.
        max_side: Limit on the longest side of photographs, pixels; 0 for none.
    """

    metrics: tuple[str, ...]
    masked_without_mass: str
    protocol: Protocol
    seed: int
    draws: int
    click_models: dict[str, Any]
    data: dict[str, str]
    split: str
    max_side: int = 0


@dataclasses.dataclass(frozen=True)
class AgreementIdentity:
    """What can change a number of a comparison of two sets of people.

    Attributes:
        compared: Which sets, a key of `choices.COMPARED`.
        data: Hash of all clicks and targets of each dataset, by name.
        split: Which tasks are taken.
        max_side: Limit on the longest side of photographs, pixels; 0 for none.
    """

    compared: str
    data: dict[str, str]
    split: str
    max_side: int = 0
