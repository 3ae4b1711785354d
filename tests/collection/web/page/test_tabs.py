"""Several tabs, and the back button."""

from collect_browser import begin, click, wait_ready


def test_one_tab_at_a_time_takes_part(serve, visit):
    served = serve(study={"per_person": 2})
    first = visit()
    begin(first, f"{served.url}/?platform=open")
    wait_ready(first)
    second = first.context.new_page()
    second.goto(f"{served.url}/?platform=open")
    second.get_by_role("button", name="Go on here").click()
    first.get_by_text("open in another tab").wait_for()
    click(second)
    click(second)
    second.locator(".code").wait_for()
    assert served.count("click") == 2


def test_the_back_button_costs_one_task(serve, visit):
    served = serve(study={"per_person": 2})
    page = visit()
    page.goto("about:blank")
    begin(page, f"{served.url}/?platform=open")
    click(page)
    wait_ready(page)
    page.go_back()
    page.go_forward()
    click(page)
    page.locator(".code").wait_for()
    assert served.count("click") == 2
