"""Lost connections, reloads, and a server that is restarted."""

import pytest
from collect_browser import begin, click, wait_ready


def test_a_click_without_a_connection_is_sent_later(serve, visit):
    served = serve(study={"per_person": 1})
    page = visit()
    begin(page, f"{served.url}/?platform=open")
    wait_ready(page)
    page.context.set_offline(True)
    click(page)
    page.get_by_text("There is no connection").wait_for()
    page.context.set_offline(False)
    page.locator(".code").wait_for()
    assert served.count("click") == 1


@pytest.mark.parametrize("came", [False, True], ids=["request lost", "answer lost"])
def test_a_click_survives_a_reload_exactly_once(serve, visit, came):
    served = serve(study={"per_person": 1})
    page = visit()
    begin(page, f"{served.url}/?platform=open")

    def lose(route):
        if came:
            route.fetch()
        route.abort()

    page.route("**/api/click", lose)
    click(page)
    page.get_by_text("There is no connection").wait_for()
    page.unroute("**/api/click")
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    page.locator(".code").wait_for()
    assert (served.count("click"), served.count("duplicate")) == (1, 0)


@pytest.mark.parametrize(
    "path", ["texts/*", "enter", "consent", "begin", "next", "finish", "*.webp"]
)
def test_a_lost_answer_at_any_step_is_asked_for_again(serve, visit, path):
    served = serve(study={"per_person": 1})
    page = visit()
    lost = []

    def lose(route):
        if len(lost) < 2:
            lost.append(route.request.url)
            route.fetch()
            route.abort()
        else:
            route.continue_()

    page.route(f"**/a/{path}" if path == "*.webp" else f"**/api/{path}", lose)
    begin(page, f"{served.url}/?platform=open")
    click(page)
    page.locator(".code").wait_for()
    if path == "finish":
        page.reload()
        page.locator(".code").wait_for()
    assert len(lost) == 2
    assert served.count("click") == 1


def test_a_restart_of_the_server_loses_nothing(serve, visit):
    served = serve(study={"per_person": 2})
    page = visit()
    begin(page, f"{served.url}/?platform=open")
    wait_ready(page)
    served.stop()
    click(page)
    page.get_by_text("There is no connection").wait_for()
    served.start()
    click(page)
    page.locator(".code").wait_for()
    assert [item.reasons for item in served.clicks()] == [(), ()]
