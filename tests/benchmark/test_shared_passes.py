"""A segmenter in JAX, whose passes answer clicks on many photographs."""

import contextlib
import dataclasses
import random

import numpy as np
import pytest
import small_sam
from benchmark_runs import instances_of, settings
from helpers import disk, write_image
from played_objects import play_images

from rclicks_jax import signals
from rclicks_jax.benchmark import job as benchmark_job
from rclicks_jax.benchmark.setup import Setup
from rclicks_jax.clicks import click_models
from rclicks_jax.jobs import meter, store, utilisation
from rclicks_jax.segmenters import load
from rclicks_jax.segmenters.native import engine, programs
from rclicks_jax.segmenters.native.sam_method import SamMethod
from rclicks_jax.settings import protocols
from rclicks_jax.types import ImageExample, InstanceExample

NONE = np.zeros((0, 2), np.int32)
BATCH, CLICKS = 6, 4
PROTOCOL = dataclasses.replace(protocols.PAPER, max_clicks=CLICKS)
SETUP = Setup(PROTOCOL, 0, (1, 5, 10), True, 1)
TRAJECTORIES = 4
# Photographs of two buckets. No other has the shape of the last one.
SHAPES = (48, 64), (150, 90), (48, 64), (60, 120), (90, 90)
ODD = 4


def example_of(number, objects=1):
    shape = SHAPES[number]
    drawn = np.random.default_rng(number)
    image = drawn.integers(0, 80, (*shape, 3), np.uint8)
    targets = [disk(shape, (20 + 9 * each, 22), 12) for each in range(objects)]
    for target in targets:
        image[target] += 50
    instances = [
        InstanceExample(
            f"{number}-{each}", target, None, np.zeros((0, 2), np.int32), ""
        )
        for each, target in enumerate(targets)
    ]
    return ImageExample("set", f"image{number}", image, tuple(instances))


EXAMPLES = [example_of(number, 1 + number % 2) for number in range(len(SHAPES))]
OBJECTS = sum(len(example.instances) for example in EXAMPLES)


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
    path = small_sam.write(tmp_path_factory.mktemp("sam") / "sam.pth")
    return f"jax_sam:checkpoint={path}:batch={BATCH}"


@pytest.fixture(scope="module")
def click_model():
    return click_models.load("DT")


@pytest.fixture(scope="module")
def alone(spec, click_model):
    """What is played if each photograph is alone, by its name."""
    records = play_images(
        EXAMPLES, load.load(spec), click_model, SETUP, places=1, threads=0
    )
    return played(records)


def played(records):
    """Returns what was played, but for seconds."""
    return {record.image_id: (*record.instances, record.encodes) for record in records}


@pytest.mark.parametrize(
    ("places", "threads", "together", "devices"),
    [(20, 2, 1, 1), (5, 3, 2, 1), (20, 2, 1, 2)],
)
def test_neither_order_nor_company_nor_devices_change_a_bit(
    spec, click_model, alone, places, threads, together, devices
):
    segmenter = load.load(f"{spec}:devices={devices}")
    # Two calls at a time, as on an accelerator, or one.
    segmenter.calls = threads - 1
    shuffled = random.Random(places).sample(EXAMPLES, len(EXAMPLES))
    records = play_images(
        shuffled,
        segmenter,
        click_model,
        SETUP,
        places=places,
        threads=threads,
        together=together,
    )
    assert all(each.status == "ok" for record in records for each in record.instances)
    assert played(records) == alone
    assert segmenter.encodes == len(EXAMPLES)
    assert sum(lane.held for lane in segmenter._lanes) == 0


def test_passes_are_full_while_enough_objects_are_in_play(spec, click_model, alone):
    noted = meter.Meter()
    segmenter = load.load(spec)
    play_images(EXAMPLES, segmenter, click_model, SETUP, places=20, noted=noted)
    calls = noted.answerers["segmenter"]
    assert calls.real == OBJECTS * TRAJECTORIES * CLICKS
    # Encoding and forgetting are calls, too, but no passes.
    assert calls.calls == calls.rows // BATCH + 2 * len(EXAMPLES)
    assert calls.real / calls.rows > 0.9


def test_the_expensive_pass_is_compiled_once(spec, click_model, monkeypatch):
    traced, answer = [], SamMethod.answer

    def counted(self, *arrays):
        traced.append(len(arrays[2]))
        return answer(self, *arrays)

    monkeypatch.setattr(SamMethod, "answer", counted)
    # Those of other tests are compiled already.
    monkeypatch.setattr(engine, "programs", programs.programs.__wrapped__)
    segmenter = load.load(spec)
    play_images(EXAMPLES[:2], segmenter, click_model, SETUP, places=20)
    assert traced == [BATCH]


def broken(place, damage):
    """Returns `place` that damages the photograph of the odd shape."""

    def damaged(self, image):
        placed = place(self, image)
        return damage(placed) if image.shape[:2] == SHAPES[ODD] else placed

    return damaged


def without_numbers(placed):
    image, matrices = placed.arrays
    huge = matrices._replace(rows=matrices.rows * np.float32(1e38))
    return placed._replace(arrays=(image, huge))


def without_memory(placed):
    raise MemoryError


@pytest.mark.parametrize(
    ("damage", "reason"),
    [(without_numbers, "NaN instead of masks"), (without_memory, "memory")],
)
def test_a_photograph_that_fails_fails_alone(
    spec, click_model, alone, monkeypatch, damage, reason
):
    monkeypatch.setattr(SamMethod, "place", broken(SamMethod.place, damage))
    segmenter = load.load(spec)
    records = played(play_images(EXAMPLES, segmenter, click_model, SETUP, places=20))
    failed, _ = records.pop(f"image{ODD}")
    assert failed.status == "failed"
    assert reason in failed.reason
    assert records == {name: alone[name] for name in records}
    assert len(records) == len(EXAMPLES) - 1
    assert segmenter._lanes[0].held == 0


def test_an_interrupted_run_on_other_devices_goes_on_to_the_same_records(
    spec, tmp_path, cache, monkeypatch
):
    folder = tmp_path / "mine"
    for example in EXAMPLES:
        labels = np.zeros(example.image.shape[:2], np.uint8)
        for number, instance in enumerate(example.instances, 1):
            labels[instance.gt_mask] = number
        write_image(folder / "images" / f"{example.image_id}.png", example.image)
        write_image(folder / "masks" / f"{example.image_id}.png", labels)
    monkeypatch.setattr(protocols, "protocol", lambda name: PROTOCOL)
    asked = settings(
        folder, segmenter=spec, pictures=0, users=False, objects_in_flight=2
    )
    assert benchmark_job.run(asked, tmp_path / "whole").counts["failed"] == 0
    stop, write = signals.StopRequest(), store.RunFolder.write

    def write_and_stop(run_folder, record):
        write(run_folder, record)
        stop.set("SIGTERM")

    with monkeypatch.context() as patch:
        patch.setattr(signals, "stop_on_signal", lambda: contextlib.nullcontext(stop))
        patch.setattr(store.RunFolder, "write", write_and_stop)
        outcome = benchmark_job.run(asked, tmp_path / "run")
    assert 0 < outcome.worked < len(EXAMPLES)
    both = dataclasses.replace(
        asked, segmenter=f"{spec}:devices=2", objects_in_flight=9
    )
    assert benchmark_job.run(both, tmp_path / "run").left == 0
    assert instances_of(tmp_path / "run") == instances_of(tmp_path / "whole")
    names = [
        each.name
        for start in utilisation.read_all(store.RunFolder(tmp_path / "run"))
        for each in start.answerers
    ]
    assert names == [
        "segmenter",
        "click model",
        "segmenter",
        "segmenter 2",
        "click model",
    ]
