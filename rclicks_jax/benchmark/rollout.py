"""Twenty rounds of clicks on the objects of one photograph, all strategies together.

A round: what is wrong in each trajectory; where the robot would click; for group
trajectories a click map of the wrong region, and a click drawn from it; the segmenter's
answers to the newest clicks; areas for IoU. The first round's map is the same for all
groups and is made once.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rclicks_jax.benchmark import tracks
from rclicks_jax.benchmark.tracks import Clock, Setup, Track
from rclicks_jax.clicks import (
    click_models,
    error_masks,
    groups,
    sampling,
    strategies,
)
from rclicks_jax.ops import masks
from rclicks_jax.segmenters import base
from rclicks_jax.types import (
    ClickQuery,
    ImageExample,
    InstanceExample,
    Trajectory,
)


@dataclasses.dataclass(frozen=True)
class Played:
    """What a rollout gives of one object.

    Attributes:
        trajectories: In the order of `Setup.strategies`.
        first_map: Click map of the first round, `f32[h w]`; None if no group played.
        last_masks: Last mask of each trajectory, in the same order.
        rounds: Masks of all rounds of those that were watched, by their number in that
            order, `u32[h w]`; see `tracks.Track.rounds`.
        blank: Whether there were click maps and all of them were zero everywhere, so
            that no click is people's.
    """

    trajectories: tuple[Trajectory, ...]
    first_map: np.ndarray | None
    last_masks: list[np.ndarray]
    rounds: dict[int, np.ndarray]
    blank: bool = False


def play(
    example: ImageExample,
    instances: Sequence[InstanceExample],
    segmenter: base.Segmenter,
    features: Any,
    click_model: click_models.ClickModel | None,
    setup: Setup,
    clock: Clock,
    watched: Sequence[tuple[str, int]] = (),
    advance: Callable[[int], None] = lambda clicks: None,
) -> list[Played]:
    """Plays every strategy on some objects of a photograph.

    Args:
        example: The photograph.
        instances: Some of its objects; they advance together.
        segmenter: What answers.
        features: What it made of the photograph.
        click_model: Where people click; may be None if no group is played.
        setup: Of the run.
        clock: Takes the time.
        watched: Strategies and groups whose masks of all rounds are kept.
        advance: Told after each round how many clicks were answered.

    Raises:
        SegmenterError: The segmenter failed.
        DataError: The click model gave something else than click maps.
    """
    protocol = setup.protocol
    started = tracks.start(example, instances, setup)
    for track in started:
        if (track.strategy, track.group) in watched and not track.repeat:
            track.rounds = np.zeros(example.image.shape[:2], np.uint32)
    session = segmenter.start(features, [t.target.instance.gt_mask for t in started])
    first_maps: dict[int, np.ndarray] = {}
    blank: dict[int, bool] = {}
    active = list(range(len(started)))
    for round_index in range(protocol.max_clicks):
        with clock.measure("simulate"):
            robot = {row: _robot_click(started[row], round_index) for row in active}
            if not protocol.clicks_after_perfect:
                active = [row for row in active if robot[row].error_mask.any()]
            if not active:
                break
            playing = [started[row] for row in active]
            nexts = [robot[row] for row in active]
            maps = _people_click(
                example.image, playing, nexts, click_model, setup, blank
            )
            first_maps = first_maps or maps
            for track, click in zip(playing, nexts, strict=True):
                track.add_click(click.y, click.x, click.positive)
        with clock.measure("predict"):
            clicks = tracks.clicks_of(playing, protocol.max_clicks)
            answers = session.predict(np.array(active), clicks)
        with clock.measure("score"):
            tracks.score(playing, answers)
        advance(len(active))
        active = [row for row in active if not started[row].solved(protocol.stop_at)]
        if not active:
            break
    each = len(setup.strategies())
    return [
        Played(
            tuple(track.finished(protocol.max_clicks) for track in of_one),
            first_maps.get(id(of_one[0].target)),
            [track.pred_mask for track in of_one],
            {
                number: track.rounds
                for number, track in enumerate(of_one)
                if track.rounds is not None
            },
            blank.get(id(of_one[0].target), False),
        )
        for of_one in (started[i : i + each] for i in range(0, len(started), each))
    ]


def _robot_click(track: Track, round_index: int) -> strategies.NextClick:
    """Returns the click of a robot; of people, what the baseline would click."""
    instance = track.target.instance
    wrong = error_masks.find(instance.gt_mask, track.pred_mask, instance.ignore_mask)
    robot = strategies.ROBOTS.get(track.strategy)
    if robot is None:
        return strategies.baseline_click(wrong, track.not_clicked)
    return robot.click(wrong, track.not_clicked, int(track.bits[round_index]))


def _people_click(
    image: np.ndarray,
    playing: Sequence[Track],
    nexts: list[strategies.NextClick],
    click_model: click_models.ClickModel | None,
    setup: Setup,
    blank: dict[int, bool],
) -> dict[int, np.ndarray]:
    """Moves the clicks of group trajectories to where a click map puts them.

    Changes `nexts` in place, and `blank`, which tells by `id` of the target whether all
    its maps so far were zero everywhere. A click stays where the robot puts it if the
    map has no mass in the wrong region.

    Returns:
        The maps of the first round by `id` of the target; empty in later rounds.
    """
    asked: dict[tuple[int, int], list[int]] = {}
    for row, (track, click) in enumerate(zip(playing, nexts, strict=True)):
        if track.strategy == strategies.GROUP and click.error_mask.any():
            # Before the first click nothing tells the groups of an object apart.
            apart = row if track.clicks else -1
            asked.setdefault((id(track.target), apart), []).append(row)
    if not asked:
        return {}
    assert click_model is not None
    maps = click_models.maps_of(
        click_model,
        [
            ClickQuery(
                image, playing[row].target.instance.gt_mask, nexts[row].error_mask
            )
            for row, *_ in asked.values()
        ],
    )
    for (target, _), click_map in zip(asked, maps, strict=True):
        blank[target] = blank.get(target, True) and click_models.is_blank(click_map)
    draws, corners = [], []
    for click_map, rows in zip(maps, asked.values(), strict=True):
        # Outside the box of the region nothing can be drawn.
        box = masks.bounding_box(nexts[rows[0]].error_mask)
        assert box is not None
        inside = np.s_[box[0] : box[1], box[2] : box[3]]
        draws.append(_draw_of(click_map, inside, rows, playing, nexts, setup))
        corners.append((box[0], box[2]))
    cut = setup.protocol.group_cut
    drawn = sampling.draw_all(draws, cut=cut, on_device=setup.on_device)
    for rows, draw, (top, left), pixels in zip(
        asked.values(), draws, corners, drawn, strict=True
    ):
        for row, pixel in zip(rows, pixels.tolist(), strict=True):
            if pixel >= 0:
                y, x = divmod(pixel, draw.levels.shape[1])
                nexts[row] = nexts[row]._replace(y=top + y, x=left + x)
    return {
        target: click_map
        for (target, apart), click_map in zip(asked, maps, strict=True)
        if apart == -1
    }


def _draw_of(
    click_map: np.ndarray,
    inside: tuple[slice, slice],
    rows: Sequence[int],
    playing: Sequence[Track],
    nexts: Sequence[strategies.NextClick],
    setup: Setup,
) -> sampling.Draw:
    """Says what is drawn from a part of a map, for trajectories that share it."""
    first, track = nexts[rows[0]], playing[rows[0]]
    region = first.error_mask[inside] & track.not_clicked[inside]
    empty_map = setup.protocol.empty_map
    levels = groups.drawable(click_map[inside], region, empty_map=empty_map)
    of_map = [playing[row] for row in rows]
    return sampling.Draw(
        levels,
        np.array([track.group for track in of_map], np.int32),
        np.array([track.bits[len(track.clicks)] for track in of_map], np.uint64),
    )
