"""The trajectories on one object while they are played: arrays with a row for each."""

import dataclasses
from collections.abc import Collection, Sequence

import numpy as np

from rclicks_jax.benchmark.mistakes import Wanted
from rclicks_jax.benchmark.setup import Setup, TrajectoryKey
from rclicks_jax.clicks import sampling, strategies
from rclicks_jax.metrics import interaction
from rclicks_jax.ops import bit_masks
from rclicks_jax.ops.bit_masks import BitMask
from rclicks_jax.types import Clicks, Trajectory

# Rounds whose masks are kept for pictures: as many as a PNG of three bytes has bits.
SEEN_ROUNDS = 24
# Further robots click by themselves.
_WANTED = {strategies.BASELINE: Wanted.CLICK, strategies.GROUP: Wanted.REGION}


@dataclasses.dataclass(frozen=True)
class LiveTrajectories:
    """What is known of the trajectories on one object so far.

    One rollout owns it. Its arrays change in `add_clicks` and `add_answers` alone:
    copies of masks at every click would take longer than what is done with them.

    Attributes:
        keys: Strategy, group and repeat of each.
        wanted: What is wanted of its predictions besides their areas.
        bits: Random bits of each click, `u64[t k]`; 0 where nothing is drawn.
        clicks: All clicks so far.
        areas: Intersection and union, of masks and of boundary bands, after each click,
            `i64[t k 4]`.
        pred_masks: Last answer of the segmenter to each.
        rounds: Its answers to each click of the rows that are watched.
    """

    keys: tuple[TrajectoryKey, ...]
    wanted: tuple[Wanted, ...]
    bits: np.ndarray
    clicks: Clicks
    areas: np.ndarray
    pred_masks: list[BitMask]
    rounds: dict[int, list[BitMask]]


def start(
    name: str,
    shape: tuple[int, int],
    setup: Setup,
    watched: Collection[tuple[str, int]] = (),
) -> LiveTrajectories:
    """Returns the trajectories on an object before their first click.

    Args:
        name: Dataset and instance, separated by a slash; names the random draws.
        shape: Height and width of the photograph.
        setup: Setup of the run.
        watched: Strategies and groups whose masks of all rounds are kept, of the first
            repeat.
    """
    keys = tuple(setup.trajectory_keys())
    rows, most = len(keys), setup.protocol.max_clicks
    return LiveTrajectories(
        keys=keys,
        wanted=tuple(_WANTED.get(key.strategy, Wanted.NOTHING) for key in keys),
        bits=random_bits(name, keys, setup.seed, most),
        clicks=Clicks(
            yx=np.zeros((rows, most, 2), np.int32),
            positive=np.zeros((rows, most), bool),
            count=np.zeros(rows, np.int32),
        ),
        areas=np.zeros((rows, most, 4), np.int64),
        pred_masks=[bit_masks.empty(shape)] * rows,
        rounds={
            row: []
            for row, (strategy, group, repeat) in enumerate(keys)
            if (strategy, group) in watched and repeat == 0
        },
    )


def random_bits(
    name: str, keys: Sequence[TrajectoryKey], seed: int, clicks: int
) -> np.ndarray:
    """Returns the random bits of each click of each trajectory, `u64[t k]`.

    Args:
        name: Dataset and instance, separated by a slash.
        keys: The trajectories; the baseline draws nothing and gets zeros.
        seed: Seed of the run.
        clicks: Clicks that a trajectory may have.
    """
    bits = np.zeros((len(keys), clicks), np.uint64)
    streams = {
        row: key.group
        if key.strategy == strategies.GROUP
        else strategies.ROBOTS[key.strategy].stream
        for row, key in enumerate(keys)
        if key.strategy != strategies.BASELINE
    }
    for repeat in sorted({keys[row].repeat for row in streams}):
        rows = [row for row in streams if keys[row].repeat == repeat]
        drawn = np.array([streams[row] for row in rows], np.int32)
        bits[rows] = sampling.random_bits(seed, name, drawn, repeat, clicks)
    return bits


def clicked_yx(live: LiveTrajectories, row: int) -> np.ndarray:
    """Returns the pixels that a trajectory has clicked so far, `i32[k 2]`."""
    return live.clicks.yx[row, : live.clicks.count[row]]


def add_clicks(
    live: LiveTrajectories, rows: np.ndarray, clicks: Sequence[strategies.NextClick]
) -> None:
    """Appends a click to some trajectories.

    Args:
        live: The trajectories, which are changed.
        rows: The rows that click, `i32[r]`.
        clicks: A click for each of them.
    """
    newest = np.array([click[:3] for click in clicks], np.int32)
    slots = live.clicks.count[rows]
    live.clicks.yx[rows, slots] = newest[:, :2]
    live.clicks.positive[rows, slots] = newest[:, 2]
    live.clicks.count[rows] += 1


def add_answers(
    live: LiveTrajectories, rows: np.ndarray, pred_bits: np.ndarray, areas: np.ndarray
) -> None:
    """Takes the segmenter's answers to the newest clicks of some trajectories.

    Args:
        live: The trajectories, which are changed.
        rows: The rows that were answered, `i32[r]`.
        pred_bits: Bits of the answers, `u64[r H W/64]`.
        areas: Intersection and union, of masks and of boundary bands, `i64[r 4]`.
    """
    slots = live.clicks.count[rows] - 1
    live.areas[rows, slots] = areas
    shape = live.pred_masks[0].shape
    numbers: list[int] = rows.tolist()
    for row, slot, bits in zip(numbers, slots.tolist(), pred_bits, strict=True):
        live.pred_masks[row] = BitMask(bits, shape)
        if row in live.rounds and slot < SEEN_ROUNDS:
            live.rounds[row].append(_copied(live.pred_masks[row]))


def left(live: LiveTrajectories, rows: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Returns the rows that go on; the last masks of the others stay.

    Args:
        live: The trajectories, which are changed.
        rows: Some of them, `i32[r]`.
        kept: Whether each goes on, `bool[r]`.
    """
    ended: list[int] = rows[~kept].tolist()
    for row in ended:
        live.pred_masks[row] = _copied(live.pred_masks[row])
    return rows[kept]


def _copied(mask: BitMask) -> BitMask:
    """Returns a mask that does not keep those of its whole round in memory."""
    return mask._replace(bits=mask.bits.copy())


def unsolved(live: LiveTrajectories, rows: np.ndarray, stop_at: int) -> np.ndarray:
    """Returns the rows that have not reached an IoU after their newest click.

    Args:
        live: The trajectories, which are changed.
        rows: Some of them, `i32[r]`.
        stop_at: IoU in percent; 0 returns all rows.
    """
    if not stop_at:
        return rows
    newest = live.areas[rows, live.clicks.count[rows] - 1]
    reached = interaction.reached(newest[:, 0], newest[:, 1], stop_at)
    return left(live, rows, ~reached)


def seen_rounds(live: LiveTrajectories) -> dict[int, np.ndarray]:
    """Returns the masks of all rounds of the rows that are watched, `u32[h w]` each.

    Bit `k` says whether a pixel is in the mask after click `k + 1`.
    """
    return {row: _numbered(masks) for row, masks in live.rounds.items()}


def _numbered(masks: Sequence[BitMask]) -> np.ndarray:
    bits = np.zeros((*masks[0].shape, 4), np.uint8)
    for first in range(0, len(masks), 8):
        eight = np.zeros(masks[0].shape, np.uint8)
        for shift, mask in enumerate(masks[first : first + 8]):
            eight |= mask.unpack().view(np.uint8) << shift
        bits[..., first // 8] = eight
    return bits.view("<u4")[..., 0]


def to_records(live: LiveTrajectories) -> tuple[Trajectory, ...]:
    """Returns what is recorded; where a trajectory ended early, its last areas repeat.

    Args:
        live: Trajectories with at least one click each.
    """
    assert live.clicks.count.all(), (
        "the first click is always made: a target has pixels"
    )
    recorded: list[Trajectory] = []
    for row, key in enumerate(live.keys):
        count = int(live.clicks.count[row])
        yx = live.clicks.yx[row, :count].tolist()
        positive = live.clicks.positive[row, :count].tolist()
        areas = live.areas[row].copy()
        areas[count:] = areas[count - 1]
        clicks = [(y, x, sign) for (y, x), sign in zip(yx, positive, strict=True)]
        recorded.append(Trajectory(*key, clicks, *areas.T.tolist()))
    return tuple(recorded)
