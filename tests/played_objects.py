"""Objects of one photograph that are played without a job."""

import functools

from rclicks_jax.benchmark import lockstep, questions, rollout
from rclicks_jax.benchmark.clock import Clock
from rclicks_jax.clicks import map_clicks
from rclicks_jax.jobs import meter, scheduler
from rclicks_jax.segmenters import load


def starting_on(example, spec):
    """Returns what starts trajectories of a segmenter on a photograph."""
    segmenter = load.load(spec)
    return functools.partial(segmenter.start, segmenter.encode(example.image))


class _Sessions:
    """A segmenter of which only sessions are asked."""

    lanes = 1


def run_alone(coroutine, click_model=None, setup=None):
    """Returns the result of a coroutine that asks sessions and a click model."""
    answerers = questions.segmenter_answerers(_Sessions())
    if click_model is not None:
        on_host = map_clicks.OnHost(
            click_model,
            cut=setup.protocol.group_cut,
            empty_map=setup.protocol.empty_map,
            on_device=setup.on_device,
        )
        answerers.append(scheduler.of_device(questions.CLICK_MODEL, on_host))
    limits = scheduler.Limits(places=1, bytes=1, threads=0)
    (result,) = scheduler.run(iter([coroutine]), answerers, limits, meter.Meter())
    return result


def play_objects(
    example,
    instances,
    start,
    click_model,
    setup,
    *,
    clock=None,
    watched=(),
    advance=lambda clicks: None,
):
    """Plays objects of a photograph together; returns a `PlayedObject` for each."""
    clock = clock or Clock()
    trajectories = len(setup.trajectory_keys())
    masks = [each.gt_mask for each in instances for _ in range(trajectories)]
    rollouts = [
        rollout.rollout(example, each, setup, clock, watched) for each in instances
    ]
    coroutine = lockstep.play(
        rollouts,
        start(masks),
        lane=0,
        trajectories=trajectories,
        advance=advance,
    )
    return run_alone(coroutine, click_model, setup)
