"""People click while the disk of a study is full; then there is room again.

python tests/programs/full_disk.py STUDY DISK HOW. DISK is a folder. With `full`, it is
on a small disk of its own, which is filled; with `limit`, files may not grow, which is
another error of the disk. Prints as JSON what was answered and what is stored.
"""

import errno
import itertools
import json
import pathlib
import resource
import shutil
import signal
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import collect_studies
from collect_visitors import TestClient, Visitor

from rclicks_jax.collection.web import admin

_PEOPLE = 6
_TROUBLE = "database cannot be used"


class Disk:
    """A disk on which there is no more room for a while."""

    def __init__(self, folder, how):
        self._filler, self._how = folder / "filler", how
        self._study = folder / "study"
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    def fill(self):
        """Takes all the room."""
        if self._how == "limit":
            size = (self._study / "study.db-wal").stat().st_size
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
            return
        with self._filler.open("wb", buffering=0) as file:
            try:
                while file.write(bytes(512)):
                    pass
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise

    def clear(self):
        """Gives the room back."""
        no_limit = resource.RLIM_INFINITY
        resource.setrlimit(resource.RLIMIT_FSIZE, (no_limit, no_limit))
        self._filler.unlink(missing_ok=True)


def play(study, disk, how):
    """Lets people click before, while and after the disk is full."""
    folder = pathlib.Path(shutil.copytree(study, disk / "study"))
    clock = collect_studies.Clock()
    desk = collect_studies.open_study(folder, clock)
    people = [Visitor(desk, clock).begin() for _ in range(_PEOPLE)]
    for number, person in enumerate(people):
        # Ids of events are random in browsers, and numbers here.
        person.sent = itertools.count(100 * number)
    owner = TestClient(
        admin.application(desk, "token"), base_url="http://127.0.0.1:8001"
    )
    acknowledged = []

    def send(person, event):
        answer = person.post("click", event)
        if answer.status_code == 200:
            acknowledged.append(event["client_id"])
        return answer.status_code, answer.json().get("problem", "")

    def click(person):
        task = person.next()
        clock.now += 7
        return person.click_on(task)

    first = [send(person, click(person)) for person in people]
    events = [click(person) for person in people]
    room = Disk(disk, how)
    room.fill()
    while_full = [send(*each) for each in zip(people, events, strict=True)]
    asked = people[0].post("next", {"device": events[0]["device"], "rested": True})
    seen = owner.get("/?token=token").text
    with tempfile.TemporaryDirectory() as copy:
        # What a power cut would leave now.
        room.clear() if how == "limit" else None
        for name in ("study.db", "study.db-wal"):
            shutil.copy(folder / name, copy)
        left = collect_studies.stored_clicks(pathlib.Path(copy) / "study.db")
    lost_now = sorted({*acknowledged} - {*left})
    room.clear()
    again = [send(*each) for each in zip(people, events, strict=True)]
    last = [send(person, click(person)) for person in people]
    calm = owner.get("/?token=token").text
    desk.close()
    return {
        "first": first,
        "while_full": while_full,
        "next_while_full": [asked.status_code, asked.json().get("problem", "")],
        "lost_in_a_power_cut": lost_now,
        "again": again,
        "last": last,
        "acknowledged": acknowledged,
        "stored": collect_studies.stored_clicks(folder / "study.db"),
        "owner": [_TROUBLE in seen, _TROUBLE in calm],
    }


if __name__ == "__main__":
    study, disk, how = sys.argv[1:]
    print(json.dumps(play(pathlib.Path(study), pathlib.Path(disk), how)))
