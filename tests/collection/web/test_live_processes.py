"""Live rounds by HTTP, with a server and a segmenter in processes of their own."""

import base64
import contextlib
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import collect_studies
import cv2
import httpx
import numpy as np
import pytest
from collect_live import DEVICE, LIVE, act
from helpers import is_alive

from rclicks_jax.bridge import keeper
from rclicks_jax.collection.service.answers import Service
from rclicks_jax.collection.store import events

ROOT = pathlib.Path(__file__).parents[3]


class Command:
    """`serve` of a study as a process, and one person who asks it by HTTP."""

    def __init__(self, folder):
        self.run = subprocess.Popen(
            [
                *(sys.executable, "-c"),
                "import logging, sys, pathlib\n"
                "from rclicks_jax.collection.web import server\n"
                "server.serve(pathlib.Path(sys.argv[1]), server.Options(port=0), "
                "lambda line: print(line, flush=True))\n"
                "assert 'jax' not in sys.modules\n"
                "assert not logging.getLogger('uvicorn').handlers",
                str(folder),
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.run.stdout is not None
        lines = [self.run.stdout.readline() for _ in range(5)]
        address = re.search(r"http://127\.0\.0\.1:\d+", " ".join(lines))
        assert address, lines
        self.http = httpx.Client(base_url=address[0], timeout=120)
        self.session = ""

    def post(self, name, body):
        headers = {"Authorization": f"Bearer {self.session}"} if self.session else {}
        answer = self.http.post(f"/api/{name}", json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def begin(self):
        self.session = self.post("enter", {"platform": "open", "device": DEVICE})[
            "session"
        ]
        self.post("consent", {"version": "1", "language": "en", "agreed": True})
        self.post("begin", {})

    def next(self):
        return self.post("next", {"device": DEVICE, "rested": True})

    def processes(self):
        """Returns the ids of the processes that the server has started."""
        return keeper.descendants(self.run.pid)


def wait_for_end(pids):
    deadline = time.monotonic() + 60
    while any(map(is_alive, pids)):
        assert time.monotonic() < deadline, "A process is left behind."
        time.sleep(0.05)


def mask_of(answer):
    png = np.frombuffer(base64.b64decode(answer["mask"]), np.uint8)
    return cv2.imdecode(png, cv2.IMREAD_UNCHANGED) > 0


@pytest.fixture
def start():
    started = []

    def make(folder):
        started.append(Command(folder))
        return started[-1]

    yield make
    for command in started:
        command.http.close()
        command.run.kill()
        command.run.communicate()


@pytest.mark.long
@pytest.mark.skipif(not pathlib.Path("/proc/self/stat").exists(), reason="needs /proc")
def test_a_live_session_by_http_survives_kills_and_leaves_no_process(tmp_path, start):
    # A bridged segmenter has a process of its own below that of the live rounds.
    adapter = ROOT / "tests" / "programs" / "disk_adapter.py"
    live = {**LIVE["live"], "segmenter": f"bridge:adapter={adapter}"}
    folder = collect_studies.make(tmp_path, **{**LIVE, "live": live})
    command = start(folder)
    command.begin()
    task = command.next()
    first = mask_of(command.post("live", act(task, 0)))
    assert first.any()
    workers = command.processes()
    assert len(workers) >= 4
    # The memory of a machine runs out: the process of the live rounds is killed.
    live_worker = max(workers, key=lambda pid: "live_worker" in line_of(pid))
    os.kill(live_worker, signal.SIGKILL)
    both = mask_of(command.post("live", act(task, 1, uv=(0.1, 0.1))))
    assert (both >= first).all()
    assert both.sum() > first.sum()
    undone = command.post("live", act(task, 2, "undo"))
    assert (mask_of(undone) == first).all()
    assert (undone["clicks"], undone["ended"]) == (1, False)
    assert command.post("live", act(task, 3, "done"))["ended"]
    # The same act again, as a browser sends it whose answer was lost.
    assert (mask_of(command.post("live", act(task, 2, "undo"))) == first).all()
    wait_for_end(workers)

    # The server itself is killed in a task; its successor goes on with it.
    task = command.next()
    first = command.post("live", act(task, 0))
    workers = command.processes()
    assert len(workers) >= 4
    command.run.kill()
    wait_for_end(workers)
    session = command.session
    command = start(folder)
    command.session = session
    assert command.post("live", act(task, 0))["mask"] == first["mask"]
    command.post("live", act(task, 1, uv=(0.1, 0.1)))
    assert command.post("live", act(task, 2, "done"))["ended"]
    workers = command.processes()
    command.run.terminate()
    assert command.run.wait(timeout=60) == 0
    wait_for_end(workers)

    desk = Service.open(folder)
    counts = [
        desk.store.read(lambda db, kind=kind: len(list(events.every(db, kind))))
        for kind in ("live", "live_answer")
    ]
    desk.close()
    assert counts == [7, 7]


def line_of(pid):
    with contextlib.suppress(OSError):
        return pathlib.Path(f"/proc/{pid}/cmdline").read_text()
    return ""
