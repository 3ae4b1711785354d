"""Live rounds through the server: seats, failures, and a whole session by HTTP."""

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
import msgspec
import numpy as np
import pytest
from collect_events import PC, event
from collect_visitors import Visitor

from rclicks_jax.collection import messages
from rclicks_jax.collection.service import live_rounds
from rclicks_jax.collection.service.answers import Service
from rclicks_jax.collection.service.desk import refusal
from rclicks_jax.collection.store import assignments, cells, events
from rclicks_jax.collection.tasks import demand, later_rounds

DEVICE = msgspec.to_builtins(PC)
LIVE = {
    "study": {"pace": "live", "per_person": 3},
    "live": {"segmenter": "random_walker", "most_clicks": 5, "seats": 1},
    "assignment": {"clicks": 9, "devices": ("pc",), "block": 2},
}
ROOT = pathlib.Path(__file__).parents[3]


def act(task, number, name="click", uv=(0.5, 0.5), **changes):
    """Returns an act in a live task, as JSON values."""
    return {
        "client_id": f"act{number:05}{task['assignment'][:14]}",
        "assignment": task["assignment"],
        "token": task["token"],
        "number": number,
        "act": name,
        "uv": uv if name == "click" else None,
        "t": 2000.0 * (number + 1),
        "shown_t": 2000.0 * number + 500,
        "pointer": "mouse",
        "rect": [0.0, 0.0, 64.0, 48.0],
        "device": DEVICE,
        **changes,
    }


# ----- A server of this process, and a segmenter that does as it is told -----


class Told:
    """A segmenter that answers all or nothing."""

    rests = False

    def __init__(self):
        self.fails = False
        self.prepared = []

    def prepare(self, photograph):
        self.prepared.append(photograph.assignment)

    async def ask(self, turn):
        if self.fails:
            raise refusal(409, "segmenter", "It failed.")
        return np.ones((turn.photograph.height, turn.photograph.width), bool), 7.0


@pytest.fixture
def told():
    return Told()


@pytest.fixture
def desk(opened):
    return opened(**LIVE)


def visitor(desk, clock, segmenter):
    return Visitor(desk, clock, segmenter=segmenter).begin()


def people(desk, clock, segmenter, count):
    """Returns visitors of one server."""
    first = visitor(desk, clock, segmenter)
    made = [first]
    for _ in range(count - 1):
        other = Visitor.__new__(Visitor)
        other.desk, other.clock, other.http = desk, clock, first.http
        other.session, other.sent = "", first.sent
        made.append(other.begin())
    return made


def asks(person):
    return person.post("next", {"device": DEVICE, "rested": True})


def test_who_finds_no_seat_waits_without_a_task(desk, clock, told):
    one, other = people(desk, clock, told, 2)
    task = asks(one).json()
    assert told.prepared == [task["assignment"]]
    waits = asks(other)
    assert (waits.status_code, waits.json()["problem"]) == (503, "no_seat")
    assert waits.json()["retry"]
    # Nothing was shown: no photograph is used up.
    session = desk.session_id(other.session)
    assert desk.store.read(lambda db: assignments.of_session(db, session)) == []
    one.post("withdraw", {"erase": False})
    assert asks(other).json()["kind"] == "task"


def once(desk, clock, told, count, share=1.0, **changes):
    """Returns people of a study in which objects have one click, too."""
    live = {**LIVE["live"], "first_clicks": share}
    made = desk(**{**LIVE, "live": live, **changes})
    return made, people(made, clock, told, count)


def clicked(desk, clock, person, task):
    """Sends a click in the middle of a timed task; returns the answer."""
    given = msgspec.convert(task, messages.Task)
    clock.wait(sum(step.ms for step in given.steps) / 1000 + 1)
    message = event(
        client_id=f"click{task['assignment'][:20]}",
        assignment=given.assignment,
        token=given.token,
        uv=(0.5, 0.5),
        steps=given.steps,
        shape=(given.image.h, given.image.w),
    )
    return person.post("click", msgspec.to_builtins(message))


def test_who_waits_gets_a_first_click_and_keeps_the_place(opened, clock, told):
    desk, (one, other, third) = once(opened, clock, told, 3, 0.999)
    rank = "UPDATE tasks SET rank = ? WHERE task_id = (SELECT MIN(task_id) FROM tasks)"
    desk.store.write(lambda db: db.execute(rank, (demand.RANKS - 1,)) and None).result()
    task = asks(one).json()
    assert (task["pace"], task["most_clicks"]) == ("live", 5)
    meanwhile = asks(other).json()
    assert (meanwhile["pace"], meanwhile["most_clicks"]) == ("timed", 0)
    assert len(meanwhile["steps"]) == 4
    assert told.prepared == [task["assignment"]]
    # A segmenter answers no such task, and a live task has no single click.
    assert other.post("live", act(meanwhile, 0)).status_code == 400
    assert asks(third).json()["pace"] == "timed"
    one.post("withdraw", {"erase": False})
    # The seat is free, but not for who came later.
    assert asks(third).json()["pace"] == "timed"
    assert clicked(desk, clock, other, meanwhile).json()["stored"] == "new"
    stored = desk.store.read(lambda db: assignments.find(db, meanwhile["assignment"]))
    assert stored is not None
    assert stored.state in ("accepted", "rejected")
    following = asks(other).json()
    assert following["done"] == 1
    assert following["pace"] == "live"
    assert told.prepared[-1] == following["assignment"]
    refused = clicked(desk, clock, other, {**following, "steps": meanwhile["steps"]})
    assert refused.status_code == 400


def test_who_waits_gets_a_later_round(opened, clock, told, tmp_path):
    desk = opened(**LIVE, limits={"region_px": 1, "region_share": 0})
    added = later_rounds.add_distortions(desk.study, desk.store, ["part_lost"])
    assert added.tasks["fn"] > 0
    one, other = people(desk, clock, told, 2)
    assert asks(one).json()["pace"] == "live"
    meanwhile = asks(other).json()
    assert (meanwhile["pace"], meanwhile["ask"]) == ("timed", "missing")


def test_without_a_live_task_left_a_seat_is_free_for_others(opened, clock, told):
    _, (one, other) = once(opened, clock, told, 2)
    assert asks(one).json()["pace"] == "timed"
    assert asks(other).json()["pace"] == "timed"
    assert told.prepared == []


def test_practice_of_who_waits_is_of_one_click(opened, clock, told):
    practice = {"count": 1, "every": 1, "images": ("a",)}
    _, (one, other) = once(opened, clock, told, 2, 0.0, practice=practice)
    assert asks(one).json()["pace"] == "live"
    meanwhile = asks(other).json()
    assert (meanwhile["practice"], meanwhile["pace"]) == (True, "timed")


def test_a_pause_frees_a_seat(desk, clock, told):
    one, other = people(desk, clock, told, 2)
    for _ in range(2):
        task = asks(one).json()
        assert one.post("live", act(task, 0)).status_code == 200
        assert one.post("live", act(task, 1, "done")).json()["ended"]
        assert asks(other).json()["problem"] == "no_seat"
    unrested = one.post("next", {"device": DEVICE, "rested": False})
    assert unrested.json()["kind"] == "pause"
    assert asks(other).json()["kind"] == "task"


def test_a_failure_is_told_keeps_the_acts_and_costs_one_photograph(desk, clock, told):
    person = visitor(desk, clock, told)
    task = asks(person).json()
    assert person.post("live", act(task, 0)).status_code == 200
    told.fails = True
    failed = person.post("live", act(task, 1, uv=(0.2, 0.2)))
    assert (failed.status_code, failed.json()["problem"]) == (409, "segmenter")
    assert not failed.json()["retry"]
    stored = desk.store.read(lambda db: live_rounds.acts_of(db, task["assignment"]))
    assert [item.message.number for item in stored] == [0, 1]
    told.fails = False
    # The same act may still be answered, as after a restart of the server.
    assert person.post("live", act(task, 1, uv=(0.2, 0.2))).json()["clicks"] == 2
    following = asks(person).json()
    assert following["image"] != task["image"]
    given = desk.store.read(lambda db: assignments.find(db, task["assignment"]))
    assert given is not None
    assert given.state == "void"


def test_a_failure_at_the_last_click_fills_no_place(desk, clock, told):
    person = visitor(desk, clock, told)
    task = asks(person).json()
    for number in range(4):
        person.post("live", act(task, number))
    told.fails = True
    assert person.post("live", act(task, 4)).status_code == 409
    given = desk.store.read(lambda db: assignments.find(db, task["assignment"]))
    assert given is not None
    assert given.state == "void"
    assert sum(fill.accepted for fill in desk.store.read(cells.fills)) == 0
    assert asks(person).json()["done"] == 0


def test_nobody_gets_a_task_while_the_segmenter_rests(desk, clock, told):
    person = visitor(desk, clock, told)
    told.rests = True
    assert asks(person).json()["problem"] == "busy"
    told.rests = False
    assert asks(person).json()["kind"] == "task"


# ----- A server and a segmenter in processes of their own -----


class Command:
    """`serve` of a study as a process, and one person who asks it by HTTP."""

    def __init__(self, folder):
        self.run = subprocess.Popen(
            [
                *(sys.executable, "-c"),
                "import sys, pathlib; from rclicks_jax.collection.web import server; "
                "server.serve(pathlib.Path(sys.argv[1]), server.Options(port=0), "
                "lambda line: print(line, flush=True))\n"
                "assert 'jax' not in sys.modules",
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
        return below(self.run.pid)


def below(pid):
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # The name of a program may have brackets and spaces.
            fields = path.read_text().rpartition(")")[2].split()
            if int(fields[1]) == pid:
                child = int(path.parent.name)
                found += [child, *below(child)]
    return found


def is_running(pid):
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return text.rpartition(")")[2].split()[0] != "Z"


def wait_for_end(pids):
    deadline = time.monotonic() + 60
    while any(map(is_running, pids)):
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
