"""The pixel under the pointer is the pixel that is recorded."""

import base64

import cv2
import numpy as np
import pytest
from collect_browser import PHONE, begin, place, think, wait_ready
from PIL import Image

EIGHT = tuple("abcdefgh")


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
    return colour(page, page.screenshot(), x, y)


def colour(page, png, x, y):
    shot = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    ratio = shot.shape[1] / page.viewport_size["width"]
    return shot[int(y * ratio), int(x * ratio), :0:-1].astype(int)


def pinch(page, x, y):
    """Zooms in at a place with two fingers; returns what takes pictures and taps.

    Its places are those of the glass, as a finger knows them.
    """
    client = page.context.new_cdp_session(page)

    def touch(kind, *points):
        fingers = [
            {"x": left, "y": top, "id": number}
            for number, (left, top) in enumerate(points)
        ]
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})

    touch("touchStart", (x - 40, y))
    touch("touchStart", (x - 40, y), (x + 40, y))
    for step in range(1, 11):
        touch("touchMove", (x - 40 - 4 * step, y), (x + 40 + 4 * step, y))
        page.wait_for_timeout(16)
    touch("touchEnd", (x + 80, y))
    touch("touchEnd")
    page.wait_for_timeout(200)
    scale, left, top = page.evaluate(
        "[visualViewport.scale, visualViewport.offsetLeft, visualViewport.offsetTop]"
    )
    assert scale > 1.3
    assert left > 0
    # From the layout of the page to the glass.
    glass = (x + 12 - left) * scale, (y + 9 - top) * scale
    taken = client.send("Page.captureScreenshot", {"format": "png"})["data"]
    seen = colour(page, base64.b64decode(taken), *glass)
    # Chromium takes these places in pixels of the layout, from the corner of the glass.
    touch("touchStart", (glass[0] / scale, glass[1] / scale))
    touch("touchEnd")
    return seen


@pytest.mark.parametrize(
    ("options", "how"),
    [
        ({}, ""),
        ({"device_scale_factor": 1.5}, ""),
        ({**PHONE, "device_scale_factor": 2}, ""),
        (PHONE, ""),
        (PHONE, "pinch"),
        # What a page sees of a browser's own zoom.
        (
            {"device_scale_factor": 1.25, "viewport": {"width": 1040, "height": 720}},
            "",
        ),
        (
            {"device_scale_factor": 0.8, "viewport": {"width": 1625, "height": 1125}},
            "",
        ),
        ({"locale": "ar"}, ""),
        ({"viewport": {"width": 700, "height": 500}}, "scroll"),
    ],
    ids=[
        "1",
        "1.5",
        "2",
        "3",
        "3, pinched",
        "zoomed to 125 %",
        "zoomed to 80 %",
        "right to left",
        "scrolled",
    ],
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
        if how == "pinch":
            red, green = pinch(page, x, y)
        else:
            red, green = seen_at(page, x, y)
            touches = options.get("has_touch")
            (page.touchscreen.tap if touches else page.mouse.click)(x, y)
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
