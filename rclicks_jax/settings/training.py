"""How a clickability network is trained."""

import dataclasses
from typing import Annotated

from rclicks_jax import registry
from rclicks_jax.settings import checks, networks


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """How a clickability network is trained.

    Attributes:
        architecture: Kind of network: `clickability`.
        variant: Size of the network: `nano`, `tiny`, `t`, `s` or `b`.
        data: Click data: `NAME:DIR`, `folder:DIR` or `sample`; several with commas
            between.
        recipe: How the network learns: `paper` or `improved`, with changes if wanted,
            as in `paper:ema=0.999`; docs/training.md lists all switches.
        init: Where parameters start: empty for fresh ones, a model folder, or an
            ImageNet checkpoint of MSCAN (`mscan_b_*.pth`) for the encoder.
        seed: Seed of the parameters, the order of examples and their augmentation.
        size: Side of the square the examples are letterboxed to, pixels.
        sigma: Sigma of the ground-truth click maps, in pixels of a 1920x1080 image.
        batch_size: Examples in a step, over all devices of all hosts.
        epochs: Passes over the training split.
        max_click_distance: Clicks farther than this from the error region are left out,
            in click radii; negative keeps all.
        later_share: Share of the training examples that are synthetic tasks of later
            rounds, made of the first clicks' targets; 0 takes the data as it is.
        later_kinds: How their previous masks are distorted: some of `dilated`,
            `neighbour`, `shifted` and `part_lost`.
        max_side: Limit on the longest side of photographs and masks, pixels; larger
            ones are shrunk, as TETRIS is to 2048. 0 takes them as they are.
        workers: Threads that read and prepare examples.
        accumulate: Number of parts of each device's batch that pass the network one
            after the other, where memory is short. Gradients are those of the whole
            batch; batch normalisation uses the statistics of each part.
        remat: Whether the backward pass computes the features inside of the encoder's
            blocks again, and on TPUs those of the decoder, where memory is short. A
            step takes longer and learns the same, but for rounding.
        save_every: Steps between checkpoints; each epoch ends with one anyway.
    """

    architecture: Annotated[str, checks.one_of(registry.ARCHITECTURES)] = (
        networks.CLICKABILITY
    )
    variant: str = "b"
    data: str = "TETRIS"
    recipe: str = "paper"
    init: str = ""
    seed: Annotated[int, checks.SEED] = 0
    size: Annotated[int, checks.at_least(32)] = 416
    sigma: Annotated[float, checks.more_than(0)] = 5.0
    batch_size: Annotated[int, checks.at_least(1)] = 16
    epochs: Annotated[int, checks.at_least(1)] = 20
    max_click_distance: Annotated[float, checks.NUMBER] = -1.0
    later_share: Annotated[
        float, checks.Check(lambda value: 0 <= value < 1, "0 or more, and less than 1")
    ] = 0.0
    later_kinds: tuple[str, ...] = ("dilated", "neighbour", "shifted", "part_lost")
    max_side: Annotated[int, checks.at_least(0)] = 0
    workers: Annotated[int, checks.at_least(1)] = 4
    accumulate: Annotated[int, checks.at_least(1)] = 1
    remat: bool = False
    save_every: Annotated[int, checks.at_least(1)] = 500

    def __post_init__(self) -> None:
        """Refuses what no run could use."""
        checks.check(self, "--config.")


# A small network for demos and tests: a minute or two on two CPU cores.
SAMPLE_TRAINING = TrainConfig(
    variant="tiny",
    data="sample",
    recipe="paper:learning_rate=0.003:masked_loss=true",
    size=224,
    sigma=20.0,
    batch_size=8,
    epochs=5,
)
