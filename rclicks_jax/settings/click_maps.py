"""Which click maps are written."""

import dataclasses
from typing import Annotated

from rclicks_jax import errors
from rclicks_jax.settings import checks

_GROUPS_OR_WHOLE = checks.numbers_once(0, 10, "numbers 1 to 10, or 0 for the whole map")


@dataclasses.dataclass(frozen=True)
class ClickMapsConfig:
    """Which click maps are written.

    Attributes:
        model: Click model: a model folder; `UD` or `DT`; `SI` or `SM` with a saliency
            model; or `toy`.
        data: Photographs and objects: `NAME:DIR` of a dataset of the paper,
            `folder:DIR`, `coco:JSON,DIR` or `sample`; several with commas between.
        split: Which images are taken: `train`, `val`, `test`, `held_out` or `all`;
            every dataset must have it.
        tasks: Whether the objects are click tasks, with what was segmented before,
            instead of targets at their first click.
        samples: How many clicks are drawn for each group.
        groups: Clicking groups to draw from, of 1 to 10; 0 is the whole map.
        drawings: Whether a picture of each click map is drawn.
        protocol: Definitions that can change a number: `paper` as the original has
            them, or `strict`, which mends them.
        seed: Seed of all random draws.
        precision: Precision of the network: `float32`, `bfloat16`, or `auto`, which is
            float32 on CPU and bfloat16 on accelerators.
        batch: Maps in one network pass on each device; 0 lets the device decide.
        devices: Devices of each host on which the network runs; 0 for all. Their number
            changes no file.
        max_images: How many images of each dataset are worked on; 0 takes all.
        max_side: Limit on the longest side of photographs and masks, pixels; larger
            ones are shrunk, as TETRIS is to 2048. 0 takes them as they are.
        shard: Part of the work as `NUMBER/COUNT`, such as `0/4` to `3/4`: this run does
            one of so many parts, beside or after others with the same folder; empty
            for all.
        max_failed: Share of failed objects above which the exit status is not 0.
    """

    model: str = ""
    data: str = ""
    split: str = "all"
    tasks: bool = False
    samples: Annotated[int, checks.at_least(0)] = 20
    groups: Annotated[tuple[int, ...], _GROUPS_OR_WHOLE] = (0,)
    drawings: bool = True
    protocol: str = "paper"
    seed: Annotated[int, checks.SEED] = 0
    precision: Annotated[str, checks.PRECISION] = "auto"
    batch: Annotated[int, checks.at_least(0)] = 0
    devices: Annotated[int, checks.at_least(0)] = 0
    max_images: Annotated[int, checks.at_least(0)] = 0
    max_side: Annotated[int, checks.at_least(0)] = 0
    shard: Annotated[str, checks.SHARD] = ""
    max_failed: Annotated[float, checks.within(0, 1)] = 0.01

    def __post_init__(self) -> None:
        """Refuses what no run could use."""
        checks.check(self, "--")
        if self.samples and not self.groups:
            raise errors.BadValueError(
                "--groups",
                f"none beside --samples={self.samples}",
                "numbers 1 to 10, or 0 for the whole map; --samples=0 draws no clicks",
            )
