"""Coroutines of which a scheduler runs many, and the batches that answer them."""

import itertools
import random
import threading
import time

import pytest

from rclicks_jax.jobs import meter, scheduler
from rclicks_jax.jobs.scheduler import Answerer, Child, Children, Limits, Question

PLENTY = 1 << 40


def rounds(number, count, items, *, kind="double", to="doubler"):
    """Asks `count` times about `items` numbers; returns all answers."""
    answers = []
    for index in range(count):
        asked = [1000 * number + 10 * index + item for item in range(items)]
        answers.append((yield Question(to, asked, kind)))
    return number, answers


def expected(number, count, items):
    return number, [
        [2 * (1000 * number + 10 * index + item) for item in range(items)]
        for index in range(count)
    ]


class Doubler:
    """Doubles numbers; notes how many it was given at a time."""

    def __init__(self, seconds=0.0, bad=()):
        self.batches, self._seconds, self._bad = [], seconds, bad

    def __call__(self, items):
        self.batches.append(len(items))
        time.sleep(self._seconds)
        if {*items} & {*self._bad}:
            raise ValueError("a bad number")
        return [2 * item for item in items]


def run(coroutines, answerers, noted=None, **changes):
    limits = {"places": 4, "bytes": PLENTY, "threads": 2, **changes}
    noted = noted or meter.Meter()
    return list(scheduler.run(iter(coroutines), answerers, Limits(**limits), noted))


@pytest.mark.parametrize("threads", [0, 1, 3])
@pytest.mark.parametrize("places", [1, 3, 50])
def test_every_coroutine_is_sent_its_own_answers(places, threads):
    shapes = [(number, 1 + number % 4, number % 6) for number in range(20)]
    random.Random(places).shuffle(shapes)
    found = run(
        [rounds(*shape) for shape in shapes],
        [Answerer("doubler", Doubler(), batch=4)],
        places=places,
        threads=threads,
    )
    assert sorted(found) == sorted(expected(*shape) for shape in shapes)


def test_batches_are_full_while_enough_wait():
    doubler, noted = Doubler(), meter.Meter()
    coroutines = [rounds(number, 20, 10) for number in range(40)]
    run(coroutines, [Answerer("doubler", doubler, batch=80)], noted, places=24)
    assert max(doubler.batches) == 80
    assert sum(doubler.batches) == 40 * 20 * 10
    assert sum(doubler.batches) / (80 * len(doubler.batches)) > 0.95
    noted_calls = noted.answerers["doubler"]
    assert noted_calls.real == sum(doubler.batches)
    assert noted_calls.rows == 80 * noted_calls.calls


def test_a_batch_that_is_not_full_waits_for_an_answer_that_may_add_to_it():
    """Two coroutines ask the slow one first, and then both ask for doubles."""

    def first_slow(number, slow):
        yield Question("slow", [slow])
        return (yield Question("doubler", [number], "double"))

    doubler = Doubler()
    answerers = [
        Answerer("doubler", doubler, batch=8),
        Answerer("slow", lambda items: [time.sleep(each) for each in items], lanes=2),
    ]
    found = run([first_slow(1, 0.01), first_slow(2, 0.2)], answerers)
    assert sorted(found) == [[2], [4]]
    assert doubler.batches == [2]


def test_questions_without_a_kind_are_answered_alone_and_whole():
    doubler = Doubler()
    coroutines = [rounds(number, 3, 5, kind=None) for number in range(6)]
    run(coroutines, [Answerer("doubler", doubler, batch=4)])
    assert doubler.batches == [5] * 18


def test_older_coroutines_go_first():
    ended = run(
        [rounds(number, 5, 4) for number in range(12)],
        [Answerer("doubler", Doubler(), batch=4)],
        places=6,
        threads=0,
    )
    assert [number for number, _ in ended] == list(range(12))


@pytest.mark.parametrize("bad", [[0], [3001], [1000, 1001, 4010], [5010, 2000]])
def test_a_question_that_fails_fails_alone(bad):
    ill = {number // 1000 for number in bad}

    def caught(number):
        try:
            return (yield from rounds(number, 2, 3))
        except ValueError as error:
            return number, str(error)

    found = run(
        [caught(number) for number in range(6)],
        [Answerer("doubler", Doubler(bad=bad), batch=16)],
        places=6,
    )
    for number, result in sorted(found):
        well = expected(number, 2, 3)[1]
        assert result == ("a bad number" if number in ill else well)


def test_a_coroutine_that_asks_again_after_a_failure_goes_on():
    def stubborn():
        with pytest.raises(ValueError, match="bad"):
            yield Question("doubler", [1, 7], "double")
        return (yield Question("doubler", [1], "double"))

    assert run([stubborn()], [Answerer("doubler", Doubler(bad=[7]))]) == [[2]]


def test_children_run_side_by_side_and_their_parent_gets_what_came_of_each():
    met = threading.Barrier(3)

    def child(number):
        if number < 3:
            met.wait(10)
        answers = yield Question("doubler", [number], "double")
        if number == 4:
            raise RuntimeError("ouch")
        return answers[0]

    def parent():
        results = yield Children([Child(child(number)) for number in range(5)])
        return [str(each) for each in results]

    answerers = [Answerer("doubler", Doubler(), batch=2)]
    found = run([parent(), parent()], answerers, places=3, threads=3, roots=1)
    assert found == [["0", "2", "4", "6", "ouch"]] * 2


@pytest.mark.parametrize(
    ("limit", "size"), [({"places": 5}, 5), ({"bytes": 30}, 3), ({"bytes": 1}, 1)]
)
def test_no_more_is_under_way_than_there_is_room_for(limit, size):
    lock, going, most = threading.Lock(), [], []

    def child(number):
        with lock:
            going.append(number)
            most.append(len(going))
        yield Question("doubler", [number], "double")
        with lock:
            going.remove(number)

    def parent():
        yield Children([Child(child(n), bytes=10) for n in range(12)])

    answerers = [Answerer("doubler", Doubler(0.002), batch=8)]
    limits = {"places": 50, "threads": 4, **limit}
    run([parent(), parent()], answerers, **limits)
    assert max(most) == size


def test_stages_of_an_answerer_see_the_items_of_one_question():
    seen = []

    def prepare(items):
        seen.append(len(items))
        return [str(item) for item in items]

    def finish(items, raw):
        return [(item, text) for item, text in zip(items, raw, strict=True)]

    answerer = Answerer(
        "doubler",
        lambda sent: [text + text for text in sent.split()],
        batch=3,
        prepare=prepare,
        finish=finish,
        send=" ".join,
    )
    found = dict(run([rounds(number, 1, 2) for number in range(4)], [answerer]))
    assert found[3] == [[(3000, "30003000"), (3001, "30013001")]]
    assert seen == [2] * 4


@pytest.mark.parametrize("stage", ["prepare", "send", "finish"])
def test_a_stage_that_fails_fails_its_own_question(stage):
    def broken(items, *raw):
        if 2000 in items:
            raise ValueError("ouch")
        return raw[0] if raw else items

    def caught(number):
        try:
            return (yield from rounds(number, 1, 1))
        except ValueError as error:
            return number, str(error)

    answerer = Answerer("doubler", Doubler(), batch=8, **{stage: broken})
    found = dict(run([caught(number) for number in range(4)], [answerer]))
    assert found == {0: [[0]], 1: [[2000]], 2: "ouch", 3: [[6000]]}


def test_what_a_coroutine_of_the_source_raises_ends_the_run():
    aborted = []

    def broken():
        yield Question("doubler", [1], "double")
        raise RuntimeError("ouch")

    coroutines = [rounds(1, 50, 1), broken(), rounds(2, 50, 1)]
    ran = scheduler.run(
        iter(coroutines),
        [Answerer("doubler", Doubler(0.001), batch=1)],
        Limits(places=3, bytes=PLENTY, threads=2),
        meter.Meter(),
        abort=lambda: aborted.append(True),
    )
    with pytest.raises(RuntimeError, match="ouch"):
        list(ran)
    assert aborted == [True]
    assert not [each for each in threading.enumerate() if "rclicks" in each.name]


def test_a_stop_leaves_what_is_under_way_and_ends_calls():
    stop, aborted = threading.Event(), threading.Event()

    def hanging(items):
        stop.set()
        assert aborted.wait(10)
        raise RuntimeError("ended")

    start = time.monotonic()
    ran = scheduler.run(
        iter([rounds(1, 1, 1)]),
        [Answerer("doubler", hanging)],
        Limits(places=1, bytes=PLENTY),
        meter.Meter(),
        is_stopped=stop.is_set,
        abort=aborted.set,
    )
    assert list(ran) == []
    assert time.monotonic() - start < 5


def test_calls_of_two_answerers_are_under_way_at_the_same_time():
    met = threading.Barrier(2)

    def meeting(first):
        numbers = itertools.count()

        def answer(items):
            # Each waits for a call of the other, three times.
            if first <= next(numbers) < first + 3:
                met.wait(10)
            return items

        return answer

    def both():
        for _ in range(5):
            yield Question("a", [1], "x")
            yield Question("b", [1], "x")

    # The first call of `a` brings the first question to `b`.
    answerers = [
        Answerer("a", meeting(1), batch=1),
        Answerer("b", meeting(0), batch=1),
    ]
    run([both() for _ in range(6)], answerers, places=6)
    assert not met.broken


def test_seconds_of_a_call_are_divided_among_its_items():
    seconds = []

    def asking(items):
        question = Question("doubler", [1] * items, "double")
        yield question
        seconds.append(question.seconds)

    run([asking(1), asking(3)], [Answerer("doubler", Doubler(0.2), batch=4)])
    # The stages of each question add a little.
    assert min(seconds) == pytest.approx(max(seconds) / 3, abs=0.02)
    assert sum(seconds) >= 0.2
