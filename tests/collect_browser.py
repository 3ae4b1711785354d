"""A study in a server of this process, and a Chromium that looks at it."""

import contextlib
import os
import pathlib
import socket
import threading
import time

import pytest

# `make test-browser` sets it; these tests take minutes, so `make test` leaves them out.
CHROMIUM = os.environ.get("RCLICKS_CHROMIUM")
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextlib.contextmanager
def browser():
    """Starts Chromium; skips where there is none."""
    sync_api = pytest.importorskip(
        "playwright.sync_api",
        reason="Playwright is missing: pip install playwright installs it",
    )
    if not CHROMIUM:
        pytest.skip("RCLICKS_CHROMIUM names no Chromium: make test-browser sets it")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=_FLAGS)
        yield started
        started.close()


class Served:
    """A study that is served on a port of this machine."""

    def __init__(self, folder: pathlib.Path, **options):
        from rclicks_jax.collection.service import answers

        self.desk = answers.Service.open(folder)
        self._options = options
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self):
        """Listens."""
        import uvicorn

        from rclicks_jax.collection.web import routes, server

        app = routes.application(self.desk, **self._options)
        self._server = server._server(app, "127.0.0.1", self.port)
        assert isinstance(self._server, uvicorn.Server)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)

    def stop(self):
        """Stops listening, as a server that is restarted does."""
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join()

    def close(self):
        """Ends the server, and closes the study."""
        self.stop()
        self.desk.close()

    def clicks(self):
        """Returns the judged clicks that are stored, in their order."""
        import msgspec

        from rclicks_jax.collection.service import judgement
        from rclicks_jax.collection.store import events

        return [
            msgspec.json.decode(event.content, type=judgement.JudgedClick)
            for event in self.desk.store.read(
                lambda db: list(events.every(db, "click"))
            )
        ]

    def newest_click(self, number):
        """Returns the click that is the last of so many, once it is stored."""
        deadline = time.monotonic() + 15
        while len(clicks := self.clicks()) < number:
            assert time.monotonic() < deadline, "The click was not stored."
            time.sleep(0.02)
        return clicks[number - 1]

    def count(self, kind):
        """Returns how many events of a kind are stored."""
        from rclicks_jax.collection.store import events

        return self.desk.store.read(lambda db: len(list(events.every(db, kind))))


def begin(page, url):
    """Agrees and begins."""
    page.goto(url)
    page.get_by_role("button", name="I agree and take part").click()
    page.get_by_role("button", name="Begin").click()


def wait_ready(page):
    """Waits until a click is wanted; returns the box of the picture."""
    page.locator(".surface.ready").wait_for()
    return page.locator(".surface").bounding_box()


def place(box, u=0.45, v=0.45):
    """Returns the place of shares of a picture in the window."""
    return box["x"] + u * box["width"], box["y"] + v * box["height"]


def think():
    """Waits as long as a person needs at least."""
    time.sleep(0.2)


def click(page, u=0.45, v=0.45, touch=False):
    """Clicks on the picture when it is time, and waits until the click is taken."""
    box = wait_ready(page)
    think()
    tap = page.touchscreen.tap if touch else page.mouse.click
    tap(*place(box, u, v))
    page.locator(".surface.ready").wait_for(state="detached")
