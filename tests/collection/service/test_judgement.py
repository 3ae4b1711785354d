import dataclasses
import math

import hypothesis
import hypothesis.strategies as st
import msgspec
import pytest
from collect_events import PC, PHONE, STEPS, TASK, again, click, event, shown

from rclicks_jax.collection import messages, words
from rclicks_jax.collection.service import judgement
from rclicks_jax.settings.collection import JudgementSettings

POLICY = JudgementSettings()
ITEMS, ENABLED = shown()
WRONG = {
    "outside": click(distance=6.1),
    "too_fast": click({"enabled_t": ENABLED + 551}),
    "too_slow": click({"down": messages.Point(t=ENABLED + 20_001, x=170.0, y=120.0)}),
    "exposure": click(
        {"shown": (ITEMS[0], again(ITEMS[1], off=ITEMS[1].on + 1799), *ITEMS[2:])}
    ),
    "hidden": click({"hidden_ms": 1.0}),
    "resized": click({"resized": True}),
    "drag": click({"up": messages.Point(t=ENABLED + 900, x=180.1, y=120.0)}),
    "multi_touch": click({"primary": False}),
    "untrusted": click({"trusted": False}),
    "tiny": click({"uv": (0, 0), "rect": (170.0, 120.0, 60.0, 45.0),
                   "down": messages.Point(t=ENABLED + 700, x=170.0, y=120.0),
                   "up": messages.Point(t=ENABLED + 700, x=170.0, y=120.0)}),
    "clock": click(received=1004.7),
    "early": click({"enabled_t": ENABLED + 701}),
    "geometry": click({"rect": (13.0, 60.0, 320.0, 240.0)}),
    "not_fetched": click(fetched=False),
    "other_device": click({"pointer": "pen"}),
    "zoomed": click({"viewport": (1.5, 0.0, 0.0)}),
    "keyboard": click(
        {"pointer": "keyboard"},
        given=judgement.Given("timed", STEPS, "keyboard", 1, 0),
    ),
    "tablet": click(
        {"pointer": "touch"}, given=judgement.Given("timed", STEPS, "tablet", 1, 0)
    ),
}  # fmt: skip


def test_nothing_speaks_against_a_click_without_fault():
    assert judgement.judge(click(), TASK, POLICY) == ()


@pytest.mark.parametrize("reason", words.REASONS)
def test_each_fault_has_its_reason_and_no_other(reason):
    assert judgement.judge(WRONG[reason], TASK, POLICY) == (reason,)


@pytest.mark.parametrize("reason", words.REASONS)
def test_a_click_is_accepted_unless_a_hard_reason_speaks_against_it(reason):
    reasons = judgement.judge(WRONG[reason], TASK, POLICY)
    assert judgement.accepted(reasons) == (reason in words.SOFT_REASONS)


def test_what_is_stored_can_be_judged_again_by_another_tolerance():
    stored = msgspec.json.encode(click(distance=9.0))
    read = msgspec.json.decode(stored, type=judgement.Click)
    wider = dataclasses.replace(POLICY, tolerance=1.5)
    assert judgement.judge(read, TASK, POLICY) == ("outside",)
    assert judgement.judge(read, TASK, wider) == ()


def test_a_step_that_was_not_shown_is_wrong():
    missing = click({"shown": (*ITEMS[:1], *ITEMS[2:])})
    assert judgement.judge(missing, TASK, POLICY) == ("exposure",)


def test_a_step_that_was_shown_twice_is_wrong():
    twice = click({"shown": (ITEMS[0], ITEMS[1], ITEMS[1], *ITEMS[2:])})
    assert judgement.judge(twice, TASK, POLICY) == ("exposure",)


def test_a_step_within_a_tenth_of_its_time_is_right():
    late = again(ITEMS[1], off=ITEMS[1].on + 1801)
    assert (
        judgement.judge(click({"shown": (ITEMS[0], late, *ITEMS[2:])}), TASK, POLICY)
        == ()
    )


def test_a_task_without_steps_needs_no_times():
    free = judgement.Given("self_paced", (), "pc", 1, 0)
    assert judgement.judge(click({"shown": ()}, given=free), TASK, POLICY) == ()


def test_a_squeezed_picture_is_seen():
    point = messages.Point(t=ENABLED + 700, x=170.0, y=110.0)
    rect = (10.0, 60.0, 320.0, 200.0)
    squeezed = click({"rect": rect, "down": point, "up": point})
    assert judgement.judge(squeezed, TASK, POLICY) == ("geometry",)


@hypothesis.given(
    st.floats(0, 1), st.floats(0, 1), st.integers(1, 9000), st.integers(1, 9000)
)
@hypothesis.settings(
    deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
def test_every_place_has_a_pixel_of_the_frame(u, v, height, width):
    y, x = judgement.pixel((u, v), height, width)
    assert 0 <= x < width
    assert 0 <= y < height
    assert x <= u * width <= x + 1 + 1e-9 * width
    assert y <= v * height <= y + 1 + 1e-9 * height


@pytest.mark.parametrize(
    ("pointer", "device", "expected"),
    [
        ("mouse", PC, "pc"),
        ("touch", PHONE, "mobile"),
        ("touch", again(PHONE, screen=(820, 1180)), "tablet"),
        ("pen", PC, "pen"),
        ("keyboard", PC, "keyboard"),
    ],
)
def test_the_device_is_that_of_the_pointer(pointer, device, expected):
    assert judgement.device_of(pointer, device) == expected


def test_the_likely_device_is_that_of_the_main_pointer():
    assert judgement.likely_device(PC) == "pc"
    assert judgement.likely_device(PHONE) == "mobile"
    assert judgement.likely_device(again(PC, touch_points=10)) == "pc"


@pytest.mark.parametrize(
    ("failed", "controls", "rejected"),
    [(0, 3, False), (1, 1, False), (2, 3, True), (2, 7, False), (3, 9, True)],
)
def test_a_session_may_fail_some_control_tasks(failed, controls, rejected):
    reasons = judgement.judge_session(failed, controls, [], POLICY)
    assert ("session_control" in reasons) == rejected


def test_a_session_that_always_clicks_at_the_same_place_is_flagged():
    same = [(0.5 + 0.001 * i, 0.5) for i in range(15)]
    apart = [(0.5 + 0.01 * i, 0.5) for i in range(15)]
    assert judgement.judge_session(0, 0, same, POLICY) == ("session_same_place",)
    assert judgement.judge_session(0, 0, same[:14], POLICY) == ()
    assert judgement.judge_session(0, 0, apart, POLICY) == ()


def test_a_session_much_faster_than_the_others_is_flagged():
    medians = [800.0, 900.0, 1000.0, 1100.0, 1200.0, 200.0]
    assert judgement.hurried(medians, POLICY) == [False] * 5 + [True]


def test_two_sessions_cannot_be_compared():
    assert judgement.hurried([1000.0, 1.0], POLICY) == [False, False]


def test_messages_with_unknown_fields_are_refused():
    body = msgspec.json.encode(event())[:-1] + b',"more":1}'
    with pytest.raises(msgspec.ValidationError, match="more"):
        msgspec.json.decode(body, type=messages.ClickEvent)


@pytest.mark.parametrize(
    ("field", "value"),
    [("uv", "[0.5,1.5]"), ("uv", "[NaN,0]"), ("enabled_t", "1e400"), ("v", "2")],
)
def test_numbers_out_of_range_are_refused(field, value):
    values = msgspec.json.decode(msgspec.json.encode(event()))
    values[field] = "HERE"
    body = msgspec.json.encode(values).replace(b'"HERE"', value.encode())
    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(body, type=messages.ClickEvent)


def test_the_distance_of_a_drag_is_that_of_the_pointer():
    assert math.dist((0, 0), (6, 8)) == 10
    edge = messages.Point(t=ENABLED + 800, x=180.0, y=120.0)
    assert judgement.judge(click({"up": edge}), TASK, POLICY) == ()
