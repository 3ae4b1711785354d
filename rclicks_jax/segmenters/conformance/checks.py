"""The checks of a segmenter. The first line of each function is the claim it checks.

Each returns its observation as text. It raises `FailedError`, `LeftOutError`, or any
error of the segmenter.
"""

from collections.abc import Sequence

import numpy as np

from rclicks_jax.bridge import answers
from rclicks_jax.segmenters.conformance import scenes
from rclicks_jax.segmenters.conformance.bench import (
    Answer,
    AnswerError,
    Bench,
    FailedError,
    LeftOutError,
    compare,
    row_of,
)
from rclicks_jax.types import Clicks

_ALL = tuple(range(scenes.TRAJECTORIES))
_ROUNDS = 3
_SQUARE = (96, 96)


def masks(bench: Bench) -> str:
    """A click gives a bool mask of the photograph's size."""
    try:
        bench.first = bench.play(bench.main, [0], 2)
    except AnswerError as error:
        if not bench.soft:
            raise
        if answers.NO_PROBABILITIES in str(error):
            raise LeftOutError("Needs probabilities.") from error
        # Perhaps the segmenter failed only because it has no probabilities.
        bench.soft = False
        bench.renew()
        bench.first = bench.play(bench.main, [0], 2)
    return ""


def probabilities(bench: Bench) -> str:
    """Probabilities are float32 within 0 and 1."""
    if not bench.soft:
        raise LeftOutError("It has masks only.")
    try:
        first = bench.first or bench.play(bench.main, [0], 2)
    except AnswerError as error:
        if answers.NO_PROBABILITIES in str(error):
            raise FailedError(str(error)) from error
        raise
    values = np.stack([np.asarray(answer.probabilities) for answer in first])
    lowest, highest = float(values.min()), float(values.max())
    summary = f"{values.dtype} from {lowest:.3g} to {highest:.3g}."
    if values.dtype != np.float32 or not (lowest >= 0 and highest <= 1):
        raise FailedError(summary)
    return summary


def deterministic(bench: Bench) -> str:
    """A new copy of the segmenter gives the same answers."""
    bench.renew()
    bench.alone[0] = bench.play(bench.main, [0], _ROUNDS)
    pairs = zip(bench.alone[0], bench.first, strict=False)
    return compare([(f"click {n}", *pair) for n, pair in enumerate(pairs, 1)])


def sessions(bench: Bench) -> str:
    """Clicks of another session do not change an answer."""
    again, other = (bench.start(bench.main, [row]) for row in (0, 1))
    pairs, bench.alone[1] = [], []
    for n, expected in enumerate(bench.alone[0], 1):
        pairs.append((f"click {n}", again.click(), expected))
        bench.alone[1].append(other.click())
    bench.alone[2] = bench.play(bench.main, [2], _ROUNDS)
    return compare(pairs)


def unused(bench: Bench) -> str:
    """Slots beyond the count of clicks are not used."""
    yx, positive, _ = bench.main.clicks.rows([0])
    count = np.ones(1, np.int32)
    others = bench.main.clicks.yx[1:2].copy()
    others[:, 0] = yx[:, 0]
    foreign = Clicks(others, np.ones_like(positive), count)
    none = Clicks(yx[:, :1], positive[:, :1], count)
    expected = bench.alone[0][0]
    return compare(
        [
            (name, bench.start(bench.main, [0]).ask(np.arange(1), given), expected)
            for name, given in (("other clicks there", foreign), ("no slots", none))
        ]
    )


def batch(bench: Bench) -> str:
    """A batch gives the answers of single trajectories at the first click."""
    bench.together = bench.play(bench.main, _ALL, _ROUNDS)
    return _compare_rows(bench, [(1, _ALL, bench.together[0])])


def states(bench: Bench) -> str:
    """So it does at later clicks: no trajectory gets the state of another."""
    later = enumerate(bench.together[1:], 2)
    return _compare_rows(bench, [(n, _ALL, answer) for n, answer in later])


def ending(bench: Bench) -> str:
    """Trajectories that end do not change the others."""
    order = (2, 0, 1)
    session = bench.start(bench.main, order)
    played = [
        (n, [order[row] for row in rows], session.click(rows))
        for n, rows in enumerate(((0, 1, 2), (1, 2), (2,)), 1)
    ]
    return _compare_rows(bench, played)


def meaning(bench: Bench) -> str:
    """Clicks are read as (y, x), and the mask is the part that was clicked.

    The IoU with three discs is reported but not judged. If a click on the main
    photograph raises, as swapped coordinates beyond its sides do, a square photograph
    is used.
    """
    if len(bench.alone) == len(_ALL):
        discs = bench.main.gt_masks
        pred_masks = [bench.alone[row][0].masks[0] for row in _ALL]
    else:
        scene = bench.scene(_SQUARE)
        discs = scene.gt_masks
        pred_masks = [bench.play(scene, [row], 1)[0].masks[0] for row in _ALL]
    overlaps = f"IoU {', '.join(f'{iou:.2f}' for iou in map(_iou, pred_masks, discs))}."
    # The first two discs change places with x and y.
    if min(_iou(pred_masks[0], discs[1]), _iou(pred_masks[1], discs[0])) > 0.5:
        raise FailedError(f"{overlaps} x and y are swapped.")
    if (
        min(_iou(~mask, disc) for mask, disc in zip(pred_masks, discs, strict=True))
        > 0.5
    ):
        raise FailedError(f"{overlaps} The mask is the part that was not clicked.")
    return overlaps


def borders(bench: Bench) -> str:
    """Corners and borders can be clicked, and the same pixel twice."""
    bench.play(scenes.at_borders(bench.main), _ALL, 4)
    return ""


def twenty(bench: Bench) -> str:
    """A trajectory can have twenty clicks."""
    bench.play(bench.main, [0], 20)
    return ""


def sizes(bench: Bench) -> str:
    """Photographs can have 31x47, 64x33 and 17x130 pixels."""
    return _looks(bench, (31, 47), (64, 33), (17, 130))


def large(bench: Bench) -> str:
    """A photograph can have 1500x2000 pixels."""
    if not bench.large:
        raise LeftOutError("Only with --large.")
    return _looks(bench, (1500, 2000))


def grey(bench: Bench) -> str:
    """A photograph can be grey."""
    return _looks(bench, (48, 64), look="grey")


def flat(bench: Bench) -> str:
    """A photograph can have a single colour."""
    return _looks(bench, (48, 64), look="flat")


def photographs(bench: Bench) -> str:
    """Other photographs do not change answers on the first."""
    expected = bench.alone[0][0]
    between = bench.play(bench.main, [0], 1)[0]
    bench.release_others()
    after = bench.play(bench.main, [0], 1)[0]
    return compare(
        [
            ("after others were encoded", between, expected),
            ("after they were released", after, expected),
        ]
    )


def replay(bench: Bench) -> str:
    """A worker that takes over gives the same answer."""
    if not bench.is_bridged:
        raise LeftOutError("It runs in this process.")
    session = bench.start(bench.main, [0])
    for _ in range(_ROUNDS - 1):
        session.click()
    bench.renew()
    return compare([("the last click", session.click(), bench.alone[0][-1])])


def _compare_rows(
    bench: Bench, played: Sequence[tuple[int, Sequence[int], Answer]]
) -> str:
    """Compares answers to batches with those of each trajectory alone.

    Args:
        bench: The bench, with the answers to each trajectory alone.
        played: Number of the click, trajectories and answer of each call.
    """
    return compare(
        [
            (
                f"trajectory {trajectory + 1} at click {n}",
                row_of(answer, row),
                bench.alone[trajectory][n - 1],
            )
            for n, order, answer in played
            for row, trajectory in enumerate(order)
        ]
    )


def _looks(bench: Bench, *shapes: tuple[int, int], look: str = "coloured") -> str:
    for shape in shapes:
        try:
            bench.play(bench.scene(shape, look), _ALL, 2)
        except Exception as error:
            raise FailedError(f"{shape[0]}x{shape[1]}: {error}") from error
    return ""


def _iou(mask: np.ndarray, other: np.ndarray) -> float:
    return float((mask & other).sum() / max(1, (mask | other).sum()))
