"""Pages that everybody can use."""

import pathlib

import pytest
from collect_browser import click, wait_ready

BOTH = {"clicks": 40, "devices": ("pc", "mobile"), "block": 50}


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
