"""How click models are compared with people."""

import dataclasses
from typing import Annotated

from rclicks_jax.settings import checks


@dataclasses.dataclass(frozen=True)
class EvaluateConfig:
    """How click models are compared with people.

    Attributes:
        protocol: Definitions that can change a number: `paper` as the original has
            them, or `strict`, which mends them.
        data: Click data: `NAME:DIR`, `folder:DIR` or `sample`; several with commas
            between.
        click_models: Click models to compare: model folders; `UD`, `DT`; `SI` or `SM`
            with a saliency model; `toy`.
        split: Which tasks are taken: `train`, `val`, `all`, or `held_out`, which is
            `val` or, in a dataset without, all that is not for training.
        max_side: Limit on the longest side of photographs and masks, pixels; larger
            ones are shrunk, as TETRIS is to 2048. 0 takes them as they are.
        draws: How many sets of clicks are drawn from each map.
        seed: Seed of all random draws in the evaluation.
        precision: Precision of networks: `float32`, `bfloat16`, or `auto`, which is
            float32 on CPU and bfloat16 on accelerators.
        batch: Maps in one pass of a network on each device; 0 lets the device decide.
        devices: Devices of each host on which networks run; 0 for all. Their number
            changes no number.
        processes: How many processes measure maps on each host; 0 for as many as there
            are cores, 1 for none beside this one.
        shard: Part of the work as `NUMBER/COUNT`, such as `0/4` to `3/4`: this run does
            one of so many parts, beside or after others with the same workdir; empty
            for all.
        max_failed: Share of failed tasks above which the exit status is not 0.
    """

    protocol: str = "paper"
    data: str = "sample"
    click_models: Annotated[
        tuple[str, ...],
        checks.Check(bool, "one or more click models: UD, DT, SI, SM, model folders"),
    ] = ("UD", "DT")
    split: str = "held_out"
    max_side: Annotated[int, checks.at_least(0)] = 0
    draws: Annotated[int, checks.at_least(1)] = 100
    seed: Annotated[int, checks.SEED] = 0
    precision: Annotated[str, checks.PRECISION] = "auto"
    batch: Annotated[int, checks.at_least(0)] = 0
    devices: Annotated[int, checks.at_least(0)] = 0
    processes: Annotated[int, checks.at_least(0)] = 0
    shard: Annotated[str, checks.SHARD] = ""
    max_failed: Annotated[float, checks.within(0, 1)] = 0.01

    def __post_init__(self) -> None:
        """Refuses what no run could use."""
        checks.check(self, "--config.")
