"""Times rounds of 11 trajectories of many photographs, without any network.

    python tests/perf/rounds.py [--data=DIR]

Masks, click maps and clicks are made before and handed out, so what is left is this
project's own work between two passes: error regions, robot clicks, draws, scores. With
stand-ins that take time without the processor, it shows what waits for what. With
`--data`, a folder as the tests take it, it shows how full passes are.
"""

import argparse
import contextlib
import functools
import itertools
import multiprocessing
import os
import pathlib
import threading
import time

import numpy as np
import page
import played
from timing import wait_until_idle

from rclicks_jax.benchmark import host_processes
from rclicks_jax.benchmark.setup import Setup
from rclicks_jax.bridge import keeper
from rclicks_jax.data import packages, specs
from rclicks_jax.jobs import meter, utilisation, work_units
from rclicks_jax.networks import cards, clickability, infer
from rclicks_jax.segmenters import load
from rclicks_jax.settings import networks, protocols

SHAPES = ((480, 640), (1500, 2000))
ROUNDS, TRAJECTORIES = 20, 11
SETUP = Setup(protocols.PAPER, 0, tuple(range(1, 11)), True, 1)
REPEATS, TURNS = 3, 5
# Passes of 80 maps that take 50 ms; the segmenter takes as long for all objects.
PASS, PASS_SECONDS, OBJECTS = 80, 0.05, 211
MAPS = ROUNDS * 10 - 9
DATA = ("GrabCut", "Berkeley", "DAVIS", "COCO_MVal")


def host_row(shape):
    """Processor time of a trajectory and round: draws here, draws on a device.

    The latter also with a process that finds mistakes: of all, and of this process.
    """
    example = played.example_of(*shape)
    segmenter = played.Prepared(example.instances[0].gt_mask, ROUNDS, TRAJECTORIES)

    def taken(people, processes=None):
        """Milliseconds of this process, and of this and the other."""
        times = []
        for _ in range(REPEATS + 1):
            wait_until_idle(5)
            own, other = time.process_time(), seconds_of_processes()
            played.play_images(
                [example],
                segmenter,
                people,
                SETUP,
                places=1,
                threads=0,
                processes=processes,
            )
            own, other = time.process_time() - own, seconds_of_processes() - other
            times.append([own, own + other])
        return 1000 * np.min(times[1:], axis=0) / (ROUNDS * TRAJECTORIES)

    here, _ = taken(played.PreparedMaps(shape))
    device, _ = taken(played.Elsewhere())
    with host_processes.HostProcesses(1) as processes:
        own, both = taken(played.Elsewhere(), processes)
    cells = [f"{each:.2f}" for each in (here, device, both, own)]
    return f"| {shape[0]}x{shape[1]} | {' | '.join(cells)} |"


def seconds_of_processes():
    """Processor time of the processes that this one has started; each has a thread."""
    schedules = (
        pathlib.Path(f"/proc/{pid}/schedstat")
        for pid in keeper.descendants(os.getpid())
    )
    return sum(int(each.read_text().split()[0]) for each in schedules) / 1e9


def cores_row(shape, count):
    """Wall time of some photographs on one core, and on two in several ways.

    One core has one thread and no process: it loses nothing between any two. The ways
    take turns, since a virtual machine is not as fast at all times: medians of times,
    and of the ratios of each turn.
    """
    with contextlib.ExitStack() as stack:
        ways = [functools.partial(seconds_of_play, shape, count, 1, 1)]
        ways += [functools.partial(seconds_of_play, shape, count, 2, 2)]
        for workers in (2, 3):
            processes = stack.enter_context(host_processes.HostProcesses(workers))
            ways.append(functools.partial(ways[1], processes))
        ways.append(stack.enter_context(side_by_side(shape, count // 2)))
        turns = np.array([[when_idle(way) for way in ways] for _ in range(TURNS)])
    one, *others = np.median(turns, axis=0)
    ratios = np.median(turns[:, :1] / turns[:, 1:], axis=0)
    cells = [
        f"{each:.2f} ({ratio:.2f})" for each, ratio in zip(others, ratios, strict=True)
    ]
    return f"| {shape[0]}x{shape[1]} | {one:.2f} | {' | '.join(cells)} |"


def when_idle(way):
    """Returns how long a way takes, after others have left the cores."""
    wait_until_idle(5)
    return way()


@functools.cache
def prepared(shape, count):
    """Returns some photographs and a segmenter; a process makes them once."""
    examples = [played.example_of(*shape, number) for number in range(count)]
    mask = examples[0].instances[0].gt_mask
    return examples, played.Prepared(mask, ROUNDS, TRAJECTORIES)


def seconds_of_play(shape, count, threads, cores, processes=None):
    """Times how long some photographs take."""
    examples, segmenter = prepared(shape, count)
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[:cores])
    start = time.perf_counter()
    played.play_images(
        examples,
        segmenter,
        played.Elsewhere(),
        SETUP,
        places=6,
        threads=threads,
        processes=processes,
    )
    taken = time.perf_counter() - start
    os.sched_setaffinity(0, before)
    return taken


@contextlib.contextmanager
def side_by_side(shape, count):
    """Two processes that play so many photographs each, on a core of its own.

    They are as shards of a run, which share nothing. Yields what times them together.
    """
    context = multiprocessing.get_context("spawn")
    cores = sorted(os.sched_getaffinity(0))[:2]
    with context.Pool(1) as one, context.Pool(1) as other:
        pools = (one, other)
        for pool, core in zip(pools, cores, strict=True):
            pool.apply(os.sched_setaffinity, (0, [core]))

        def seconds():
            arguments, start = (shape, count, 1, 1), time.perf_counter()
            plays = [pool.apply_async(seconds_of_play, arguments) for pool in pools]
            for play in plays:
                play.get()
            return time.perf_counter() - start

        # They prepare in a turn that does not count.
        seconds()
        yield seconds


def overlap_rows():
    """A click model and a segmenter that take as long: the run, and each of them."""
    shape = (24, 32)
    examples = [played.example_of(*shape, number) for number in range(OBJECTS)]
    passes = OBJECTS * MAPS / PASS
    seconds = passes * PASS_SECONDS / (OBJECTS * ROUNDS)
    mask = examples[0].instances[0].gt_mask
    segmenter = played.Prepared(mask, ROUNDS, TRAJECTORIES, seconds)
    people = played.Elsewhere(PASS, PASS_SECONDS, threading.Lock())
    wait_until_idle(30)
    noted = meter.Meter()
    played.play_images(
        examples, segmenter, people, SETUP, places=3 * PASS // 10, noted=noted
    )
    use = utilisation.of_meter(noted)
    busy = {each.name: each.busy for each in use.answerers}
    longer = max(busy.values())
    for name, value in busy.items():
        yield f"| {name} | {value:.1f} |"
    yield f"| run | {use.seconds:.1f} |"
    yield f"| run, times the longer | {use.seconds / longer:.2f} |"
    yield f"| fill of passes | {use.answerers[-1].fill:.3f} |"


def fill_row(folder):
    """Fill of passes of a small network on real photographs."""
    network = networks.network("nano")
    card = cards.Card(network, 32, 5.0, "nothing", "random weights", {})
    variables = clickability.init_variables(network, 0)
    model = infer.ClickabilityModel(variables, card, batch=PASS)
    spec = ",".join(f"{name}:{folder / name}" for name in DATA)
    opened = [packages.open_instances(each) for each in specs.parse(spec, 0)]
    units = work_units.of_packages(opened, split="all")
    examples = (unit.source.read() for unit in units)
    noted = meter.Meter()
    played.play_images(
        itertools.islice(examples, None),
        load.load("noisy"),
        model,
        SETUP,
        places=3 * PASS // 10,
        noted=noted,
    )
    use = utilisation.of_meter(noted)
    (passes,) = (each for each in use.answerers if each.name == "click model")
    objects = sum(len(unit.objects) for unit in units)
    return f"| {objects} | {passes.calls} | {passes.real} | {passes.fill:.3f} |"


def table(folder):
    yield page.machine()
    yield ""
    yield (
        "| photograph | processor time, ms: draws here | draws on a device "
        "| with a process, both | of which this process |"
    )
    yield "|---|---:|---:|---:|---:|"
    for shape in SHAPES:
        yield host_row(shape)
    yield ""
    yield (
        "| photograph | one core, s | two threads | and two processes "
        "| and three processes | two shards, a core each |"
    )
    yield "|---|---:|---:|---:|---:|---:|"
    for shape, count in zip(SHAPES, (24, 8), strict=True):
        yield cores_row(shape, count)
    yield ""
    yield "| part | seconds |"
    yield "|---|---:|"
    yield from overlap_rows()
    if folder is not None:
        yield ""
        yield "| objects | passes of 80 | maps | fill |"
        yield "|---:|---:|---:|---:|"
        yield fill_row(folder)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=pathlib.Path)
    page.put("rounds", page.printed(table(parser.parse_args().data)))


if __name__ == "__main__":
    main()
