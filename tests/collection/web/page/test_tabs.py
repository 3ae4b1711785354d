"""Several tabs, and the back button."""

from collect_browser import PHONE, begin, click, wait_ready

from rclicks_jax.collection.study import tokens

BOTH = {"clicks": 40, "devices": ("pc", "mobile"), "block": 50}


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


def test_a_phone_takes_over_from_a_pc_which_says_so(serve, visit):
    served = serve(study={"per_person": 3}, assignment={**BOTH, "lease_s": 30})
    invited = tokens.invitation(served.desk.study.secret, 1)
    url = f"{served.url}/?platform=local&invitation={invited}"
    pc = visit()
    begin(pc, url)
    wait_ready(pc)
    phone = visit(**PHONE)
    phone.goto(url)
    wait_ready(phone)
    # The click of the PC is stored; then it says where to go on.
    click(pc)
    pc.get_by_text("on another device or in another window").wait_for()
    click(phone, touch=True)
    wait_ready(phone)
    pc.get_by_role("button", name="Go on here").click()
    click(pc)
    pc.locator(".code").wait_for()
    # Its task was taken over, so the phone says so when it asks for another one.
    phone.get_by_role("button", name="I cannot do this one").click()
    phone.get_by_text("on another device or in another window").or_(
        phone.locator(".code")
    ).wait_for()
    assert served.count("click") == 3
    assert served.states() == {"accepted": 3, "void": 1}
