"""Whole sessions in a real Chromium: mouse, fingers, keyboard, live rounds."""

import time

import pytest
from collect_browser import PHONE, begin, click, place, think, wait_ready

FAST = {"before_ms": 60, "target_ms": 120, "after_ms": 60, "longest_side": 640}


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


def test_a_live_round_has_clicks_undo_and_done(serve, visit, disks):
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


def test_a_live_round_on_a_phone_goes_on_after_a_failure(serve, visit, disks):
    served = serve(
        live={"segmenter": "grabcut", "most_clicks": 2},
        study={"per_person": 1, "pace": "live"},
        options={"segmenter": disks},
    )
    page = visit(**PHONE)
    begin(page, f"{served.url}/?platform=open")
    page.get_by_role("button", name="Go on").tap()
    box = wait_ready(page)
    page.touchscreen.tap(*place(box, 0.5, 0.5))
    page.get_by_role("button", name="Undo", disabled=False).wait_for()
    disks.fails = True
    page.touchscreen.tap(*place(box, 0.3, 0.3))
    page.get_by_text("could not answer").wait_for()
    disks.fails = False
    page.locator(".card").get_by_role("button").tap()
    page.get_by_role("button", name="Go on").tap()
    box = wait_ready(page)
    for number in range(2):
        page.get_by_role("button", name="Remove" if number else "Add").tap()
        page.touchscreen.tap(*place(box, 0.4 + 0.1 * number, 0.4))
        if not number:
            page.get_by_role("button", name="Undo", disabled=False).wait_for()
    page.locator(".code").wait_for()
    assert [list(turn.positive) for turn in disks.turns] == [
        [True],
        [True],
        [True, False],
    ]
    # What was done before the failure is kept, too.
    assert served.count("live") == 4
    (x, y), (u, v) = disks.turns[-1].clicks_yx[1][::-1], (0.5, 0.4)
    shape = disks.turns[-1].photograph
    assert x == pytest.approx(u * shape.width, abs=1.5)
    assert y == pytest.approx(v * shape.height, abs=1.5)


def test_who_finds_no_seat_waits_and_goes_on_by_itself(serve, visit, disks):
    served = serve(
        live={"segmenter": "grabcut", "most_clicks": 1, "seats": 1},
        study={"per_person": 1, "pace": "live"},
        options={"segmenter": disks},
    )
    first, second = visit(), visit()
    begin(first, f"{served.url}/?platform=open")
    first.get_by_role("button", name="Go on").wait_for()
    begin(second, f"{served.url}/?platform=open")
    second.get_by_role("heading", name="Please wait").wait_for()
    for page in (first, second):
        page.get_by_role("button", name="Go on").click()
        page.mouse.click(*place(wait_ready(page), 0.5, 0.5))
        page.locator(".code").wait_for()
    assert len(disks.turns) == 2
