"""A Chromium, and studies that are served to it."""

import collect_browser
import collect_studies
import pytest

FAST = {"before_ms": 60, "target_ms": 120, "after_ms": 60, "longest_side": 640}


BOTH = {"clicks": 40, "devices": ("pc", "mobile"), "block": 50}


EIGHT = tuple("abcdefgh")


@pytest.fixture(scope="session")
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
def disks():
    return collect_browser.Disks()


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
            # A machine under load drops frames, and shows them late.
            "judgement": {
                "tiny_px": 0,
                "exposure_ms": 1000,
                "tolerance": 1000,
                "min_ms": 0,
            },
            **changes,
        }
        folder = collect_studies.make(tmp_path, names, **changes)
        served.append(collect_browser.Served(folder, **(options or {})))
        return served[-1]

    yield make
    for item in served:
        item.close()
