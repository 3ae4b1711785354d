"""Sessions in a real Chromium: mouse, fingers, keyboard, tabs, and lost connections."""

import pathlib
import time

import collect_browser
import collect_studies
import cv2
import numpy as np
import pytest
from collect_browser import begin, click, place, think, wait_ready
from PIL import Image

from rclicks_jax.collection.service import LiveTurn

FAST = {"before_ms": 60, "target_ms": 120, "after_ms": 60, "longest_side": 640}
PHONE = {
    "viewport": {"width": 390, "height": 664},
    "device_scale_factor": 3,
    "is_mobile": True,
    "has_touch": True,
}
BOTH = {"clicks": 40, "devices": ("pc", "mobile"), "block": 50}
EIGHT = tuple("abcdefgh")


@pytest.fixture(scope="module")
def chromium():
    with collect_browser.browser() as started:
        yield started


@pytest.fixture
def visit(chromium):
    """Opens windows; closes them at the end, and finds no error in them."""
    contexts, errors = [], []

    def open_window(**options):
        contexts.append(
            chromium.new_context(
                **{"viewport": {"width": 1300, "height": 900}, **options}
            )
        )
        contexts[-1].set_default_timeout(30_000)
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        return page

    yield open_window
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture
def serve(tmp_path):
    """Makes and serves a study of fast tasks."""
    served = []

    def make(names=EIGHT, data=None, options=None, **changes):
        if data:
            data(tmp_path / "mine")
        changes = {
            "display": FAST,
            "assignment": BOTH,
            # A machine under load drops frames.
            "judgement": {"tiny_px": 0, "exposure_ms": 1000, "tolerance": 1000},
            **changes,
        }
        folder = collect_studies.make(tmp_path, names, **changes)
        served.append(collect_browser.Served(folder, **(options or {})))
        return served[-1]

    yield make
    for item in served:
        item.close()


# ----- Whole sessions -----


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

    def __init__(self):
        self.turns: list[LiveTurn] = []

    async def ask(self, turn):
        self.turns.append(turn)
        rows, columns = np.indices((turn.height, turn.width))
        mask = np.zeros((turn.height, turn.width), bool)
        for (y, x), sign in zip(turn.clicks_yx, turn.positive, strict=True):
            mask[(rows - y) ** 2 + (columns - x) ** 2 < 100] = sign
        return mask, 1.0

    def close(self):
        pass


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


# ----- The pixel under the pointer -----


def coordinates(folder):
    """Writes photographs whose colours are their coordinates, turned by EXIF 1 to 8."""
    turned = np.zeros((180, 240, 3), np.uint8)
    turned[..., 0], turned[..., 1] = np.arange(240), np.arange(180)[:, None]
    mask = np.zeros((180, 240), np.uint8)
    mask[20:160, 20:220] = 255
    for number, name in enumerate(EIGHT, start=1):
        exif = Image.Exif()
        exif[0x0112] = number
        for kind, pixels in (("images", turned), ("masks", mask)):
            path = folder / kind / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            stored = np.ascontiguousarray(unturned(pixels, number))
            Image.fromarray(stored).save(path, exif=exif)


def unturned(pixels, orientation):
    """Returns how a picture is stored that its orientation turns to this one."""
    if orientation > 4:
        pixels = np.swapaxes(pixels, 0, 1)
    rows = -1 if orientation in (3, 4, 6, 7) else 1
    columns = -1 if orientation in (2, 3, 7, 8) else 1
    return pixels[::rows, ::columns]


def seen_at(page, x, y):
    """Returns red and green under a place of the window."""
    content = np.frombuffer(page.screenshot(), np.uint8)
    shot = cv2.imdecode(content, cv2.IMREAD_COLOR)
    ratio = shot.shape[1] / page.viewport_size["width"]
    return shot[int(y * ratio), int(x * ratio), :0:-1].astype(int)


def pinch(page):
    """Zooms in; the places of taps are still those of the whole page."""
    client = page.context.new_cdp_session(page)
    client.send("Emulation.setPageScaleFactor", {"pageScaleFactor": 1.5})
    page.wait_for_timeout(200)
    assert page.evaluate("visualViewport.scale") == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("options", "how"),
    [
        ({}, ""),
        ({"device_scale_factor": 1.5}, ""),
        ({**PHONE, "device_scale_factor": 2}, ""),
        (PHONE, "pinch"),
        ({"locale": "ar"}, ""),
        ({"viewport": {"width": 700, "height": 500}}, "scroll"),
    ],
    ids=["1", "1.5", "2", "3, pinched", "right to left", "scrolled"],
)
def test_the_pixel_under_the_pointer_is_recorded(serve, visit, options, how, tmp_path):
    served = serve(
        data=coordinates,
        study={"per_person": 8, "languages": ("en", "ar")},
        display={"before_ms": 0, "target_ms": 100, "after_ms": 0, "quality": 100},
    )
    page = visit(**options)
    if how == "scroll":
        page.add_init_script(
            "addEventListener('DOMContentLoaded', () => {"
            "const above = document.createElement('div');"
            "above.style.height = '333px'; document.body.prepend(above);"
            "window.scrollTo = () => document.documentElement.scrollTo(0, 333)})"
        )
    page.goto(f"{served.url}/?platform=open")
    page.locator("main button.main").click()
    # Consent has two buttons, the instructions have one.
    page.locator("main button").nth(1).wait_for(state="detached")
    page.locator("main button.main").click()
    if options.get("locale"):
        assert page.locator("html").get_attribute("dir") == "rtl"
    places = [(0.31, 0.27), (0.77, 0.61), (0.5, 0.8)]
    for number, (u, v) in enumerate(places[: 1 if how == "pinch" else 3], start=1):
        box = wait_ready(page)
        think()
        x, y = place(box, u, v)
        red, green = seen_at(page, x, y)
        if how == "pinch":
            pinch(page)
        (page.touchscreen.tap if options.get("has_touch") else page.mouse.click)(x, y)
        judged = served.newest_click(number)
        assert judged.reasons == (("zoomed",) if how == "pinch" else ())
        assert abs(judged.click.x - red) <= 2
        assert abs(judged.click.y - green) <= 2


def test_all_orientations_of_a_photograph_give_the_pixel(serve, visit):
    served = serve(
        data=coordinates,
        study={"per_person": 8},
        display={"before_ms": 0, "target_ms": 100, "after_ms": 0, "quality": 100},
    )
    page = visit()
    begin(page, f"{served.url}/?platform=open")
    for number in range(8):
        box = wait_ready(page)
        think()
        x, y = place(box, 0.2 + 0.08 * number, 0.8 - 0.07 * number)
        red, green = seen_at(page, x, y)
        page.mouse.click(x, y)
        judged = served.newest_click(number + 1)
        assert (judged.click.x, judged.click.y) == (
            pytest.approx(red, abs=2),
            pytest.approx(green, abs=2),
        )
    assert served.count("click") == 8


# ----- Times -----


def test_steps_are_shown_for_a_frame_of_their_time_or_rejected(serve, visit):
    served = serve(
        study={"per_person": 3},
        display={"before_ms": 250, "target_ms": 400, "after_ms": 250},
        judgement={"tiny_px": 0, "exposure_ms": 18, "exposure_share": 0.0},
    )
    page = visit()
    client = page.context.new_cdp_session(page)
    begin(page, f"{served.url}/?platform=open")
    client.send("Network.enable")
    client.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": 150,
            "downloadThroughput": 30_000,
            "uploadThroughput": 30_000,
        },
    )
    for _ in range(3):
        click(page)
    page.locator(".code").wait_for()
    for judged in served.clicks():
        planned = [step.ms for step in judged.click.given.steps if step.ms]
        shown = [item.off - item.on for item in judged.click.message.shown][:-1]
        near = max(abs(a - b) for a, b in zip(shown, planned, strict=True)) <= 18
        assert near or "exposure" in judged.reasons


@pytest.mark.parametrize("what", ["hidden", "resized"])
def test_a_spoiled_task_is_given_up(serve, visit, what):
    served = serve(study={"per_person": 1})
    page = visit()
    begin(page, f"{served.url}/?platform=open")
    wait_ready(page)
    if what == "resized":
        page.set_viewport_size({"width": 900, "height": 700})
    else:
        page.evaluate(
            "Object.defineProperty(document, 'hidden', {value: true, configurable:"
            " true}); document.dispatchEvent(new Event('visibilitychange'));"
            "delete document.hidden"
        )
    page.locator(".card").wait_for()
    # A window that is drawn larger changes many times.
    page.wait_for_timeout(300)
    page.locator(".card").get_by_role("button").click()
    click(page)
    page.locator(".code").wait_for()
    assert (served.count("void"), served.count("click")) == (1, 1)
    assert served.clicks()[0].reasons == ()


# ----- Lost connections -----


def test_a_click_without_a_connection_is_sent_later(serve, visit):
    served = serve(study={"per_person": 1})
    page = visit()
    begin(page, f"{served.url}/?platform=open")
    wait_ready(page)
    page.context.set_offline(True)
    click(page)
    page.get_by_text("There is no connection").wait_for()
    page.context.set_offline(False)
    page.locator(".code").wait_for()
    assert served.count("click") == 1


@pytest.mark.parametrize("came", [False, True], ids=["request lost", "answer lost"])
def test_a_click_survives_a_reload_exactly_once(serve, visit, came):
    served = serve(study={"per_person": 1})
    page = visit()
    begin(page, f"{served.url}/?platform=open")

    def lose(route):
        if came:
            route.fetch()
        route.abort()

    page.route("**/api/click", lose)
    click(page)
    page.get_by_text("There is no connection").wait_for()
    page.unroute("**/api/click")
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    page.locator(".code").wait_for()
    assert (served.count("click"), served.count("duplicate")) == (1, 0)


@pytest.mark.parametrize(
    "path", ["texts/*", "enter", "consent", "begin", "next", "finish", "*.webp"]
)
def test_a_lost_answer_at_any_step_is_asked_for_again(serve, visit, path):
    served = serve(study={"per_person": 1})
    page = visit()
    lost = []

    def lose(route):
        if len(lost) < 2:
            lost.append(route.request.url)
            route.fetch()
            route.abort()
        else:
            route.continue_()

    page.route(f"**/a/{path}" if path == "*.webp" else f"**/api/{path}", lose)
    begin(page, f"{served.url}/?platform=open")
    click(page)
    page.locator(".code").wait_for()
    if path == "finish":
        page.reload()
        page.locator(".code").wait_for()
    assert len(lost) == 2
    assert served.count("click") == 1


def test_a_restart_of_the_server_loses_nothing(serve, visit):
    served = serve(study={"per_person": 2})
    page = visit()
    begin(page, f"{served.url}/?platform=open")
    wait_ready(page)
    served.stop()
    click(page)
    page.get_by_text("There is no connection").wait_for()
    served.start()
    click(page)
    page.locator(".code").wait_for()
    assert [item.reasons for item in served.clicks()] == [(), ()]


# ----- Tabs and the back button -----


def test_one_tab_at_a_time_takes_part(serve, visit):
    served = serve(study={"per_person": 2})
    first = visit()
    begin(first, f"{served.url}/?platform=open")
    wait_ready(first)
    second = first.context.new_page()
    second.goto(f"{served.url}/?platform=open")
    second.get_by_role("button", name="Go on here").click()
    first.get_by_text("open in another tab").wait_for()
    click(second)
    click(second)
    second.locator(".code").wait_for()
    assert served.count("click") == 2


def test_the_back_button_costs_one_task(serve, visit):
    served = serve(study={"per_person": 2})
    page = visit()
    page.goto("about:blank")
    begin(page, f"{served.url}/?platform=open")
    click(page)
    wait_ready(page)
    page.go_back()
    page.go_forward()
    click(page)
    page.locator(".code").wait_for()
    assert served.count("click") == 2


# ----- Leaving -----


def test_who_withdraws_in_a_task_is_erased(serve, visit):
    served = serve(study={"per_person": 3})
    page = visit()
    begin(page, f"{served.url}/?platform=open")
    click(page)
    wait_ready(page)
    page.get_by_role("button", name="Stop and leave").click()
    page.get_by_role("button", name="Leave, and delete what I did").click()
    page.get_by_text("What you did is deleted").wait_for()
    page.reload()
    page.get_by_text("You have left the study").wait_for()
    assert served.count("click") == 0


def test_who_stays_goes_on_with_another_task(serve, visit):
    served = serve(study={"per_person": 1})
    page = visit()
    begin(page, f"{served.url}/?platform=open")
    wait_ready(page)
    page.get_by_role("button", name="Stop and leave").click()
    page.get_by_role("button", name="Stay", exact=True).click()
    page.locator(".card").get_by_role("button").click()
    click(page)
    page.locator(".code").wait_for()
    assert served.count("click") == 1


def test_who_does_not_agree_is_thanked(serve, visit):
    served = serve()
    page = visit()
    page.goto(f"{served.url}/?platform=open")
    page.get_by_role("button", name="I do not take part").click()
    page.get_by_text("There is nothing for you to do").wait_for()


def test_an_invitation_that_is_not_valid_is_explained(serve, visit):
    served = serve()
    page = visit()
    page.goto(f"{served.url}/?platform=local&invitation=1-abc")
    page.get_by_text("This link is not valid").wait_for()


def test_scripts_in_titles_and_texts_are_shown_as_text(serve, visit):
    evil = "<img src=x onerror=alert(1)>"
    served = serve(study={"title": evil, "contact": evil, "per_person": 1})
    page = visit()
    page.on("dialog", lambda dialog: pytest.fail("A script ran."))
    page.goto(f"{served.url}/?platform=open")
    page.get_by_role("button", name="I agree and take part").wait_for()
    assert page.locator("header").inner_text() == evil
    assert page.locator("img").count() == 0


# ----- For everybody -----


def test_axe_finds_nothing_serious_and_nothing_is_wider_than_320_pixels(serve, visit):
    axe = pytest.importorskip(
        "axe_playwright_python",
        reason="axe is missing: pip install axe-playwright-python",
    )
    script = next(pathlib.Path(axe.__path__[0]).rglob("axe.min.js"))
    served = serve(
        practice={"count": 1},
        assignment={**BOTH, "block": 1},
        study={"per_person": 2, "contact": "a@b.example", "languages": ("en", "ar")},
    )
    page = visit(
        viewport={"width": 320, "height": 568}, color_scheme="dark", bypass_csp=True
    )
    seen = []

    def look(name):
        page.add_script_tag(path=script)
        found = page.evaluate("axe.run()")
        bad = [
            (item["id"], item["nodes"][0]["html"])
            for item in found["violations"]
            if item["impact"] in ("serious", "critical")
        ]
        wide = page.evaluate("document.documentElement.scrollWidth")
        seen.append((name, bad, wide <= 320))

    page.goto(f"{served.url}/?platform=open")
    page.get_by_role("button", name="I agree and take part").wait_for()
    look("consent")
    page.get_by_role("button", name="I agree and take part").click()
    page.get_by_role("button", name="Begin").wait_for()
    look("instructions")
    page.get_by_role("button", name="Begin").click()
    wait_ready(page)
    look("task")
    click(page)
    page.locator(".card").wait_for()
    look("feedback")
    page.locator(".card").get_by_role("button").click()
    click(page)
    page.get_by_role("heading", name="Time for a break").wait_for()
    look("pause")
    page.get_by_role("button", name="Stop and leave").click()
    look("withdraw")
    page.get_by_role("button", name="Stay", exact=True).click()
    page.get_by_role("button", name="Go on").click()
    click(page)
    page.locator(".code").wait_for()
    look("finish")
    assert [item for item in seen if item[1:] != ([], True)] == []
