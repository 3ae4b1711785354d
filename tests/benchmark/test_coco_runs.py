"""COCO files in the doctor, in a package and in a run: the same objects count."""

import dataclasses
import json

import numpy as np
import pytest
from benchmark_runs import instances_of, settings
from coco_files import annotation, make_coco
from helpers import make_folder, write_image

from rclicks_jax import errors
from rclicks_jax.benchmark import job as benchmark_job
from rclicks_jax.benchmark import records
from rclicks_jax.data import doctor, packages, specs
from rclicks_jax.jobs import formats, store

ANNOTATIONS = [
    annotation(1, 1, category_id=7),
    annotation(2, 1),
    annotation(3, 1, segmentation=[]),
    annotation(4, 1, segmentation=[[float("nan"), 1, 5, 1, 5, 5]]),
    annotation(5, 1, iscrowd="1"),
    annotation(6, 2),
    annotation(7, 99),
]


@pytest.fixture
def data(tmp_path):
    names = ("one.png", "gone.png")
    return make_coco(tmp_path, ANNOTATIONS, names, [{"id": 7, "name": "cat"}])


def benchmarked(data, workdir):
    asked = settings("", groups=(), pictures=0)
    return benchmark_job.run(dataclasses.replace(asked, data=data), workdir)


def test_doctor_package_and_run_count_alike(data, cache, tmp_path):
    counted = "2 images, 2 usable objects, 1 skipped, 2 failed"
    assert counted in doctor.examine(data, 1.0).text()
    (spec,) = specs.parse(data)
    lines = list(packages.prepare_all(spec))
    assert f"mine: {counted}" in lines
    outcome = benchmarked(data, tmp_path / "run")
    assert outcome.counts == {"ok": 2, "skipped": 1, "failed": 2}
    info = store.RunFolder(tmp_path / "run").info()
    notes = " ".join(info.provenance["data_notes"])
    assert "annotations are crowds (iscrowd) and are left out (1: 5)" in notes
    assert "belong to no image of the file and are left out (1: 7)" in notes
    found = instances_of(tmp_path / "run")
    assert {name: one.status for name, one in found.items()} == {
        "1": "ok",
        "2": "ok",
        "3": "skipped",
        "4": "failed",
        "6": "failed",
    }
    assert found["3"].reason == "the annotation has no mask"
    assert (found["1"].category, found["2"].category) == ("cat", "")
    assert found["1"].area == 100


def test_repeated_ids_are_two_objects_of_a_run(cache, tmp_path):
    other = [[25, 5, 35, 5, 35, 25, 25, 25]]
    listed = [annotation(0, 1), annotation(0, 1, segmentation=other), annotation(0, 2)]
    data = make_coco(tmp_path, listed, ("one.png", "two.png"))
    outcome = benchmarked(data, tmp_path / "run")
    assert outcome.counts["ok"] == 3
    areas = {name: one.area for name, one in instances_of(tmp_path / "run").items()}
    assert areas == {"1_0": 100, "1_0_2": 200, "2_0": 100}


def test_records_of_before_categories_are_read():
    head = {
        "kind": "image", "dataset": "d", "image_id": "i", "attempt": 1, "encodes": 1,
        "seconds": {},
    }  # fmt: skip
    row = {
        "kind": "instance", "instance_id": "o", "status": "ok", "reason": "", "area": 3,
        "input_device": "", "trajectories": [],
    }  # fmt: skip
    text = f"{json.dumps(head)}\n{json.dumps(row)}\n"
    image = records.from_record(formats.record(text, "r", "benchmark"))
    instance = records.InstanceRecord("o", "ok", area=3)
    assert image == records.ImageRecord("d", "i", 1, 1, {}, (instance,))


def assert_refused_everywhere(data, workdir, words):
    diagnosis = doctor.examine(data, 1.0)
    assert not diagnosis.healthy
    assert "Ready to use" not in diagnosis.text()
    (spec,) = specs.parse(data)
    with pytest.raises(errors.DataError, match=words):
        list(packages.prepare_all(spec))
    with pytest.raises(errors.DataError, match=words):
        benchmarked(data, workdir)
    assert not workdir.exists()


def test_no_usable_object_is_an_error_before_anything_runs(cache, tmp_path):
    empty = [annotation(1, 1, segmentation=[]), annotation(2, 1, segmentation=None)]
    data = make_coco(tmp_path / "empty", empty)
    words = "mine has nothing that can be used: 1 images, 0 usable objects, 2 skipped"
    assert_refused_everywhere(data, tmp_path / "run", words)
    data = make_coco(tmp_path / "gone", [annotation(1, 1)], ("gone.png",))
    assert_refused_everywhere(data, tmp_path / "run", "images, but is empty")
    write_image(tmp_path / "gone" / "images" / "x.png", np.zeros((3, 3), np.uint8))
    assert_refused_everywhere(
        data, tmp_path / "run", r"1 failed; the first .*gone\.png"
    )
    crowds = [annotation(1, 1, iscrowd=1), annotation(2, 9)]
    data = make_coco(tmp_path / "crowds", crowds)
    assert_refused_everywhere(data, tmp_path / "run", "has no object: 1 images, 2 ann")


def test_a_folder_of_empty_masks_is_an_error_before_anything_runs(cache, tmp_path):
    folder = make_folder(tmp_path / "mine", ("a",))
    write_image(folder / "masks" / "a.png", np.zeros((48, 64), np.uint8))
    words = "1 skipped, 0 failed; the first problem: the mask has no object pixel"
    assert_refused_everywhere(f"folder:{folder}", tmp_path / "run", words)
