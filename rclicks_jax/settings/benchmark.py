"""What a benchmark runs."""

import dataclasses
from typing import Annotated

from rclicks_jax.settings import checks

_GROUPS = checks.numbers_once(1, 10, "numbers 1 to 10")


@dataclasses.dataclass(frozen=True)
class BenchmarkConfig:
    """What a benchmark runs.

    Attributes:
        protocol: Definitions that can change a number: `paper` as the original has
            them, or `strict`, which mends them.
        data: Photographs and objects: `NAME:DIR` of a dataset of the paper,
            `folder:DIR`, `coco:JSON,DIR` or `sample`; several with commas between.
        split: Which images are taken: `train`, `val`, `test`, `held_out` or `all`;
            every dataset must have it.
        segmenter: The segmenter under test: `NAME:key=value:...` of a name that
            `rclicks-segmenters list` shows, a file of your own `FILE.py:key=value`, or
            `bridge:adapter=FILE.py:python=ENV/bin/python`.
        click_model: Where people click: a model folder; `UD` or `DT`; `SI` or `SM` with
            a saliency model; or `toy`, a small network that is trained on the sample
            dataset on first use and says nothing about people.
        groups: Clicking groups to play, of 1 (unlikely places) to 10 (the likeliest).
        baseline: Whether the robot that clicks in the middle of the largest error is
            played.
        robots: Further robots to play, of `largest_component`, `random`, `deepgrow`.
        users: Whether real first clicks are replayed, each alone; beside them, if
            groups are played, as many first clicks sampled from the whole click map.
        trajectories: People's whole trajectories that are replayed: the folder that
            `rclicks-collect export` wrote for a study with live rounds, or its file
            trajectories.jsonl; empty for none. The data must be that of the study.
        repeats: How often each clicking group is played, with other draws.
        seed: Seed of all random draws in the run.
        objects_in_flight: Objects, of any images, that are played at a time; 0 for as
            many as keep the passes of click model and segmenter full.
        instances_per_batch: Objects of an image that the segmenter answers in one call;
            0 lets the device decide.
        click_model_batch: Maps in one network pass on each device; 0 lets the device
            decide.
        devices: Devices of each host on which the click model's network runs; 0 for
            all. Their number changes no click.
        host_processes: Processes of each host that count areas and search where robots
            click and which regions people mend, beside the run's own; 0 for none. -1
            takes none on a CPU and, where an accelerator is at hand, as many as the
            cores allow, at most 8. Their number changes no click.
        click_model_precision: Precision of the click model's network: `float32`,
            `bfloat16`, or `auto`, which is float32 on CPU and bfloat16 on accelerators.
        pictures: Images of each dataset whose photograph, masks and click maps are
            kept for the report.
        max_images: How many images of each dataset are played; 0 takes all.
        max_side: Limit on the longest side of photographs and masks, pixels; larger
            ones are shrunk, as TETRIS is to 2048. 0 takes them as they are.
        stop_at: IoU in percent at which a trajectory ends, such as 90 if only NoC@90 is
            wanted; 0 plays all clicks, which IoU-AuC and NSR need.
        shard: Part of the work as `NUMBER/COUNT`, such as `0/4` to `3/4`: this run does
            one of so many parts, beside or after others with the same folder; empty
            for all.
        max_failed: Share of failed objects above which the exit status is not 0.
    """

    protocol: str = "paper"
    data: str = "sample"
    split: str = "all"
    segmenter: str = "random_walker"
    click_model: str = ""
    groups: Annotated[tuple[int, ...], _GROUPS] = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
    baseline: bool = True
    robots: tuple[str, ...] = ()
    users: bool = False
    trajectories: str = ""
    repeats: Annotated[int, checks.at_least(1)] = 1
    seed: Annotated[int, checks.SEED] = 0
    objects_in_flight: Annotated[int, checks.at_least(0)] = 0
    instances_per_batch: Annotated[int, checks.at_least(0)] = 0
    click_model_batch: Annotated[int, checks.at_least(0)] = 0
    devices: Annotated[int, checks.at_least(0)] = 0
    host_processes: Annotated[int, checks.at_least(-1)] = -1
    click_model_precision: Annotated[str, checks.PRECISION] = "auto"
    pictures: Annotated[int, checks.at_least(0)] = 8
    max_images: Annotated[int, checks.at_least(0)] = 0
    max_side: Annotated[int, checks.at_least(0)] = 0
    stop_at: Annotated[int, checks.within(0, 100)] = 0
    shard: Annotated[str, checks.SHARD] = ""
    max_failed: Annotated[float, checks.within(0, 1)] = 0.01

    def __post_init__(self) -> None:
        """Refuses what no run could use."""
        checks.check(self, "--config.")
