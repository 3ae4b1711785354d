"""The identities of evaluations and of comparisons of people."""

import dataclasses
from collections.abc import Mapping

from rclicks_jax.settings.protocols import Protocol
from rclicks_jax.types import JsonObject

# Kind of the run folders of evaluations of click models.
KIND = "evaluation"


@dataclasses.dataclass(frozen=True)
class EvaluationIdentity:
    """All values that can change a number of an evaluation of click models.

    Attributes:
        metrics: Names of the recorded metrics.
        masked_without_mass: The map that replaces a masked map without mass.
        protocol: The protocol with its switches.
        seed: Seed of all random draws in the run.
        draws: Number of sets of clicks drawn from each map.
        click_models: Descriptions of the click models, by their names in tables.
        data: Checksum of each dataset's package, by name.
        split: The split of the datasets.
        max_side: Limit on the longest side of photographs, pixels; 0 for none.
    """

    metrics: tuple[str, ...]
    masked_without_mass: str
    protocol: Protocol
    seed: int
    draws: int
    click_models: Mapping[str, JsonObject]
    data: dict[str, str]
    split: str
    max_side: int = 0


@dataclasses.dataclass(frozen=True)
class AgreementIdentity:
    """All values that can change a number of a comparison of two sets of people.

    Attributes:
        compared: The comparison, a key of `choices.COMPARED`.
        data: Hash of all clicks and targets of each dataset, by name.
        split: The split of the datasets.
        max_side: Limit on the longest side of photographs, pixels; 0 for none.
        metrics: Names of the recorded metrics; without energy distance in runs of
            before it was there.
    """

    compared: str
    data: dict[str, str]
    split: str
    max_side: int = 0
    metrics: tuple[str, ...] = ("pl1", "wd", "ks")
