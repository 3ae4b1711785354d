"""What answers and lines of requests never tell."""

import re

import pytest
from collect_visitors import DEVICE, Visitor

from rclicks_jax.collection.web import guards

EVIL = "<script>alert(1)</script>"


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
