"""Pages that everybody can use: looked at by rules, and kept as pictures to look at.

The pictures lie in `build/pages`: `1300_consent.png` and so on.
"""

import pathlib
import re

import pytest
from collect_browser import click, place, think, wait_ready

from rclicks_jax.collection.study import tokens
from rclicks_jax.collection.web import routes

PICTURES = pathlib.Path(__file__).parents[4] / "build" / "pages"
# Text that is cut or covered, or too small to be read at arm's length.
FLAWS = """() => {
  const flaws = [];
  const shown = (e) => e.checkVisibility({visibilityProperty: true}) && e.getClientRects().length;
  for (const e of document.querySelectorAll("body *")) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!own || !shown(e)) continue;
    const words = e.textContent.trim().slice(0, 40);
    const style = getComputedStyle(e);
    if (parseFloat(style.fontSize) < 14) flaws.push(`tiny: ${words}`);
    if (style.overflow !== "visible" && e.tagName !== "SELECT" &&
        (e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1))
      flaws.push(`cut: ${words}`);
    if (!["BUTTON", "A", "P"].includes(e.tagName)) continue;
    const range = document.createRange();
    range.selectNodeContents(e);
    const {left, right, top, bottom} = range.getBoundingClientRect();
    if (left < -1 || right > innerWidth + 1) flaws.push(`out of the window: ${words}`);
    if (e.tagName !== "BUTTON") continue;
    const box = e.getBoundingClientRect();
    if (box.height < 24 || box.width < 24) flaws.push(`small button: ${words}`);
    const at = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
    if (at && at !== e && !e.contains(at) && !at.contains(e) && !document.querySelector("dialog[open], .card"))
      flaws.push(`covered: ${words}`);
  }
  if (document.documentElement.scrollWidth > innerWidth) flaws.push("wider than the window");
  return flaws;
}"""  # noqa: E501


class Looks:
    """What was found on each page."""

    def __init__(self, name, axe):
        self.name, self.axe = name, axe
        self.flaws: list[str] = []
        self.seen: list[str] = []

    def __call__(self, page, name):
        self.seen.append(name)
        PICTURES.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=PICTURES / f"{self.name}_{name}.png")
        self.flaws += [f"{name}: {flaw}" for flaw in page.evaluate(FLAWS)]
        if not self.axe:
            return
        if not page.evaluate("'axe' in window"):
            page.add_script_tag(path=self.axe)
        found = page.evaluate("axe.run({resultTypes: ['violations']})")
        self.flaws += [
            f"{name}: {item['id']}: {item['nodes'][0]['html']}"
            for item in found["violations"]
            if item["impact"] in ("serious", "critical")
        ]


SIZES = {
    "320": {"viewport": {"width": 320, "height": 568}, "color_scheme": "dark"},
    "390": {
        "viewport": {"width": 390, "height": 664},
        "color_scheme": "dark",
        "is_mobile": True,
        "has_touch": True,
        "device_scale_factor": 2,
    },
    "1300": {"viewport": {"width": 1300, "height": 900}},
}


@pytest.fixture(params=["390", "1300"])
def looks(request):
    """Looks at pages of a window; 320 pixels are for the space alone."""
    path = pytest.importorskip(
        "axe_playwright_python",
        reason="axe is missing: pip install axe-playwright-python",
    ).__path__[0]
    script = next(pathlib.Path(path).rglob("axe.min.js"))
    made = Looks(request.param, script if request.param != "320" else None)
    yield made
    assert made.flaws == []


@pytest.fixture
def window(visit, looks):
    def make(**options):
        return visit(**SIZES[looks.name], bypass_csp=True, **options)

    return make


def press(page, name):
    page.get_by_role("button", name=name, exact=True).click()


@pytest.mark.parametrize("looks", SIZES, indirect=True)
def test_pages_of_a_session(serve, window, looks):
    served = serve(
        data=None,
        practice={"count": 2, "images": ("a", "b")},
        assignment={"clicks": 40, "devices": ("pc", "mobile"), "block": 1},
        study={"per_person": 2, "contact": "a@b.example", "languages": ("en", "ar")},
        display={"before_ms": 60, "target_ms": 1500, "after_ms": 60,
                 "longest_side": 640},
        judgement={"tiny_px": 0, "exposure_ms": 60_000, "min_ms": 0},
    )  # fmt: skip
    page = window()
    page.goto(f"{served.url}/?platform=open")
    page.get_by_role("button", name="I agree and take part").wait_for()
    looks(page, "consent")
    press(page, "I agree and take part")
    page.get_by_role("button", name="Begin").wait_for()
    looks(page, "instructions")
    press(page, "Begin")
    page.get_by_text("This is what is meant").wait_for()
    page.screenshot(path=PICTURES / f"{looks.name}_target.png")
    wait_ready(page)
    looks(page, "task")
    click(page, 0.5, 0.5)
    page.locator(".card").wait_for()
    looks(page, "feedback")
    press(page, "Go on")
    click(page, 0.02, 0.02)
    page.locator(".card").wait_for()
    looks(page, "feedback_outside")
    press(page, "Go on")
    click(page)
    page.get_by_role("heading", name="Time for a break").wait_for()
    looks(page, "pause")
    press(page, "Stop and leave")
    looks(page, "leave")
    press(page, "Stay")
    press(page, "Go on")
    wait_ready(page)
    page.context.set_offline(True)
    click(page)
    page.get_by_text("There is no connection").wait_for()
    looks(page, "offline")
    page.context.set_offline(False)
    page.locator(".code").wait_for()
    looks(page, "finish")


def test_pages_beside_a_session(serve, window, looks):
    served = serve(study={"contact": "a@b.example", "languages": ("en", "ar")})
    page = window(locale="ar")
    page.goto(f"{served.url}/?platform=open")
    page.locator("main button.main").wait_for()
    looks(page, "consent_arabic")
    press(page, page.locator("footer button").inner_text())
    page.locator("dialog button").last.click()
    page.locator("dialog").wait_for(state="detached")
    page.locator("main button").first.wait_for(state="detached")
    looks(page, "withdrawn_arabic")
    page = window()
    page.goto(f"{served.url}/?platform=local&invitation=1-abc")
    page.get_by_text("This link is not valid").wait_for()
    looks(page, "no_invitation")
    page = window()
    page.goto(f"{served.url}/?platform=open")
    page.get_by_role("button", name="I agree and take part").wait_for()
    other = page.context.new_page()
    other.goto(f"{served.url}/?platform=open")
    other.get_by_role("button", name="Go on here").wait_for()
    looks(other, "second_tab")
    invited = tokens.invitation(served.desk.study.secret, 1)
    page = window()
    page.set_viewport_size({"width": 290, "height": 400})
    page.goto(f"{served.url}/?platform=local&invitation={invited}")
    page.get_by_role("button", name="Try again").wait_for()
    looks(page, "device")


def test_pages_of_self_paced_texts(serve, window, looks):
    served = serve(
        study={"pace": "self_paced"},
        display={"modes": ("Highlighted_Instance",), "longest_side": 640},
    )
    page = window()
    page.goto(f"{served.url}/?platform=open")
    press(page, "I agree and take part")
    page.get_by_role("button", name="Begin").wait_for()
    looks(page, "self_paced_instructions")
    press(page, "Begin")
    page.get_by_text("This is what is meant").wait_for()
    looks(page, "self_paced_target")
    press(page, "Go on")
    wait_ready(page)
    looks(page, "self_paced_task")


def test_pages_of_live_rounds(serve, window, looks, disks):
    served = serve(
        live={"segmenter": "grabcut", "seats": 1},
        study={"pace": "live", "per_person": 2},
        options={"segmenter": disks},
    )
    page = window()
    page.goto(f"{served.url}/?platform=open")
    press(page, "I agree and take part")
    page.get_by_role("button", name="Begin").wait_for()
    looks(page, "live_instructions")
    press(page, "Begin")
    page.get_by_text("This is what is meant").wait_for()
    waiting = window()
    waiting.goto(f"{served.url}/?platform=open")
    press(waiting, "I agree and take part")
    press(waiting, "Begin")
    waiting.get_by_role("heading", name="Please wait").wait_for()
    looks(waiting, "live_wait")
    press(page, "Go on")
    box = wait_ready(page)
    page.mouse.click(*place(box, 0.5, 0.5))
    page.get_by_role("button", name="Undo", disabled=False).wait_for()
    looks(page, "live_task")
    disks.fails = True
    page.mouse.click(*place(box, 0.3, 0.3))
    page.get_by_text("could not answer").wait_for()
    looks(page, "live_failed")


def test_pages_for_the_owner(serve, window, looks):
    served = serve(
        display={"modes": ("Object_CutOut", "Silhouette_Mask"), "longest_side": 640,
                 "before_ms": 60, "target_ms": 120, "after_ms": 60},
        study={"per_person": 3},
    )  # fmt: skip
    person = window()
    key = f"{routes.PREVIEW}={routes.preview_key(served.desk)}"
    person.goto(f"{served.url}/?platform=open")
    press(person, "I agree and take part")
    press(person, "Begin")
    for _ in range(3):
        click(person)
    person.locator(".code").wait_for()
    person.context.clear_cookies()
    person.evaluate("localStorage.clear()")
    person.goto(f"{served.url}/?platform=open&{key}")
    press(person, "I agree and take part")
    press(person, "Begin")
    think()
    click(person, 0.02, 0.02)
    owner = window()
    owner.goto(served.owner())
    owner.get_by_role("heading", name="Progress").wait_for()
    looks(owner, "owner")
    clicked = owner.get_by_role("row").filter(
        has=owner.locator("td.n", has_text=re.compile("^1$")),
        has_not=owner.locator("progress"),
    )
    clicked.get_by_role("link").first.click()
    owner.locator("svg").first.wait_for()
    looks(owner, "owner_task")
