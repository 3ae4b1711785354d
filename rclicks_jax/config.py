"""Every setting and its default, once."""

import dataclasses
from collections.abc import Mapping
from typing import Literal, TypeVar

from rclicks_jax import errors

# The way to and from a `ConfigDict` is used with every setting.
from rclicks_jax.config_dicts import from_config_dict as from_config_dict
from rclicks_jax.config_dicts import to_config_dict as to_config_dict

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Protocol:
    """Switches that can change a number. `docs/deviations.md` explains each.

    Attributes:
        name: What tables and records call it.
        max_clicks: Clicks a trajectory may have.
        group_cut: `value`: groups are cut at click-map values, both ends inclusive, so
            ties sit in two groups (the original); `mass`: by exact tenths of the mass
            in order of (value, pixel).
        empty_map: Where the click falls if the map has no mass in the error region: at
            the `baseline` click (the original) or `uniform` in the region.
        clicks_after_perfect: Whether a click is still made when nothing is left to
            mend. The original puts a negative one at (0, 0).
        nof_counts_last_click: Whether an object solved exactly at the last click counts
            as failed (the original).
        drop_mask_prompt: Whether SAM-like adapters lose their mask prompt at click 2
            after a negative click.
        mask_evaluated_maps: Whether click-model evaluation masks maps to the error
            region.
        nss_epsilon: Added to the deviation that NSS divides by, of a map that sums to
            one (the original's 1e-9).
        stop_at: IoU in percent at which a trajectory ends, when only NoC up to there is
            wanted; 0 plays all clicks.
    """

    name: str
    max_clicks: int = 20
    group_cut: Literal["value", "mass"] = "value"
    empty_map: Literal["baseline", "uniform"] = "baseline"
    clicks_after_perfect: bool = True
    nof_counts_last_click: bool = True
    drop_mask_prompt: bool = True
    mask_evaluated_maps: bool = False
    nss_epsilon: float = 1e-9
    stop_at: int = 0


PAPER = Protocol(name="paper")
STRICT = Protocol(
    name="strict",
    group_cut="mass",
    empty_map="uniform",
    clicks_after_perfect=False,
    nof_counts_last_click=False,
    drop_mask_prompt=False,
    mask_evaluated_maps=True,
    nss_epsilon=0.0,
)
PROTOCOLS = {"paper": PAPER, "strict": STRICT}


def protocol(name: str) -> Protocol:
    """Returns the protocol called `name`; raises `UnknownNameError`."""
    if name not in PROTOCOLS:
        raise errors.UnknownNameError("protocol", name, PROTOCOLS)
    return PROTOCOLS[name]


@dataclasses.dataclass(frozen=True)
class NetworkConfig:
    """Widths and depths of the clickability network.

    Attributes:
        variant: Name of the size.
        embed_dims: Channels of the four stages.
        depths: Blocks of the four stages.
        mlp_ratios: Widening of the feed-forward part, by stage.
        ham_channels: Channels of the decoder; a multiple of `norm_groups`.
        ham_bases: Rank of the matrix decomposition.
        ham_train_steps: Multiplicative updates in training.
        ham_eval_steps: Multiplicative updates otherwise.
        norm_groups: Groups of the decoder's group normalisation.
        drop_path: Rate of stochastic depth in the last block; it grows linearly from 0.
        dropout: Rate before the last layer.
    """

    variant: str
    embed_dims: tuple[int, ...]
    depths: tuple[int, ...]
    ham_channels: int
    mlp_ratios: tuple[int, ...] = (8, 8, 4, 4)
    ham_bases: int = 16
    ham_train_steps: int = 6
    ham_eval_steps: int = 7
    norm_groups: int = 32
    drop_path: float = 0.1
    dropout: float = 0.1


NETWORKS = {
    "b": NetworkConfig("b", (64, 128, 320, 512), (3, 3, 12, 3), 512),
    "s": NetworkConfig("s", (64, 128, 320, 512), (2, 2, 4, 2), 256),
    "t": NetworkConfig("t", (32, 64, 160, 256), (3, 3, 5, 2), 256),
    "tiny": NetworkConfig(
        "tiny", (16, 32, 48, 64), (1, 1, 2, 1), 64, mlp_ratios=(4, 4, 4, 4)
    ),
    "nano": NetworkConfig(
        "nano", (4, 8, 8, 16), (1, 1, 1, 1), 32, mlp_ratios=(2, 2, 2, 2), ham_bases=4
    ),
}


def network(variant: str) -> NetworkConfig:
    """Returns the network called `variant`; raises `UnknownNameError`."""
    if variant not in NETWORKS:
        raise errors.UnknownNameError("network variant", variant, NETWORKS)
    return NETWORKS[variant]


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """How a clickability network is trained.

    Attributes:
        variant: Size of the network, a key of `NETWORKS`.
        data: Click data, as `--data` takes it.
        recipe: `paper` or `improved`, with changes if wanted: `paper:ema=0.999`;
            `training.recipes` has all switches.
        init: Where parameters start: empty for fresh ones, a model folder, or an
            ImageNet checkpoint of MSCAN (`mscan_b_*.pth`) for the encoder.
        seed: Of parameters, order and augmentation.
        size: Side of the square the examples are letterboxed to, pixels.
        sigma: Of the ground-truth click maps, in units of a 1920x1080 image.
        batch_size: Examples of a step over all devices of all hosts.
        epochs: Passes over the training split.
        max_click_distance: Clicks farther than this from the error region are left out,
            in click radii; negative keeps all.
        later_share: Share of the training examples that are synthetic tasks of later
            rounds, made of the first clicks' targets; 0 takes the data as it is.
        later_kinds: Their distortions, keys of `data.distortions.KINDS`.
        workers: Threads that read and prepare examples.
        save_every: Steps between checkpoints; each epoch ends with one anyway.
    """

    variant: str = "b"
    data: str = "TETRIS"
    recipe: str = "paper"
    init: str = ""
    seed: int = 0
    size: int = 416
    sigma: float = 5.0
    batch_size: int = 16
    epochs: int = 20
    max_click_distance: float = -1.0
    later_share: float = 0.0
    later_kinds: tuple[str, ...] = ("dilated", "neighbour", "shifted", "part_lost")
    workers: int = 4
    save_every: int = 500


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


@dataclasses.dataclass(frozen=True)
class BenchmarkConfig:
    """What a benchmark runs.

    Attributes:
        protocol: A key of `PROTOCOLS`.
        data: Instance data, as `--data` takes it.
        split: `all`, or a split that every dataset has: `train`, `val`, `test`.
        segmenter: `name:key=value:...` from the catalogue.
        click_model: A spec of `clicks.click_models`; or `sample` for a small one
            trained on the sample dataset.
        groups: Clicking groups to play, of 1..10.
        baseline: Whether the baseline strategy is played.
        robots: Further robots to play, keys of `clicks.strategies.ROBOTS`:
            `largest_component`, `random`, `deepgrow`.
        users: Whether real first clicks are replayed, each alone; beside them, if
            groups are played, as many first clicks sampled from the whole click map.
        repeats: Draws for each group.
        seed: Of every draw.
        instances_per_batch: Objects of an image that advance together; 0 lets the
            device decide.
        click_model_batch: Maps in one network pass; 0 lets the device decide.
        click_model_precision: Of the network: `float32`, `bfloat16`, or `auto`, which
            is float32 on CPU and bfloat16 on accelerators.
        pictures: Images of each dataset whose photograph, masks and click maps are
            kept for the report.
        max_images: Images of each dataset; 0 takes all.
        stop_at: IoU in percent at which a trajectory ends, such as 90 if only NoC@90 is
            wanted; 0 plays all clicks, which IoU-AuC and NSR need.
        max_failed: Share of failed instances above which the exit status is not 0.
    """

    protocol: str = "paper"
    data: str = "sample"
    split: str = "all"
    segmenter: str = "random_walker"
    click_model: str = ""
    groups: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
    baseline: bool = True
    robots: tuple[str, ...] = ()
    users: bool = False
    repeats: int = 1
    seed: int = 0
    instances_per_batch: int = 0
    click_model_batch: int = 0
    click_model_precision: str = "auto"
    pictures: int = 8
    max_images: int = 0
    stop_at: int = 0
    max_failed: float = 0.01


@dataclasses.dataclass(frozen=True)
class EvaluateConfig:
    """How click models are compared with people.

    Attributes:
        protocol: A key of `PROTOCOLS`.
        data: Click data, as `--data` takes it.
        click_models: What to compare: specs of `clicks.click_models`, or `sample`.
        split: `train`, `val`, `all`, or `held_out`: `val` or, in a dataset without, all
            that is not for training.
        draws: Sets of clicks drawn from each map.
        seed: Of every draw.
        precision: Of networks; see `BenchmarkConfig.click_model_precision`.
        processes: That measure maps, on each host; 0 for as many as there are cores, 1
            for none beside this one.
        shard: `NUMBER/COUNT`, such as `0/4` to `3/4`: this run does one of so many
            parts, beside or after others with the same workdir; empty for all.
        max_failed: Share of failed tasks above which the exit status is not 0.
    """

    protocol: str = "paper"
    data: str = "sample"
    click_models: tuple[str, ...] = ("UD", "DT")
    split: str = "held_out"
    draws: int = 100
    seed: int = 0
    precision: str = "auto"
    processes: int = 0
    shard: str = ""
    max_failed: float = 0.01


@dataclasses.dataclass(frozen=True)
class ClickMapsConfig:
    """Which click maps are written.

    Attributes:
        model: A click model: a spec of `clicks.click_models`, or `sample`.
        data: Objects, as `--data` takes them.
        split: `all`, or a split that every dataset has.
        tasks: Whether the objects are click tasks, with what was segmented before,
            instead of targets at their first click.
        samples: Clicks drawn for each group.
        groups: Clicking groups of 1..10 to draw from; 0 is the whole map.
        drawings: Whether pictures are drawn.
        protocol: A key of `PROTOCOLS`.
        seed: Of every draw.
        precision: Of the network; see `BenchmarkConfig.click_model_precision`.
        batch: Maps in one network pass; 0 lets the device decide.
        max_images: Images of each dataset; 0 takes all.
        max_failed: Share of failed objects above which the exit status is not 0.
    """

    model: str = ""
    data: str = ""
    split: str = "all"
    tasks: bool = False
    samples: int = 20
    groups: tuple[int, ...] = (0,)
    drawings: bool = True
    protocol: str = "paper"
    seed: int = 0
    precision: str = "auto"
    batch: int = 0
    max_images: int = 0
    max_failed: float = 0.01


def variant(kind: str, variants: Mapping[str, T], name: str) -> T:
    """Returns one of several named settings; raises `UnknownNameError`."""
    if name not in variants:
        raise errors.UnknownNameError(f"variant of the {kind}", name, variants)
    return variants[name]
