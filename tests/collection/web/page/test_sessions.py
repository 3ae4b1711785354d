"""Whole sessions in a real Chromium: mouse, fingers, keyboard, live rounds."""

import time

import numpy as np
import pytest
from collect_browser import begin, click, place, think, wait_ready

from rclicks_jax.collection.service.answers import LiveTurn

FAST = {"before_ms": 60, "target_ms": 120, "after_ms": 60, "longest_side": 640}


PHONE = {
    "viewport": {"width": 390, "height": 664},
    "device_scale_factor": 3,
    "is_mobile": True,
    "has_touch": True,
}


BOTH = {"clicks": 40, "devices": ("pc", "mobile"), "block": 50}


@pytest.mark.parametrize(
    ("options", "device"),
    [
        ({}, "pc"),
        (PHONE, "mobile"),
        ({**PHONE, "viewport": {"width": 844, "height": 390}}, "mobile"),
    ],
    ids=["mouse", "touch, portrait", "touch, landscape"],
)
def test_a_person_goes_from_consent_to_the_code(serve, visit, options, device):
    served = serve(
        practice={"count": 1},
        assignment={**BOTH, "block": 2},
        study={"per_person": 3},
    )
    page = visit(**options)
    places, complaints = [], []
    page.on("request", lambda request: places.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    begin(page, f"{served.url}/?platform=open")
    touch = device != "pc"
    click(page, touch=touch)
    page.locator(".card").get_by_role("button").click()
    for _ in range(2):
        click(page, touch=touch)
    page.get_by_role("heading", name="Time for a break").wait_for()
    page.get_by_role("button", name="Go on").click()
    click(page, touch=touch)
    page.get_by_role("heading", name="Thank you").wait_for()
    clicks = served.clicks()
    assert [item.reasons for item in clicks] == [()] * 4
    assert {item.click.message.pointer for item in clicks} == {
        "touch" if touch else "mouse"
    }
    assert all(item.click.fetched for item in clicks)
    assert all(url.startswith((served.url, "data:")) for url in places)
    assert complaints == []


def test_the_code_stands_there_again_after_a_reload(serve, visit):
    served = serve(study={"per_person": 1})
    page = visit()
    begin(page, f"{served.url}/?platform=open")
    click(page)
    code = page.locator(".code").inner_text()
    page.reload()
    assert page.locator(".code").inner_text() == code


def test_a_keyboard_moves_a_cross_and_clicks(serve, visit):
    served = serve(study={"per_person": 1})
    page = visit()
    begin(page, f"{served.url}/?platform=open")
    wait_ready(page)
    think()
    for key in ("ArrowRight", "ArrowRight", "ArrowUp", "Enter"):
        page.keyboard.press(key)
    page.locator(".code").wait_for()
    message = served.clicks()[0].click.message
    assert message.pointer == "keyboard"
    assert message.uv == pytest.approx((0.54, 0.48))


def test_clicks_before_their_time_are_counted_and_ignored(serve, visit):
    served = serve(study={"per_person": 1}, display={**FAST, "after_ms": 900})
    page = visit()
    begin(page, f"{served.url}/?platform=open")
    page.locator(".layer.shown").first.wait_for()
    box = page.locator(".surface").bounding_box()
    page.mouse.click(*place(box, 0.2, 0.2))
    click(page, 0.6, 0.6)
    page.locator(".code").wait_for()
    (judged,) = served.clicks()
    assert judged.click.message.early_clicks == 1
    assert judged.click.message.uv == pytest.approx((0.6, 0.6), abs=0.01)


def test_a_self_paced_target_is_seen_as_often_as_wished(serve, visit):
    served = serve(study={"per_person": 1, "pace": "self_paced"})
    page = visit()
    begin(page, f"{served.url}/?platform=open")
    on = page.locator(".tools button").first
    page.locator(".layer.shown").wait_for()
    for _ in range(3):
        on.click()
        time.sleep(0.1)
    click(page)
    page.locator(".code").wait_for()
    message = served.clicks()[0].click.message
    assert message.target_views == 2
    assert message.down.t > message.enabled_t > 0


class Disks:
    """A segmenter that takes a disk around each click for the object."""

    rests = False

    def __init__(self):
        self.turns: list[LiveTurn] = []

    def prepare(self, photograph):
        pass

    async def ask(self, turn):
        self.turns.append(turn)
        shape = turn.photograph.height, turn.photograph.width
        rows, columns = np.indices(shape)
        mask = np.zeros(shape, bool)
        for (y, x), sign in zip(turn.clicks_yx, turn.positive, strict=True):
            mask[(rows - y) ** 2 + (columns - x) ** 2 < 100] = sign
        return mask, 1.0


def test_a_live_round_has_clicks_undo_and_done(serve, visit):
    disks = Disks()
    served = serve(
        live={"segmenter": "grabcut"},
        study={"per_person": 1, "pace": "live"},
        options={"segmenter": disks},
    )
    page = visit()
    begin(page, f"{served.url}/?platform=open")
    page.locator(".layer.shown").wait_for()
    page.get_by_role("button", name="Go on").click()
    box = wait_ready(page)
    acts = [(0.5, 0.5), None, (0.3, 0.3)]
    for number, at in enumerate(acts):
        if number == 1:
            page.get_by_role("button", name="Remove").click()
            at = 0.7, 0.7
        with page.expect_response("**/api/live") as answered:
            page.mouse.click(*place(box, *at))
        assert answered.value.json()["clicks"] == number + 1
        page.locator(".tools button:disabled").first.wait_for(state="detached")
        time.sleep(0.1)
    page.get_by_role("button", name="Undo").click()
    page.locator(".tools button:disabled").first.wait_for(state="detached")
    page.get_by_role("button", name="Done", exact=True).click()
    page.locator(".code").wait_for()
    assert [list(turn.positive) for turn in disks.turns] == [
        [True],
        [True, False],
        [True, False, False],
        [True, False],
    ]
    assert served.count("live") == 5
