"""Photographs and objects that are played without a job."""

import functools
import types

from rclicks_jax.benchmark import lockstep, play, questions, rollout
from rclicks_jax.benchmark.clock import Clock
from rclicks_jax.clicks import map_clicks
from rclicks_jax.jobs import meter, scheduler, work_units
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


def play_images(
    examples,
    segmenter,
    click_model,
    setup,
    *,
    places,
    threads=2,
    together=1,
    users=False,
    noted=None,
    processes=None,
):
    """Plays photographs as a benchmark does; returns an `ImageRecord` for each.

    `click_model` may be any `map_clicks.Answers`, too; `processes` are
    `HostProcesses`, or None.
    """
    player = play.ImagePlayer(
        setup, segmenter, users=users, together=together, in_processes=bool(processes)
    )
    noted = noted or meter.Meter()

    def image(example):
        source = types.SimpleNamespace(read=lambda: example)
        names = tuple(each.instance_id for each in example.instances)
        unit = work_units.Unit(example.dataset, example.image_id, names, source)
        return player.play(unit, None, lambda clicks: None, noted)

    people = click_model
    if not hasattr(click_model, "finish"):
        cut, empty_map = setup.protocol.group_cut, setup.protocol.empty_map
        people = map_clicks.OnHost(click_model, cut=cut, empty_map=empty_map)
    answerers = [
        *questions.segmenter_answerers(segmenter),
        scheduler.of_device(questions.CLICK_MODEL, people),
    ]
    if processes:
        answerers.append(questions.process_answerer(processes))
    limits = scheduler.Limits(places=places, bytes=1 << 40, threads=threads)
    return list(scheduler.run(map(image, examples), answerers, limits, noted))
