"""Pages of the owner of a study."""

import collect_studies
import pytest
from collect_visitors import TestClient

from rclicks_jax.collection.web import admin


@pytest.fixture
def owner(started):
    app = admin.application(started.desk, "token-of-the-owner")
    return TestClient(app, base_url="http://127.0.0.1:8001")


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
