import pytest

from rclicks_jax import distributed, signals
from rclicks_jax.training import stopping


@pytest.fixture
def signal():
    return signals.StopRequest()


def test_alone_a_signal_stops_after_the_step(signal):
    stop = stopping.Stop(signal)
    assert not stop.is_due()
    signal.set("SIGTERM")
    assert stop.is_due()
    assert stop.is_due()
    assert stop.reason == "SIGTERM"


def test_another_process_passes_the_signal_on_and_takes_further_steps(
    signal, monkeypatch
):
    posts = []
    monkeypatch.setattr(distributed, "is_first", lambda: False)
    monkeypatch.setattr(distributed, "post", lambda *post: posts.append(post))
    stop = stopping.Stop(signal)
    assert not stop.is_due()
    assert posts == []
    signal.set("SIGTERM")
    assert not stop.is_due()
    assert not stop.is_due()
    assert posts == [("stop", "SIGTERM")]
    assert stop.reason == ""


def test_process_0_stops_for_another_but_seldom_asks(signal, monkeypatch):
    asked, posted = [], {}

    def ask(name):
        asked.append(name)
        return posted

    monkeypatch.setattr(distributed, "posted", ask)
    stop = stopping.Stop(signal)
    assert not any(stop.is_due() for _ in range(100))
    assert len(asked) < 2
    monkeypatch.setattr(stopping, "_ASK_SECONDS", 0.0)
    assert not stop.is_due()
    posted[2] = "SIGINT"
    assert stop.is_due()
    assert stop.reason == "SIGINT at process 2"
