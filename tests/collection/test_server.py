"""What the web server answers and refuses, without a browser."""

import itertools
import json
import pathlib
import re
import subprocess
import sys
import time

import collect_studies
import httpx
import msgspec
import pytest
from collect_browser import Served
from collect_events import PC

from rclicks_jax import errors
from rclicks_jax.collection import (
    admin,
    event_messages,
    guards,
    messages,
    rates,
    server,
    serving,
    session_messages,
    task_messages,
)

starlette_client = pytest.importorskip("starlette.testclient")
HOST = "http://testserver"
EVIL = "<script>alert(1)</script>"
DEVICE = msgspec.to_builtins(PC)


class Visitor:
    """A browser without a page."""

    def __init__(self, desk, clock, **options):
        self.desk, self.clock = desk, clock
        self.http = starlette_client.TestClient(server.application(desk, **options))
        self.session = ""
        self.sent = itertools.count(1)

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
        answer = self.post("enter", {"platform": "open", "device": DEVICE, **changes})
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
        return self.post("next", {"device": DEVICE, "rested": True}).json()

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


@pytest.fixture
def visitor(opened, clock):
    def make(**changes):
        return Visitor(opened(**changes), clock)

    return make


@pytest.fixture
def started(visitor):
    return visitor().begin()


# ----- What works -----


def test_a_session_goes_through_all_addresses(started):
    for _ in range(4):
        task = started.next()
        started.look(task)
        beat = {"assignment": task["assignment"]}
        assert started.post("heartbeat", beat).json()["open"]
        answer = started.post("click", started.click_on(task))
        assert (answer.status_code, answer.json()["stored"]) == (200, "new")
    assert started.next()["kind"] == "finish"
    assert started.post("finish", {}).json()["ending"] == "complete"


def test_the_same_click_twice_is_stored_once(started):
    task = started.next()
    started.look(task)
    click = started.click_on(task)
    assert started.post("click", click).json()["stored"] == "new"
    answer = started.post("click", click)
    assert (answer.status_code, answer.json()["stored"]) == (200, "again")


def test_another_click_of_a_task_is_a_conflict(started):
    task = started.next()
    started.look(task)
    started.post("click", started.click_on(task))
    answer = started.post("click", started.click_on(task, client_id="z" * 22))
    assert (answer.status_code, answer.json()["stored"]) == (409, "duplicate")


def test_a_look_with_the_key_is_no_data(visitor):
    person = visitor()
    key = server.preview_key(person.desk)
    assert person.enter(parameters={"preview": key}).json()["test"]
    assert not person.enter(parameters={"preview": key[:-1] + "!"}).json()["test"]


def test_a_picture_is_webp_and_asked_for_again(started):
    url = started.next()["image"]["url"]
    answer = started.http.get(url)
    assert answer.headers["content-type"] == "image/webp"
    assert answer.headers["cache-control"] == "private, no-cache"
    headers = {"If-None-Match": answer.headers["etag"]}
    assert started.http.get(url, headers=headers).status_code == 304


def test_texts_have_language_and_direction(visitor):
    answer = visitor(study={"languages": ("en", "ar")}).http.get("/api/texts/ar-EG")
    assert (answer.json()["language"], answer.json()["direction"]) == ("ar", "rtl")


def test_the_web_process_never_imports_jax():
    code = (
        "import sys; from rclicks_jax.collection import admin, serving, server; "
        "assert not {'jax', 'flax', 'tensorflow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# ----- Attacks -----


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
    from rclicks_jax.collection import judging
    from rclicks_jax.collection.store import events

    (event,) = desk.store.read(lambda db: list(events.every(db, "click")))
    return msgspec.json.decode(event.content, type=judging.JudgedClick).reasons


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


def test_a_slow_body_is_given_up(opened, clock, monkeypatch):
    monkeypatch.setattr(guards.body, "__defaults__", (messages.Limits(seconds=0.2),))
    desk = opened()
    served = Served.__new__(Served)
    served.desk, served._options = desk, {}
    served.port = 0
    served.start()
    port = served._server.servers[0].sockets[0].getsockname()[1]

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


# ----- What is told -----


IDS = r'/a/[\w-]+\.webp|"(assignment|token)":"[^"]*"'


def test_nothing_of_a_task_says_stem_mask_data_or_control(visitor):
    person = visitor(
        names=("stemone", "stemtwo", "stemsix", "stemten", "stemfive", "stemnine"),
        control={"count": 1, "every": 1},
        study={"per_person": 5, "title": "T"},
    ).begin()
    texts = [person.http.get("/").text]
    for _ in range(5):
        answer = person.post("next", {"device": DEVICE, "rested": True})
        texts.append(answer.text)
    # Random ids may have any letters.
    told = re.sub(IDS, "", " ".join(texts)).lower()
    for secret in ("stem", "mask_", "gt_", "folder:", "control", "gold", 'fn"', "box"):
        assert secret not in told


def test_every_answer_has_the_headers_of_security(started):
    for answer in (
        started.http.get("/"),
        started.http.get("/nothing"),
        started.post("begin", {}),
        started.post("begin", "["),
        started.http.get(started.next()["image"]["url"]),
    ):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"


def test_platforms_may_show_the_pages_in_a_frame():
    assert "frame-ancestors https://a.example" in guards.policy(["https://a.example"])


@pytest.mark.parametrize("secure", [True, False])
def test_the_cookie_is_for_pictures_alone(opened, clock, secure):
    answer = Visitor(opened(), clock, secure=secure).enter()
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert ("secure" in cookie) == secure
    assert answer.json()["session"] not in answer.headers["set-cookie"]


def test_a_title_with_a_script_is_text(visitor):
    page = visitor(study={"title": EVIL}).http.get("/").text
    assert EVIL not in page
    assert "&lt;script&gt;" in page


def test_lines_of_requests_have_no_ids_and_no_addresses(started, caplog):
    with caplog.at_level("INFO", logger=guards.REQUESTS.name):
        task = started.next()
        started.http.get(task["image"]["url"] + "?participant=p1")
        started.http.get("/nothing/secret-person")
    lines = "\n".join(record.getMessage() for record in caplog.records)
    assert "POST /api/next 200" in lines
    assert "GET /a/{name} 200" in lines
    for secret in (task["image"]["url"], "p1", "secret-person", "testclient"):
        assert secret not in lines


# ----- Pages of the owner -----


@pytest.fixture
def owner(started):
    app = admin.application(started.desk, "token-of-the-owner")
    return starlette_client.TestClient(app, base_url="http://127.0.0.1:8001")


@pytest.mark.parametrize(
    "query", ["", "?token=", "?token=token-of-the-owne", "?token=é"]
)
def test_the_owners_pages_need_the_token(owner, query):
    for path in ("/", "/task/x", "/picture/x", "/admin.css"):
        assert owner.get(path + query).status_code == 403


def test_the_owners_pages_are_not_found_by_another_name(owner):
    headers = {"Host": "evil.example:8001"}
    answer = owner.get("/?token=token-of-the-owner", headers=headers)
    assert answer.status_code == 403


def test_the_owner_sees_progress_reasons_and_clicks(started, owner):
    task = started.next()
    started.clock.now += 7
    started.post("click", started.click_on(task))
    page = owner.get("/?token=token-of-the-owner").text
    assert "not_fetched" in page
    assert "Object_CutOut" in page
    (found,) = {
        facts.task_id
        for facts in collect_studies.facts_of(started.desk)
        if facts.image in task["image"]["url"]
    }
    assert '<circle class="bad"' in owner.get(f"/task/{found}").text
    assert owner.get("/task/nothing").status_code == 404


# ----- Serving -----


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "study.example"])
def test_a_public_address_needs_a_proxy(host):
    with pytest.raises(errors.BadValueError, match="--behind_proxy"):
        serving.Options(host=host)
    assert serving.Options(host=host, behind_proxy=True).host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_this_machine_needs_no_proxy(host):
    assert serving.Options(host=host).host == host


def test_a_signal_ends_the_command_with_all_stored(opened):
    folder = opened().study.folder
    run = subprocess.Popen(
        [
            *(sys.executable, "-c"),
            "import sys, pathlib; from rclicks_jax.collection import serving; "
            "print(serving.serve(pathlib.Path(sys.argv[1]), serving.Options(port=0),"
            " lambda line: print(line, flush=True)))",
            str(folder),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert run.stdout is not None
    lines = [run.stdout.readline() for _ in range(6)]
    address = re.search(r"http://127\.0\.0\.1:\d+/", " ".join(lines))
    assert address, lines
    assert httpx.get(address[0]).status_code == 200
    run.terminate()
    assert run.communicate(timeout=30)[0].strip().endswith("SIGTERM")
    assert run.returncode == 0


# ----- The contract -----


def test_types_of_the_pages_have_the_fields_of_the_messages():
    folder = pathlib.Path(server.__file__).parent / "web"
    text = (folder / "types.js").read_text()
    found = {
        name: set(re.findall(r"(\w+): ", re.sub(r"kind: \"\w+\", ", "", fields)))
        for fields, name in re.findall(r"@typedef \{\{(.*)\}\} (\w+)", text)
    }
    modules = (session_messages, task_messages, event_messages, messages)
    for name, fields in found.items():
        kinds = [getattr(m, name) for m in modules if hasattr(m, name)]
        assert fields == set(kinds[0].__struct_fields__), name
