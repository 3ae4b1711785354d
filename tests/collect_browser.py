"""A study in a server of this process, and a Chromium that looks at it."""

import contextlib
import os
import pathlib
import socket
import threading
import time

import numpy as np
import pytest

from rclicks_jax.collection.service import desk
from rclicks_jax.collection.service.answers import LiveTurn

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


PHONE = {
    "viewport": {"width": 390, "height": 664},
    "device_scale_factor": 3,
    "is_mobile": True,
    "has_touch": True,
}


class Disks:
    """A segmenter that takes a disk around each click for the object."""

    rests = False

    def __init__(self):
        self.turns: list[LiveTurn] = []
        self.fails = False

    def prepare(self, photograph):
        """Needs nothing."""

    async def ask(self, turn):
        """Answers, or fails as a segmenter does in whose process all goes wrong."""
        if self.fails:
            raise desk.refusal(409, "segmenter", "It failed.")
        self.turns.append(turn)
        shape = turn.photograph.height, turn.photograph.width
        rows, columns = np.indices(shape)
        mask = np.zeros(shape, bool)
        for (y, x), sign in zip(turn.clicks_yx, turn.positive, strict=True):
            mask[(rows - y) ** 2 + (columns - x) ** 2 < 100] = sign
        return mask, 1.0


class Served:
    """A study that is served on a port of this machine."""

    def __init__(self, folder: pathlib.Path, **options):
        from rclicks_jax.collection.service import answers

        self.desk = answers.Service.open(folder)
        self._options = options
        self._owner = None
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

    def owner(self):
        """Serves the pages of the owner, too; returns their address."""
        from rclicks_jax.collection.web import admin, server

        self._owner = server._server(
            admin.application(self.desk, "token"), "127.0.0.1", 0
        )
        self._owners_thread = threading.Thread(target=self._owner.run, daemon=True)
        self._owners_thread.start()
        while not self._owner.started:
            time.sleep(0.01)
        port = self._owner.servers[0].sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}/?token=token"

    def stop(self):
        """Stops listening, as a server that is restarted does."""
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join()

    def close(self):
        """Ends the server, and closes the study."""
        self.stop()
        if self._owner is not None:
            self._owner.should_exit = self._owner.force_exit = True
            self._owners_thread.join()
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

    def states(self):
        """Returns how many assignments are in each state."""
        from rclicks_jax.collection.store import assignments

        found = self.desk.store.read(assignments.by_state)
        return {state: number for _, state, number in found}

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


def playwright_timeout():
    """Returns the error of a wait that took too long."""
    from playwright import sync_api

    return sync_api.TimeoutError


def click(page, u=0.45, v=0.45, touch=False):
    """Clicks on the picture when it is time, and waits until the click is taken."""
    box = wait_ready(page)
    tap = page.touchscreen.tap if touch else page.mouse.click
    ready = page.locator(".surface.ready")
    for _ in range(10):
        think()
        tap(*place(box, u, v))
        # Where frames are slow, a click may come before its time, and is ignored.
        if not ready.count():
            return
        with contextlib.suppress(playwright_timeout()):
            ready.wait_for(state="detached", timeout=2000)
            return
    ready.wait_for(state="detached")
