"""What can change a number of a benchmark."""

import dataclasses
from typing import Any

from rclicks_jax.benchmark.setup import Strategies
from rclicks_jax.settings.protocols import Protocol


@dataclasses.dataclass(frozen=True)
class BenchmarkIdentity:
    """What can change a number of a benchmark.

    Attributes:
        protocol: The switches of its protocol.
        seed: Seed of all random draws in the run.
        strategies: Who clicks.
        segmenter: What describes it: name, options, hashes of its files.
        click_model: What describes it; empty if no group is played.
        data: Checksum of each dataset's package, by name.
        split: Which images are taken.
        max_side: Limit on the longest side of photographs, pixels; 0 for none.
        click_draws: How clicks are drawn, `sampling.METHOD`; empty if none are.
    """

    protocol: Protocol
    seed: int
    strategies: Strategies
    segmenter: dict[str, Any]
    click_model: dict[str, Any]
    data: dict[str, str]
    split: str
    max_side: int = 0
    click_draws: str = ""
