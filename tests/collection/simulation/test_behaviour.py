"""What bots plant: where they click, how fast, and who leaves."""

import statistics

import numpy as np
import pytest
from collect_events import STEPS, TASK

from rclicks_jax import errors
from rclicks_jax.collection import messages
from rclicks_jax.collection.service import judgement
from rclicks_jax.collection.simulation import behaviour
from rclicks_jax.collection.simulation.targets import Target
from rclicks_jax.settings.collection import (
    AssignmentSettings,
    CollectionConfig,
    JudgementSettings,
    SimulationSettings,
)

CONFIG = CollectionConfig()
QUIET = SimulationSettings(misses=0, double_posts=0, drop_outs=0, withdrawals=0)


def target():
    """Returns the target of a task, on which all pixels are alike."""
    y0, y1, x0, x1 = TASK.box
    inside = np.zeros((TASK.height, TASK.width), bool)
    inside[y0:y1, x0:x1] = True
    places = np.argwhere(inside).astype(np.int32)
    below = np.arange(1, len(places) + 1) / len(places)
    return Target(TASK, inside, np.zeros_like(inside), places, below)


def task(mode="Object_CutOut"):
    picture = messages.Picture(url="/a/x.webp", w=TASK.width, h=TASK.height)
    return messages.Task(
        assignment="a" * 22,
        token="t" * 22,
        lease_s=180,
        pace="timed",
        mode=mode,
        ask="object",
        steps=STEPS,
        image=picture,
        target=messages.Target(picture=picture),
        practice=False,
        done=0,
        of=60,
        preload=(),
    )


def bots(settings, count=400, config=CONFIG):
    return [behaviour.traits(settings, config, number) for number in range(count)]


def clicks(settings, mode="Object_CutOut", device=None):
    whole = target()
    return [
        behaviour.click(settings, bot, whole, task(mode))
        for bot in bots(settings)
        if device in (None, bot.device)
    ]


def test_the_same_bot_does_the_same_and_another_does_not():
    assert bots(QUIET) == bots(QUIET)
    assert clicks(QUIET) == clicks(QUIET)
    assert len({click.yx for click in clicks(QUIET)}) == 400
    other = SimulationSettings(seed=1, misses=0)
    assert not {c.yx for c in clicks(QUIET)} & {c.yx for c in clicks(other)}


def test_shares_of_bots_are_those_planted():
    settings = SimulationSettings(drop_outs=0.2, withdrawals=0.1, phones=0.3)
    made = bots(settings, 3000)
    leaving = [bot for bot in made if bot.leaves_after is not None]
    assert len(leaving) / 3000 == pytest.approx(0.3, abs=0.03)
    assert sum(b.withdraws for b in leaving) / 3000 == pytest.approx(0.1, abs=0.02)
    on_phone = sum(bot.device == "mobile" for bot in made)
    assert on_phone / 3000 == pytest.approx(0.3, abs=0.03)


def test_a_study_without_pcs_and_phones_has_no_bots():
    config = CollectionConfig(assignment=AssignmentSettings(devices=("pen",)))
    with pytest.raises(errors.BadValueError, match="pc or mobile among them"):
        behaviour.traits(QUIET, config, 0)


def test_a_pulled_mode_is_nearer_the_middle_by_the_share_that_was_planted():
    settings = SimulationSettings(misses=0, pulled="Silhouette_Mask", pull=0.4)
    y0, y1, x0, x1 = TASK.box
    middle = np.array([(y0 + y1) / 2, (x0 + x1) / 2])

    def distance(mode):
        places = np.array([click.yx for click in clicks(settings, mode)])
        return np.linalg.norm(places - middle, axis=1).mean()

    ratio = distance("Silhouette_Mask") / distance("Object_CutOut")
    assert ratio == pytest.approx(0.6, abs=0.06)


def test_phones_are_noisier_and_pcs_are_exact():
    settings = SimulationSettings(misses=0, phone_noise=1.5)
    noise = [part for c in clicks(settings, device="mobile") for part in c.noise]
    assert statistics.pstdev(noise) == pytest.approx(1.5 * TASK.radius, rel=0.15)
    assert {click.noise for click in clicks(settings, device="pc")} == {(0.0, 0.0)}


def test_times_have_the_mean_that_was_planted():
    settings = SimulationSettings(click_seconds=1.3)
    seconds = [click.seconds for click in clicks(settings)]
    assert statistics.mean(seconds) == pytest.approx(1.3, rel=0.05)


@pytest.mark.parametrize("missed", [False, True])
def test_the_server_accepts_all_but_what_misses(missed):
    settings = SimulationSettings(misses=float(missed), phone_noise=0, seed=3)
    whole = target()
    for bot in bots(settings, 20):
        click = behaviour.click(settings, bot, whole, task())
        event = behaviour.event(bot, click, whole, task())
        y, x = judgement.pixel(event.uv, TASK.height, TASK.width)
        taken = judgement.Click(
            message=event,
            given=judgement.Given("timed", STEPS, bot.device, 1, 0),
            issued=1000.0,
            received=1000 + behaviour.task_seconds(task(), click),
            fetched=True,
            x=x,
            y=y,
            distance=0.0 if whole.inside[y, x] else 100.0,
        )
        reasons = judgement.judge(taken, TASK, JudgementSettings())
        assert reasons == (("outside",) if missed else ())
