import dataclasses
import itertools
import time

import numpy as np
import pytest
from helpers import disk
from played_objects import play_objects, run_alone, starting_on

from rclicks_jax.benchmark import first_clicks, mistakes, questions, rollout
from rclicks_jax.benchmark.clock import Clock
from rclicks_jax.benchmark.mistakes import Wanted
from rclicks_jax.benchmark.setup import Setup
from rclicks_jax.clicks import (
    click_models,
    groups,
    map_clicks,
    strategies,
)
from rclicks_jax.metrics import interaction
from rclicks_jax.ops import bit_masks
from rclicks_jax.settings import protocols
from rclicks_jax.types import ImageExample, InstanceExample

SHAPE = (40, 52)
NO_CLICKS = np.zeros((0, 2), np.int32)


def instance(name, centre, radius=9, ignore=None):
    return InstanceExample(name, disk(SHAPE, centre, radius), ignore, NO_CLICKS, "")


IGNORED = np.zeros(SHAPE, bool)
IGNORED[:, 26:30] = True
OBJECTS = (instance("left", (20, 14)), instance("right", (22, 36), 11, IGNORED))
EXAMPLE = ImageExample("set", "photo", np.zeros((*SHAPE, 3), np.uint8), OBJECTS)


def setup(**changes):
    plain = Setup(protocols.PAPER, 0, tuple(range(1, 11)), True, 1)
    return dataclasses.replace(plain, **changes)


def played(the_setup, spec="noisy", objects=OBJECTS, model="DT"):
    start, click_model = starting_on(EXAMPLE, spec), click_models.load(model)
    return play_objects(EXAMPLE, objects, start, click_model, the_setup)


def test_every_strategy_is_played_to_the_last_click():
    for result in played(setup()):
        robot, *people = [track.strategy for track in result.trajectories]
        assert (robot, people) == ("baseline", ["group"] * 10)
        assert [t.group for t in result.trajectories] == list(range(11))
        for track in result.trajectories:
            assert len(track.clicks) == len(track.intersection) == 20
        assert result.first_map.shape == SHAPE


@pytest.mark.parametrize(
    "protocol", [protocols.PAPER, dataclasses.replace(protocols.STRICT, stop_at=90)]
)
def test_objects_played_together_or_alone_are_the_same(protocol):
    together = played(setup(protocol=protocol))
    for number, result in enumerate(OBJECTS):
        (alone,) = played(setup(protocol=protocol), objects=[result])
        assert alone.trajectories == together[number].trajectories


def test_groups_played_together_or_alone_are_the_same():
    together = played(setup())
    alone = played(setup(groups=(4,), baseline=False))
    for result, among in zip(alone, together, strict=True):
        assert result.trajectories == (among.trajectories[4],)


def test_host_and_device_draw_and_count_the_same():
    short = dataclasses.replace(protocols.PAPER, max_clicks=4)
    on_host = played(setup(protocol=short))
    on_device = played(setup(protocol=short, on_device=True))
    for ours, theirs in zip(on_host, on_device, strict=True):
        assert ours.trajectories == theirs.trajectories


def test_repeats_and_seeds_are_other_draws():
    first, *_ = played(setup(repeats=2))
    by_key = {(t.group, t.repeat): t.clicks for t in first.trajectories}
    assert by_key[5, 0] != by_key[5, 1]
    other, *_ = played(setup(seed=1))
    assert other.trajectories[5].clicks != by_key[5, 0]


def test_clicks_fall_where_something_is_wrong_and_never_twice():
    for result, target in zip(played(setup()), OBJECTS, strict=True):
        for track in result.trajectories:
            y, x, positive = track.clicks[0]
            assert positive
            assert target.gt_mask[y, x]
            assert target.ignore_mask is None or not target.ignore_mask[y, x]
            wrong = [c for c in track.clicks if c[:2] != (0, 0)]
            assert len({c[:2] for c in wrong}) == len(wrong)


def test_areas_are_those_of_the_masks():
    result = played(setup())[1]
    target = OBJECTS[1]
    counted = ~target.ignore_mask
    for track, mask in zip(result.trajectories, result.last_masks, strict=True):
        assert (
            track.intersection[-1] == (mask.unpack() & target.gt_mask & counted).sum()
        )
        assert track.union[-1] == ((mask.unpack() | target.gt_mask) & counted).sum()
        assert 0 < track.boundary_union[-1] <= track.union[-1]


def test_paper_goes_on_clicking_at_the_corner_and_strict_stops():
    for result in played(setup(), "oracle"):
        for track in result.trajectories:
            assert track.clicks[1:] == [(0, 0, False)] * 19
    strict = setup(protocol=protocols.STRICT)
    for result in played(strict, "oracle"):
        for track in result.trajectories:
            assert len(track.clicks) == 1
            assert len(track.intersection) == 20
            assert set(track.intersection) == {track.union[0]}
    for result in played(strict, "noisy"):
        assert len({len(track.clicks) for track in result.trajectories}) > 1


def test_low_groups_click_nearer_the_edge_than_high_ones():
    far = setup(
        protocol=dataclasses.replace(protocols.STRICT, max_clicks=1), repeats=20
    )
    result, _ = played(far, "stuck")
    depth = {}
    for track in result.trajectories:
        y, x, _ = track.clicks[0]
        distance = np.hypot(y - 20, x - 14)
        depth.setdefault(track.group, []).append(distance)
    assert np.mean(depth[1]) > np.mean(depth[5]) > np.mean(depth[10])


class Nothing:
    """A click model that says people click nowhere."""

    name = "nothing"

    def __call__(self, queries):
        return [np.zeros(query.gt_mask.shape, np.float32) for query in queries]


@pytest.mark.parametrize(
    ("protocol", "same"), [(protocols.PAPER, True), (protocols.STRICT, False)]
)
def test_a_map_without_mass_falls_back_as_the_protocol_says(protocol, same):
    shared = setup(protocol=protocol)
    start = starting_on(EXAMPLE, "stuck")
    result, _ = play_objects(EXAMPLE, OBJECTS, start, Nothing(), shared)
    robot, *people = [track.clicks[0] for track in result.trajectories]
    if same:
        assert set(people) == {robot}
    else:
        assert len(set(people)) > 5
        assert all(OBJECTS[0].gt_mask[y, x] for y, x, _ in people)


def test_real_clicks_are_replayed_one_by_one():
    clicks = np.argwhere(OBJECTS[0].gt_mask)[::3].astype(np.int32)
    assert len(clicks) > first_clicks._BATCH
    result = dataclasses.replace(OBJECTS[0], user_clicks_yx=clicks)
    start = starting_on(EXAMPLE, "noisy")
    photograph = first_clicks.Photograph(start, 0, setup(), Clock())
    coroutine = first_clicks.play("user", clicks, result, photograph)
    replayed, total = run_alone(coroutine)
    assert [track.group for track in replayed] == list(range(1, len(clicks) + 1))
    assert [track.clicks for track in replayed] == [
        [(int(y), int(x), True)] for y, x in clicks
    ]
    hits = sum(t.intersection[0] for t in replayed)
    assert total[result.gt_mask].sum() == hits
    ious = [interaction.iou(t.intersection[0], t.union[0]) for t in replayed]
    assert len(set(map(float, ious))) > 3


def mend_of(error_mask):
    click = strategies.NextClick(0, 0, True, bit_masks.pack(error_mask))
    return mistakes.Mend(click, bool(error_mask.any()))


def test_groups_share_their_first_map_and_have_their_own_later():
    keys = setup(groups=(1, 5, 10)).trajectory_keys()
    wrong, nothing = np.ones(SHAPE, bool), np.zeros(SHAPE, bool)
    mends = [mend_of(mask) for mask in (wrong, wrong, nothing, wrong)]
    assert rollout.places_by_map(keys, mends, is_first=True) == [[1, 3]]
    assert rollout.places_by_map(keys, mends, is_first=False) == [[1], [3]]
    assert rollout.places_by_map(keys[:1], mends[:1], is_first=True) == []


def test_a_click_is_drawn_in_the_box_of_the_wrong_region_and_never_on_a_click():
    region = np.zeros(SHAPE, bool)
    region[10:12, 20:23] = True
    query = map_clicks.Query(
        EXAMPLE.image,
        region,
        bit_masks.pack(region),
        np.array([[10, 20], [0, 0], [30, 21]], np.int32),
        np.array([1, 10], np.int32),
        np.array([5, 6], np.uint64),
        wants_map=False,
    )
    draw = map_clicks.part_to_draw_from(np.ones(SHAPE, np.float32), query, "baseline")
    top = groups.TOP_LEVEL
    assert draw.levels.tolist() == [[0, top, top], [top, top, top]]
    assert (draw.top, draw.left, draw.group_numbers.tolist()) == (10, 20, [1, 10])
    assert draw.bits is query.bits
    yx = map_clicks.positions(draw, np.array([5, 1]))
    assert yx is not None
    assert yx.tolist() == [[11, 22], [10, 21]]
    assert map_clicks.positions(draw, np.array([-1, -1])) is None


def test_a_rollout_asks_for_clicks_then_answers_then_mistakes_of_each_row():
    clock = Clock()
    short = dataclasses.replace(protocols.PAPER, max_clicks=2)
    the_setup = setup(groups=(1, 10), protocol=short)
    coroutine = rollout.rollout(EXAMPLE, OBJECTS[0], the_setup, clock)
    question = next(coroutine)
    wanted = [Wanted.CLICK, Wanted.REGION, Wanted.REGION]
    for round_index, maps in enumerate([1, 2]):
        assert isinstance(question, questions.MistakesQuestion)
        assert question.query.wanted == wanted
        assert question.query.clicked_yx.shape == (3, round_index, 2)
        question.seconds = 2.0
        found = mistakes.find(question.query)._replace(score_seconds=0.5)
        question = coroutine.send([found])
        assert isinstance(question, questions.ClickQuestion)
        assert len(question) == maps
        assert [query.wants_map for query in question.queries] == [maps == 1] * maps
        for query in question.queries:
            assert query.image is EXAMPLE.image
            assert len(query.group_numbers) == 2 // maps
            assert len(query.clicked_yx) == round_index
        question.seconds = 0.5
        yx = np.array([[20 + round_index, 14]] * (2 // maps), np.int32)
        question = coroutine.send([map_clicks.MapClicks(yx, False, None)] * maps)
        assert isinstance(question, questions.SegmenterQuestion)
        assert question.rows.tolist() == [0, 1, 2]
        assert question.clicks.count.tolist() == [round_index + 1] * 3
        newest = question.clicks.yx[:, round_index].tolist()
        assert newest[1:] == [[20 + round_index, 14]] * 2
        question.seconds = 0.25
        question = coroutine.send([np.zeros(SHAPE, bool)] * 3)
    # After the last answers, areas alone are wanted.
    assert question.query.wanted == [Wanted.NOTHING] * 3
    found = mistakes.find(question.query)
    assert found.mends == {}
    with pytest.raises(StopIteration):
        coroutine.send([found._replace(score_seconds=0.0)])
    assert clock.seconds["predict"] == 0.5
    assert clock.seconds["simulate"] > 2 * (1.5 + 0.5)
    assert clock.seconds["score"] > 2 * 0.5


def test_a_trajectory_that_ended_keeps_no_mask_of_others():
    strict = dataclasses.replace(protocols.STRICT, stop_at=90)
    for result in played(setup(protocol=strict)):
        lengths = {len(track.clicks) for track in result.trajectories}
        assert len(lengths) > 1
        for track, mask in zip(result.trajectories, result.last_masks, strict=True):
            assert len(track.clicks) == 20 or mask.bits.base is None


class Counted:
    """A click model and a segmenter that note how much they are asked at a time."""

    def __init__(self):
        self.maps, self.answered = [], []
        self.click_model = click_models.load("DT")
        self.start_session = starting_on(EXAMPLE, "oracle:after=2")

    def __call__(self, queries):
        self.maps.append(len(queries))
        return self.click_model(queries)

    def start(self, gt_masks):
        self.session = self.start_session(gt_masks)
        return self

    def predict(self, rows, clicks):
        self.answered.append(rows.tolist())
        return self.session.predict(rows, clicks)


def test_questions_of_several_objects_are_answered_in_one_call_of_each_kind():
    counted = Counted()
    strict = setup(protocol=protocols.STRICT, groups=(1, 5))
    answered = []
    both = play_objects(
        EXAMPLE, OBJECTS, counted.start, counted, strict, advance=answered.append
    )
    assert counted.maps == [2, 4]
    # Both objects are solved by click 2, and nothing is left to click.
    assert counted.answered == [list(range(6))] * 2
    assert answered == [6, 6]
    assert [len(each.trajectories) for each in both] == [3, 3]


def test_time_is_taken_by_part(monkeypatch):
    # A second passes with each look at the clock.
    ticks = itertools.count()
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(ticks)))
    clock = Clock()
    start = starting_on(EXAMPLE, "oracle")
    play_objects(EXAMPLE, OBJECTS, start, click_models.load("UD"), setup(), clock=clock)
    parts = ("predict", "simulate", "score")
    assert all(clock.seconds[part] >= protocols.PAPER.max_clicks for part in parts)
    # No second is in two parts.
    assert sum(clock.seconds.values()) < next(ticks)
