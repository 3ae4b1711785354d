"""Objects of many photographs in one batch: what is together changes no bit."""

import contextlib
import dataclasses
import os
import random
import signal

import numpy as np
import pytest
import two_convolutions
from benchmark_runs import instances_of, settings
from helpers import disk, make_folder
from played_objects import play_images

from rclicks_jax import signals
from rclicks_jax.benchmark import job as benchmark_job
from rclicks_jax.benchmark.setup import Setup
from rclicks_jax.bridge import keeper
from rclicks_jax.jobs import meter, processes, store, utilisation
from rclicks_jax.segmenters import load
from rclicks_jax.settings import protocols
from rclicks_jax.types import ImageExample, InstanceExample

NONE = np.zeros((0, 2), np.int32)


def example_of(number, objects=1, shape=(24, 32)):
    drawn = np.random.default_rng(number)
    image = drawn.integers(0, 255, (*shape, 3), np.uint8)
    instances = [
        InstanceExample(
            f"{number}-{index}",
            disk(shape, drawn.integers(8, 16, 2), int(drawn.integers(4, 8))),
            None,
            NONE,
            "",
        )
        for index in range(objects)
    ]
    return ImageExample("set", f"image{number}", image, tuple(instances))


def setup_of(clicks, groups=(1, 5, 10)):
    short = dataclasses.replace(protocols.PAPER, max_clicks=clicks)
    return Setup(short, 0, tuple(groups), True, 1)


def played(images):
    """Returns all that was played, but for seconds."""
    return sorted((image.image_id, *image.instances, image.encodes) for image in images)


def test_neither_order_nor_company_nor_threads_nor_processes_change_a_bit(
    second_architecture, host_pool
):
    narrow = two_convolutions.model(batch=7)
    examples = [example_of(number, 1 + number % 3) for number in range(7)]
    setup = setup_of(3)
    segmenter = load.load("noisy")
    alone = played(play_images(examples, segmenter, narrow, setup, places=1, threads=0))
    shuffled = random.Random(0).sample(examples, len(examples))
    for places, threads, together, pool in (
        (4, 2, 1, None),
        (30, 3, 1, host_pool),
        (6, 1, 2, None),
        (5, 2, 2, host_pool),
        (1, 0, 1, host_pool),
    ):
        records = play_images(
            shuffled,
            segmenter,
            narrow,
            setup,
            places=places,
            threads=threads,
            together=together,
            processes=pool,
        )
        assert played(records) == alone


class InPasses:
    """A click model that makes so many maps in a pass."""

    name, rows = "in passes", 20

    def __call__(self, queries):
        return [query.error_mask.astype(np.float32) for query in queries]


@pytest.mark.long
@pytest.mark.parametrize("groups", [range(1, 11), (4,)])
def test_passes_are_full(groups):
    counted, noted = InPasses(), meter.Meter()
    groups = tuple(groups)
    places = max(4, 3 * -(-20 // len(groups)))
    examples = [example_of(number) for number in range(60 if len(groups) > 1 else 300)]
    setup = setup_of(8 if len(groups) > 1 else 4, groups)
    play_images(
        examples, load.load("noisy"), counted, setup, places=places, noted=noted
    )
    calls = noted.answerers["click model"]
    assert calls.real / calls.rows >= 0.95


def test_processes_are_for_accelerators_with_cores_to_spare(monkeypatch):
    assert benchmark_job.default_host_processes() == 0
    monkeypatch.setattr(benchmark_job.jax, "default_backend", lambda: "tpu")
    counts = {1: 0, 2: 0, 4: 2, 8: 5, 16: 8, 240: 8}
    for cores, count in counts.items():
        monkeypatch.setattr(processes, "cores", lambda cores=cores: cores)
        assert benchmark_job.default_host_processes() == count


def children():
    return set(keeper.descendants(os.getpid()))


def test_processes_that_are_killed_change_no_record(tmp_path, cache, monkeypatch):
    folder = make_folder(tmp_path / "mine", tuple("abcd"))
    asked = settings(folder, pictures=0)
    benchmark_job.run(asked, tmp_path / "whole")
    others, killed, write = children(), [], store.RunFolder.write

    def write_and_kill(run_folder, record):
        write(run_folder, record)
        for process in children() - others:
            os.kill(process, signal.SIGKILL)
            killed.append(process)

    monkeypatch.setattr(store.RunFolder, "write", write_and_kill)
    beside = dataclasses.replace(asked, host_processes=2, objects_in_flight=1)
    benchmark_job.run(beside, tmp_path / "run")
    assert len(set(killed)) >= 4
    assert instances_of(tmp_path / "run") == instances_of(tmp_path / "whole")
    (start,) = utilisation.read_all(store.RunFolder(tmp_path / "run"))
    pool = {each.name: each for each in start.answerers}["process pool"]
    # One question before the first round of an object, and one after each.
    assert pool.calls == 4 * 21
    assert 0 < start.busy_share(pool) < 1


@pytest.mark.parametrize("beside", [0, 1, 2])
def test_an_interrupted_run_goes_on_to_the_same_records(
    tmp_path, cache, monkeypatch, beside
):
    folder = make_folder(tmp_path / "mine", tuple("abcdefgh"))
    asked = settings(folder, pictures=0)
    benchmark_job.run(asked, tmp_path / "whole")
    stop, write = signals.StopRequest(), store.RunFolder.write

    def write_and_stop(run_folder, record):
        write(run_folder, record)
        if len(run_folder.record_files()) == 2:
            stop.set("SIGTERM")

    with monkeypatch.context() as patch:
        stopping = contextlib.nullcontext(stop)
        patch.setattr(signals, "stop_on_signal", lambda: stopping)
        patch.setattr(store.RunFolder, "write", write_and_stop)
        others = children()
        first = dataclasses.replace(asked, host_processes=beside)
        outcome = benchmark_job.run(first, tmp_path / "run")
        assert children() == others
    assert outcome.stopped == "SIGTERM"
    assert 2 <= outcome.worked < 8
    assert outcome.worked + outcome.left == 8
    few = dataclasses.replace(asked, objects_in_flight=1)
    outcome = benchmark_job.run(few, tmp_path / "run")
    assert outcome.left == 0
    assert instances_of(tmp_path / "run") == instances_of(tmp_path / "whole")
    starts = utilisation.read_all(store.RunFolder(tmp_path / "run"))
    assert len(starts) == 2
    model = {each.name: each for each in starts[-1].answerers}["click model"]
    # The map that the groups share first, and then three a round.
    assert 0 < model.real <= outcome.worked * (1 + 3 * 19)
    assert 0 < starts[-1].busy_share(model) <= 1
