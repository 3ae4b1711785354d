"""Browsers without a page, which ask a server of this process."""

import itertools
import json

import collect_studies
import msgspec
import pytest
from collect_events import PC

from rclicks_jax.collection import messages
from rclicks_jax.collection.web import routes

# It warns that another library will be wanted for requests, which this hides.
TestClient = pytest.importorskip("starlette.testclient").TestClient
HOST = "http://testserver"
DEVICE = msgspec.to_builtins(PC)


class Visitor:
    """A browser without a page."""

    def __init__(self, desk, clock, **options):
        self.desk, self.clock = desk, clock
        self.http = TestClient(routes.application(desk, **options))
        self.session, self.visit = "", ""
        self.sent = itertools.count(1)

    def elsewhere(self, visit):
        """Returns the same person on another device, before the page is opened."""
        other = Visitor.__new__(Visitor)
        other.desk, other.clock, other.sent = self.desk, self.clock, self.sent
        other.http, other.session = TestClient(self.http.app), ""
        other.visit = visit
        return other

    def post(self, name, body, headers=None, **options):
        sent = {"Authorization": f"Bearer {self.session}"} if self.session else {}
        content = body if isinstance(body, (bytes, str)) else json.dumps(body)
        return self.http.post(
            f"/api/{name}",
            content=content,
            headers={"Content-Type": "application/json", **sent, **(headers or {})},
            **options,
        )

    def enter(self, **changes):
        here = {"platform": "open", "device": DEVICE, "visit": self.visit}
        answer = self.post("enter", {**here, **changes})
        self.session = answer.json().get("session", "")
        return answer

    def begin(self):
        """Enters, agrees and begins; returns itself."""
        self.enter()
        agreed = {"version": "1", "language": "en", "agreed": True}
        assert self.post("consent", agreed).status_code == 200
        assert self.post("begin", {}).status_code == 200
        return self

    def next(self):
        query = {"device": DEVICE, "rested": True, "visit": self.visit}
        return self.post("next", query).json()

    def click_on(self, task, **changes):
        """Returns a click in the middle of a task, as JSON values."""
        person = collect_studies.Person.__new__(collect_studies.Person)
        person.desk, person.device, person.number = self.desk, PC, 1
        person.sent = self.sent
        given = msgspec.convert(task, messages.Task)
        return msgspec.to_builtins(person.click_on(given)) | changes

    def look(self, task):
        for url in task["preload"]:
            assert self.http.get(url).status_code == 200
        self.clock.now += 7
