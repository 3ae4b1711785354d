"""People who leave, do not agree, or may not enter."""

import pytest
from collect_browser import begin, click, wait_ready


def test_who_withdraws_in_a_task_is_erased(serve, visit):
    served = serve(study={"per_person": 3})
    page = visit()
    begin(page, f"{served.url}/?platform=open")
    click(page)
    wait_ready(page)
    page.get_by_role("button", name="Stop and leave").click()
    page.get_by_role("button", name="Leave, and delete what I did").click()
    page.get_by_text("What you did is deleted").wait_for()
    page.reload()
    page.get_by_text("You have left the study").wait_for()
    assert served.count("click") == 0


def test_who_stays_goes_on_with_another_task(serve, visit):
    served = serve(study={"per_person": 1})
    page = visit()
    begin(page, f"{served.url}/?platform=open")
    wait_ready(page)
    page.get_by_role("button", name="Stop and leave").click()
    page.get_by_role("button", name="Stay", exact=True).click()
    page.locator(".card").get_by_role("button").click()
    click(page)
    page.locator(".code").wait_for()
    assert served.count("click") == 1


def test_who_does_not_agree_is_thanked(serve, visit):
    served = serve()
    page = visit()
    page.goto(f"{served.url}/?platform=open")
    page.get_by_role("button", name="I do not take part").click()
    page.get_by_text("There is nothing for you to do").wait_for()


def test_an_invitation_that_is_not_valid_is_explained(serve, visit):
    served = serve()
    page = visit()
    page.goto(f"{served.url}/?platform=local&invitation=1-abc")
    page.get_by_text("This link is not valid").wait_for()


def test_scripts_in_titles_and_texts_are_shown_as_text(serve, visit):
    evil = "<img src=x onerror=alert(1)>"
    served = serve(study={"title": evil, "contact": evil, "per_person": 1})
    page = visit()
    page.on("dialog", lambda dialog: pytest.fail("A script ran."))
    page.goto(f"{served.url}/?platform=open")
    page.get_by_role("button", name="I agree and take part").wait_for()
    assert page.locator("header").inner_text() == evil
    assert page.locator("img").count() == 0
