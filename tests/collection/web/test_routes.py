"""Addresses of the server, and what they answer."""

import subprocess
import sys

from rclicks_jax.collection.web import routes


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
    key = routes.preview_key(person.desk)
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
        "import sys; from rclicks_jax.collection.web import admin, server, routes; "
        "assert not {'jax', 'flax', 'tensorflow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
