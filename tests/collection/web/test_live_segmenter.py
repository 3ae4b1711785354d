"""The process of a live segmenter: it answers, hangs, dies, fails, and ends."""

import asyncio
import pathlib
import sys
import time

import cv2
import numpy as np
import pytest
from collect_events import PC
from collect_studies import Clock

from rclicks_jax import errors
from rclicks_jax.collection import messages
from rclicks_jax.collection.service.answers import LivePhotograph, LiveTurn
from rclicks_jax.collection.service.desk import Refusal
from rclicks_jax.collection.web import live_segmenter

STAND_IN = pathlib.Path(__file__).parents[2] / "programs" / "live_stand_in.py"


class Play:
    """An answerer before a stand-in, and people who click."""

    def __init__(self, folder, monkeypatch):
        self.folder = folder
        self.clock = Clock()
        monkeypatch.setattr(
            live_segmenter, "COMMAND", (sys.executable, "-P", str(STAND_IN))
        )
        cv2.imwrite(str(folder / "gt.png"), np.full((8, 10), 255, np.uint8))
        self.made: list[live_segmenter.Answerer] = []
        self.acts = 0

    def open(self, seats=2, timeout_s=120.0):
        made = live_segmenter.Answerer(str(self.folder), seats, timeout_s, self.clock)
        self.made.append(made)
        return made

    def trouble(self, *lines):
        (self.folder / "troubles").write_text("\n".join(lines))

    def log(self):
        return (self.folder / "log").read_text().splitlines()

    def photograph(self, name):
        path = self.folder / "gt.png"
        return LivePhotograph(name, path, path, 8, 10)

    def turn(self, name, *clicks):
        self.acts += 1
        event = messages.LiveEvent(
            client_id=f"{self.acts:022}", assignment="a" * 22, token="t" * 22,
            number=0, act="click", t=0.0, shown_t=0.0, pointer="mouse",
            rect=(0.0, 0.0, 1.0, 1.0), device=PC,
        )  # fmt: skip
        yx = np.array(clicks, np.int32).reshape(-1, 2)
        return LiveTurn(
            event, self.photograph(name), yx, np.ones(len(yx), bool), False, None
        )


@pytest.fixture
def play(tmp_path, monkeypatch):
    played = Play(tmp_path, monkeypatch)
    yield played
    for made in played.made:
        made.close()


def clicked(mask):
    return [tuple(place) for place in np.argwhere(mask).tolist()]


def answers(answerer, *turns):
    async def ask():
        return [clicked((await answerer.ask(turn))[0]) for turn in turns]

    return asyncio.run(ask())


def test_a_photograph_is_encoded_once_and_has_all_clicks(play):
    made = play.open()
    one = play.turn("a", (1, 1))
    both = play.turn("a", (1, 1), (2, 5))
    assert answers(made, one, both) == [[(1, 1)], [(1, 1), (2, 5)]]
    assert play.log() == ["load", "encode a", "predict a 1", "predict a 2"]


def test_a_photograph_is_encoded_before_its_first_click(play):
    made = play.open()

    async def give():
        made.prepare(play.photograph("a"))
        await made.ask(play.turn("a", (1, 1)))

    asyncio.run(give())
    assert play.log() == ["load", "encode a", "predict a 1"]


def test_the_photograph_of_longest_ago_makes_room(play):
    made = play.open(seats=2)
    a, b, c = (play.turn(name, (1, 1)) for name in "abc")
    again = play.turn("a", (1, 1), (2, 2))
    assert answers(made, a, b, c, again)[-1] == [(1, 1), (2, 2)]
    assert play.log()[5:] == [
        "release a", "encode c", "predict c 1",
        "release b", "encode a", "predict a 2",
    ]  # fmt: skip


@pytest.mark.parametrize("action", ["encode", "predict"])
def test_a_process_that_dies_is_replaced_and_gets_all_clicks_again(play, action):
    made = play.open()
    answers(made, play.turn("a", (1, 1)), play.turn("b", (3, 3)))
    play.trouble(f"{action} die")
    name = "a" if action == "predict" else "c"
    assert answers(made, play.turn(name, (1, 1), (2, 2))) == [[(1, 1), (2, 2)]]
    assert answers(made, play.turn("b", (3, 3), (4, 4))) == [[(3, 3), (4, 4)]]
    log = play.log()
    assert log.count("load") == 2
    assert log.count("encode b") == 2


@pytest.mark.long
def test_a_process_that_hangs_is_replaced(play):
    made = play.open(timeout_s=15.0)
    made.warm_up()
    play.trouble("predict 600")
    assert answers(made, play.turn("a", (1, 1))) == [[(1, 1)]]
    assert play.log().count("load") == 2


def test_an_error_is_tried_again_in_the_same_process(play):
    made = play.open()
    play.trouble("predict raise")
    assert answers(made, play.turn("a", (1, 1))) == [[(1, 1)]]
    assert play.log() == [
        "load", "encode a", "predict a 1", "encode a", "predict a 1"
    ]  # fmt: skip


@pytest.mark.parametrize("trouble", ["die", "raise"])
def test_who_asks_in_vain_twice_is_told_and_the_next_is_answered(play, trouble):
    made = play.open()
    play.trouble(*[f"predict {trouble}"] * 2)
    with pytest.raises(Refusal) as refused:
        answers(made, play.turn("a", (1, 1)))
    assert refused.value.status == 409
    assert refused.value.problem.problem == "segmenter"
    assert not refused.value.problem.retry
    assert answers(made, play.turn("b", (2, 2))) == [[(2, 2)]]
    assert not made.rests


def test_a_segmenter_that_fails_always_rests(play):
    made = play.open()
    play.trouble(*["predict raise"] * 6)
    for name in "abc":
        assert not made.rests
        with pytest.raises(Refusal):
            answers(made, play.turn(name, (1, 1)))
    assert made.rests
    play.clock.wait(61)
    assert not made.rests
    answers(made, play.turn("d", (1, 1)))
    play.clock.wait(-1)
    assert not made.rests


def test_an_act_that_comes_again_is_asked_once(play):
    made = play.open()
    play.trouble("predict 0.3")
    turn = play.turn("a", (1, 1))

    async def twice():
        return await asyncio.gather(made.ask(turn), made.ask(turn))

    one, other = asyncio.run(twice())
    assert one[0] is other[0]
    assert play.log().count("predict a 1") == 1


def test_the_wait_is_counted_as_the_machine_s(play):
    made = play.open()
    made.warm_up()
    play.trouble("encode 0.3")
    _, milliseconds = asyncio.run(made.ask(play.turn("a", (1, 1))))
    assert milliseconds >= 300


def test_a_segmenter_that_cannot_be_loaded_says_so(play):
    play.trouble("load raise")
    with pytest.raises(errors.SegmenterError, match="told to fail"):
        play.open().warm_up()


def test_the_end_waits_for_no_answer_and_leaves_no_process(play):
    made = play.open()
    made.warm_up()
    assert made._worker is not None
    keeper = made._worker._started().process
    play.trouble("predict 600")

    async def end():
        asked = asyncio.create_task(made.ask(play.turn("a", (1, 1))))
        while "predict a 1" not in play.log():
            await asyncio.sleep(0.02)
        made.abort()
        with pytest.raises(Refusal) as refused:
            await asked
        assert refused.value.problem.retry

    begun = time.monotonic()
    asyncio.run(end())
    made.close()
    assert time.monotonic() - begun < 60
    assert keeper.poll() is not None
