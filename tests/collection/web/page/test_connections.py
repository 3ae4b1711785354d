"""Lost connections, reloads, and a server that is restarted."""

import pytest
from collect_browser import begin, click, place, wait_ready


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


def test_a_connection_lost_at_every_step_costs_nothing(serve, visit):
    served = serve(
        practice={"count": 1},
        assignment={"clicks": 40, "devices": ("pc", "mobile"), "block": 1},
        study={"per_person": 2},
    )
    page = visit()

    def without_connection(act, *arguments):
        page.context.set_offline(True)
        act(*arguments)
        page.get_by_text("There is no connection").wait_for()
        page.context.set_offline(False)

    def press(name):
        page.get_by_role("button", name=name, exact=True).click()

    page.goto(f"{served.url}/?platform=open")
    page.get_by_role("button", name="I agree and take part").wait_for()
    without_connection(press, "I agree and take part")
    page.get_by_role("button", name="Begin").wait_for()
    without_connection(press, "Begin")
    page.locator(".layer.shown").wait_for()
    # From here to the click: photograph, what is meant, photograph, click.
    without_connection(click, page)
    page.locator(".card").wait_for()
    without_connection(press, "Go on")
    page.locator(".card").wait_for(state="detached")
    page.locator(".layer.shown").wait_for()
    without_connection(click, page)
    page.get_by_role("heading", name="Time for a break").wait_for()
    without_connection(press, "Go on")
    page.locator(".layer.shown").wait_for()
    without_connection(click, page)
    page.locator(".code").wait_for()
    kinds = ("click", "duplicate", "void")
    assert [served.count(kind) for kind in kinds] == [3, 0, 0]


def test_a_reload_at_every_step_costs_one_task_at_most(serve, visit):
    served = serve(
        assignment={"clicks": 40, "devices": ("pc", "mobile"), "block": 1},
        display={"before_ms": 60, "target_ms": 2500, "after_ms": 60,
                 "longest_side": 640},
        study={"per_person": 2},
    )  # fmt: skip
    page = visit()
    page.on("dialog", lambda dialog: dialog.accept())

    def again(wait):
        wait()
        page.reload()
        wait()

    def press(name):
        page.get_by_role("button", name=name, exact=True).click()

    page.goto(f"{served.url}/?platform=open")
    again(page.get_by_role("button", name="I agree and take part").wait_for)
    press("I agree and take part")
    again(page.get_by_role("button", name="Begin").wait_for)
    press("Begin")
    again(page.get_by_text("This is what is meant").wait_for)
    again(lambda: wait_ready(page))
    click(page)
    again(page.get_by_role("heading", name="Time for a break").wait_for)
    press("Go on")
    wait_ready(page)
    page.reload()
    # The pause comes again: nobody knows how long the page was away.
    press("Go on")
    click(page)
    again(page.locator(".code").wait_for)
    assert [served.count(kind) for kind in ("click", "duplicate")] == [2, 0]
    # Three reloads in a task, one task each; nobody sees a photograph twice.
    states = served.states()
    assert states == {"accepted": 2, "void": 3}


def test_a_live_act_survives_a_reload_exactly_once(serve, visit, disks):
    served = serve(
        live={"segmenter": "grabcut", "most_clicks": 1},
        study={"per_person": 1, "pace": "live"},
        options={"segmenter": disks},
    )
    page = visit()
    page.on("dialog", lambda dialog: dialog.accept())
    begin(page, f"{served.url}/?platform=open")
    page.get_by_role("button", name="Go on").click()
    box = wait_ready(page)
    page.context.set_offline(True)
    page.mouse.click(*place(box))
    page.get_by_text("There is no connection").wait_for()
    page.route("**/api/live", lambda route: route.abort())
    page.context.set_offline(False)
    page.unroute("**/api/live")
    page.reload()
    page.locator(".code").wait_for()
    assert len(disks.turns) == served.count("live") == 1


def test_a_full_disk_is_said_in_the_page_which_goes_on_when_there_is_room(serve, visit):
    served = serve(study={"per_person": 2})
    page = visit()
    begin(page, f"{served.url}/?platform=open")
    wait_ready(page)
    writer = served.desk.store._writer
    # The server says by when to come again; a test need not wait so long.
    page.route("**/api/*", hasty)
    writer.execute("PRAGMA query_only = ON")
    click(page)
    page.get_by_text("cannot store anything now. Your clicks are kept here").wait_for()
    writer.execute("PRAGMA query_only = OFF")
    click(page)
    page.locator(".code").wait_for()
    assert (served.count("click"), served.count("duplicate")) == (2, 0)


def hasty(route):
    """Passes an answer on without the time after which to come again."""
    answer = route.fetch()
    headers = {k: v for k, v in answer.headers.items() if k != "retry-after"}
    route.fulfill(response=answer, headers=headers)
