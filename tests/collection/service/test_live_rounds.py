import base64
import json

import cv2
import numpy as np
import pytest
from collect_events import PC, again
from collect_studies import Person

from rclicks_jax.collection import messages
from rclicks_jax.collection.results import export, pace
from rclicks_jax.collection.service import answers, live_rounds, open_studies
from rclicks_jax.collection.store import cells
from rclicks_jax.data import recorded_trajectories

LIVE = {"study": {"pace": "live", "per_person": 3},
        "live": {"segmenter": "random_walker", "most_clicks": 3}}  # fmt: skip


class Player:
    """Plays a live task."""

    def __init__(self, desk, clock, session=None):
        self.person = session or Person(desk, clock).agree()
        self.desk = desk
        self.task = self.person.next()
        self.number = 0
        self.t = 1000.0

    def event(self, act, uv=None, **changes):
        self.t += 1500
        values = {
            "client_id": f"live{self.task.assignment[:8]:0>8}{self.number:010}",
            "assignment": self.task.assignment,
            "token": self.task.token,
            "number": self.number,
            "act": act,
            "uv": uv,
            "t": self.t,
            "shown_t": self.t - 1000,
            "pointer": "mouse",
            "rect": (0.0, 0.0, 64.0, 48.0),
            "device": PC,
        }
        return messages.LiveEvent(**(values | changes))

    def play(self, act, uv=None, mask=None, **changes):
        turn = self.take(act, uv, **changes)
        token = self.person.token
        return turn, self.desk.answer_live(token, turn, mask, 250.0).result()

    def take(self, act, uv=None, **changes):
        turn = self.desk.take_live(
            self.person.token, self.event(act, uv, **changes)
        ).result()
        self.number += 1
        return turn


@pytest.fixture
def player(opened, clock):
    return Player(opened(**LIVE), clock)


def full(turn, value=True):
    return np.full((turn.photograph.height, turn.photograph.width), value)


def test_a_task_of_a_live_study_has_no_steps(player):
    assert player.task.pace == "live"
    assert player.task.steps == ()
    assert player.task.most_clicks == 3


def test_a_segmenter_is_asked_with_the_clicks_that_stand(player):
    player.play("click", (0.5, 0.5))
    player.play("click", (0.0, 1.0), positive=False)
    turn, _ = player.play("undo")
    assert turn.clicks_yx.tolist() == [[24, 32]]
    turn, _ = player.play("click", (1.0, 0.0), positive=False)
    assert turn.clicks_yx.tolist() == [[24, 32], [0, 63]]
    assert turn.positive.tolist() == [True, False]
    assert turn.needs_mask


def test_an_answer_has_the_mask_and_its_score_is_kept(player, tmp_path):
    turn = player.take("click", (0.5, 0.5))
    mask = full(turn, False)
    mask[5:20, 7:30] = True
    answer = player.desk.answer_live(player.person.token, turn, mask, 250.0).result()
    png = np.frombuffer(base64.b64decode(answer.mask), np.uint8)
    np.testing.assert_array_equal(cv2.imdecode(png, cv2.IMREAD_UNCHANGED) > 0, mask)
    gt_mask = cv2.imread(str(turn.photograph.gt_path), cv2.IMREAD_UNCHANGED) > 0
    assert live_rounds.score(turn, mask) == (
        (gt_mask & mask).sum(),
        (gt_mask | mask).sum(),
    )


def test_the_same_act_twice_is_answered_the_same(player):
    turn = player.take("click", (0.5, 0.5))
    token = player.person.token
    first = player.desk.answer_live(token, turn, full(turn), 250.0).result()
    repeated = player.desk.take_live(token, turn.event).result()
    assert repeated.answer == first
    assert not repeated.needs_mask
    assert player.desk.answer_live(token, turn, None, 1.0).result() == first


def test_a_gap_between_acts_is_refused(player):
    player.take("click", (0.5, 0.5))
    player.number += 1
    with pytest.raises(answers.Refusal, match="number 1"):
        player.take("click", (0.5, 0.5))


def test_done_ends_a_task_and_fills_its_place(player):
    player.play("click", (0.5, 0.5))
    turn, answer = player.play("done")
    assert answer.ended
    assert not turn.needs_mask
    assert sum(fill.accepted for fill in player.desk.store.read(cells.fills)) == 1
    with pytest.raises(answers.Refusal, match="over"):
        player.take("click", (0.5, 0.5))


def test_the_last_allowed_click_ends_a_task_and_is_answered(player):
    for _ in range(2):
        player.play("click", (0.5, 0.5))
    turn = player.take("click", (0.5, 0.5))
    assert turn.ended
    assert turn.needs_mask


def test_a_given_up_task_fills_no_place(player):
    player.play("click", (0.5, 0.5))
    player.play("give_up")
    assert sum(fill.accepted for fill in player.desk.store.read(cells.fills)) == 0


def test_acts_of_another_person_are_refused(player, clock):
    other = Person(player.desk, clock).agree()
    with pytest.raises(answers.Refusal):
        player.desk.take_live(other.token, player.event("click", (0.5, 0.5))).result()


def test_a_click_without_a_place_is_refused(player):
    with pytest.raises(answers.Refusal, match="place"):
        player.take("click")


def test_the_score_of_two_people_is_their_own(opened, clock):
    desk = opened(**LIVE)
    one, other = Player(desk, clock), Player(desk, clock)
    a = one.take("click", (0.5, 0.5))
    b = other.take("click", (0.5, 0.5))
    masks = full(a), full(b, False)
    for player, turn, mask in zip((one, other), (a, b), masks, strict=True):
        desk.answer_live(player.person.token, turn, mask, 1.0).result()
    assert live_rounds.score(a, masks[0])[0] > 0 == live_rounds.score(b, masks[1])[0]


def test_trajectories_and_pace_are_exported(player, tmp_path):
    for _ in range(2):
        turn = player.take("click", (0.5, 0.5))
        player.desk.answer_live(player.person.token, turn, full(turn), 250.0).result()
    player.play("done")
    desk = player.desk
    done = export.export(
        open_studies.Opened(desk.study, desk.store, desk.desk), tmp_path / "out"
    )
    assert done.trajectories == 1
    lines = (tmp_path / "out" / "trajectories.jsonl").read_text().splitlines()
    head, line = map(json.loads, lines)
    assert (head["source"], head["segmenter"]) == ("people", "random_walker")
    assert [act["act"] for act in line["acts"]] == ["click", "click", "done"]
    assert [act["seconds"] for act in line["acts"]] == [1.0, 1.0, 1.0]
    assert line["ended"] == "done"
    assert line["union"][:2] == [48 * 64] * 2
    (read,) = recorded_trajectories.read(str(tmp_path / "out")).trajectories
    assert (read.instance_id, read.person) == (line["full_stem"], line["person"])
    assert (len(read.clicks_yx), read.undone, read.ended) == (2, 0, "done")
    assert read.union == (48 * 64,) * 2
    content = json.loads((tmp_path / "out" / "pace.json").read_text())
    assert content["seconds"]["click"][0] == 1.0
    assert content["seconds"]["instance"][0] == 1.0


def act(name, seconds, number):
    message = messages.LiveEvent(
        client_id="c" * 22, assignment="a" * 22, token="t" * 22, number=number,
        act=name, t=1000.0 * seconds, shown_t=0.0, pointer="mouse",
        rect=(0.0, 0.0, 1.0, 1.0), device=PC,
        uv=(0.5, 0.5) if name == "click" else None,
    )  # fmt: skip
    return live_rounds.Act(message, 0.0, 0, 0, "pc")


def test_the_seconds_of_an_object_add_up():
    names = ["click", "click", "undo", "click", "done"]
    acts = [act(name, 1 + number, number) for number, name in enumerate(names)]
    times = pace.of_acts("p001", acts)
    assert times == pace.Times("p001", 1.0, (2.0, 3.0 + 4.0), 5.0, "pc")
    content = pace.summary([times], "people", "live")["seconds"]
    total = content["instance"][0] + 3 * content["click"][0]
    assert total == pytest.approx(1.0 + 4.5 * 3 + 5.0 - 4.5)


def test_time_on_another_page_is_not_counted():
    hidden = act("click", 9, 0)
    message = again(hidden.message, hidden_ms=8000.0)
    times = pace.of_acts("p001", [live_rounds.Act(message, 0.0, 0, 0, "pc")])
    assert times.first == 1.0
