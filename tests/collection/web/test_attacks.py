"""What the server refuses."""

import contextlib
import re
import socket
import time

import collect_studies
import httpx
import msgspec
import pytest
from collect_browser import Served
from collect_visitors import DEVICE, Visitor

from rclicks_jax.collection import messages
from rclicks_jax.collection.web import guards, rates


def test_a_forged_token_of_a_task_is_refused(started):
    task = started.next()
    started.look(task)
    answer = started.post("click", started.click_on(task, token="f" * 22))
    assert (answer.status_code, answer.json()["problem"]) == (400, "bad_token")


def test_a_click_with_the_session_of_another_is_refused(started):
    other = Visitor(started.desk, started.clock).begin()
    task = started.next()
    started.look(task)
    answer = other.post("click", other.click_on(task))
    assert (answer.status_code, answer.json()["problem"]) == (400, "bad_token")


def test_a_click_that_is_sooner_than_its_steps_is_rejected(started):
    task = started.next()
    started.look(task)
    started.clock.now -= 6
    started.post("click", started.click_on(task))
    assert "clock" in reasons(started.desk)


def test_a_click_without_its_pictures_is_rejected(started):
    task = started.next()
    started.clock.now += 7
    started.post("click", started.click_on(task))
    assert reasons(started.desk) == ("not_fetched",)


def test_a_click_after_a_restart_is_not_blamed_for_its_pictures(started):
    task = started.next()
    started.look(task)
    again = Visitor(started.desk, started.clock)
    again.session, again.http.cookies = started.session, started.http.cookies
    again.post("click", again.click_on(task))
    assert reasons(started.desk) == ()


def reasons(desk):
    from rclicks_jax.collection.service import judgement
    from rclicks_jax.collection.store import events

    (event,) = desk.store.read(lambda db: list(events.every(db, "click")))
    return msgspec.json.decode(event.content, type=judgement.JudgedClick).reasons


@pytest.mark.parametrize(
    "token", ["", "x", "a" * 22 + "." + "b" * 22, "\u00e9", "a" * 5000]
)
def test_a_session_token_of_nobody_is_refused(visitor, token):
    person = visitor()
    person.enter()
    person.session = ""
    headers = {"Authorization": b"Bearer " + token.encode()}
    answer = person.post("next", {"device": DEVICE}, headers)
    assert (answer.status_code, answer.json()["problem"]) == (401, "no_session")


def test_a_cookie_alone_is_no_session(started):
    started.session = ""
    assert started.post("next", {"device": DEVICE}).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
@pytest.mark.parametrize("path", ["enter", "withdraw"])
def test_requests_of_other_pages_are_refused(started, path, headers):
    answer = started.post(path, {"erase": True}, headers)
    assert answer.status_code == 403


def test_a_form_is_refused(started):
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert started.post("begin", "a=b", kind).status_code == 415


@pytest.mark.parametrize(
    "path",
    [
        "/a/..%2f..%2fsecret.webp",
        "/a/../secret",
        "/a/%2e%2e/%2e%2e/study.db",
        "/a/....webp",
        "/a/" + "a" * 22 + ".webp",
        "/a/" + "a" * 22,
        "/a/x%00.webp",
        "/w/x/main.js",
        "/w/../../study.toml",
        "/private/masks/a.png",
        "/study.toml",
        "/secret",
        "//etc/passwd",
    ],
)
def test_no_path_of_a_request_reaches_a_file(started, path):
    answer = started.http.get(path)
    assert answer.status_code in (404, 405)
    assert len(answer.content) < 100


def test_a_file_that_is_no_picture_of_the_study_is_not_served(started):
    folder = started.desk.study.folder
    (folder / "assets" / "mask.webp").write_bytes(b"x")
    assert started.http.get("/a/mask.webp").status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"device": NaN}',
        b'{"v": 1e400}',
        b'{"v": ' + b"9" * 4000 + b"}",
        b"[" * 8000,
        b'{"a":' * 1500,
        b"\xff\xfe",
        b'{"unknown": 1}',
        b'{"v": 2}',
    ],
    ids=range(11),
)
def test_bodies_that_are_no_message_are_refused(started, body):
    for path in ("next", "begin", "click", "device"):
        answer = started.post(path, body)
        assert (answer.status_code, answer.json()["problem"]) == (400, "bad_request")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("uv", [2, 0.5]),
        ("uv", [-1e-9, 0.5]),
        ("uv", [0.5]),
        ("early_clicks", 1e300),
        ("early_clicks", 2**70),
        ("enabled_t", -1),
        ("rect", [1e9, 0, 1, 1]),
        ("client_id", "../../../../etc/passwd"),
        ("pointer", "eye"),
    ],
)
def test_numbers_out_of_their_bounds_are_refused(started, field, value):
    task = started.next()
    started.look(task)
    answer = started.post("click", started.click_on(task, **{field: value}))
    assert answer.status_code == 400
    assert started.desk.store.read(lambda db: count(db)) == 0


def count(db):
    from rclicks_jax.collection.store import events

    return events.count(db)


@pytest.mark.parametrize("told", [True, False], ids=["told", "in parts"])
def test_a_giant_body_is_refused(started, told):
    big = b'{"a": "' + b"x" * 20_000 + b'"}'
    answer = started.http.post(
        "/api/begin",
        content=big if told else iter([big[:9000], big[9000:]]),
        headers={
            "Content-Type": "application/json",
            "Authorization": f"Bearer {started.session}",
        },
    )
    assert answer.status_code == 413


def serve(desk):
    """Returns a server of an open study, and its port."""
    served = Served.__new__(Served)
    served.desk, served._options = desk, {}
    served.port = 0
    served.start()
    return served, served._server.servers[0].sockets[0].getsockname()[1]


def test_a_slow_body_is_given_up(opened, clock, monkeypatch):
    monkeypatch.setattr(guards.body, "__defaults__", (messages.Limits(seconds=0.2),))
    served, port = serve(opened())

    def drops():
        yield b'{"device'
        time.sleep(1)
        yield b'": 1}'

    answer = httpx.post(
        f"http://127.0.0.1:{port}/api/enter",
        content=drops(),
        headers={"Content-Type": "application/json"},
    )
    served.stop()
    assert answer.status_code == 408


@pytest.mark.parametrize("never_ends", [b"GET / HTTP/1.1\r\nX: ", b"GET /"])
def test_a_request_without_an_end_is_given_up(opened, never_ends):
    served, port = serve(opened())
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.settimeout(30)
        sent = connection.send(never_ends)
        with contextlib.suppress(ConnectionError):
            while sent < 50 << 20:
                sent += connection.send(b"x" * (64 << 10))
    served.stop()
    # What the kernel holds counts, too.
    assert sent < 50 << 20


def test_a_flood_of_a_session_is_told_to_wait(visitor):
    person = visitor(limits={"events_a_minute": 5})
    person.enter()
    answers = [person.post("begin", {}) for _ in range(7)]
    assert [answer.status_code for answer in answers][-2:] == [429, 429]
    assert answers[-1].json()["retry"]
    assert "retry-after" in answers[-1].headers


def test_buckets_fill_again():
    clock = collect_studies.Clock()
    limited = rates.Rates(60, 2, clock)
    assert [limited.wait("a") > 0 for _ in range(3)] == [False, False, True]
    clock.now += 1
    assert limited.wait("a") == 0
    assert limited.wait("b") == 0


def test_ids_cannot_be_enumerated(started):
    task = started.next()
    ids = [task["assignment"], task["token"], task["image"]["url"][3:-5]]
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{22}", item) for item in ids)
    near = ids[0][:-1] + ("A" if ids[0][-1] != "A" else "B")
    assert not started.post("heartbeat", {"assignment": near}).json()["open"]
