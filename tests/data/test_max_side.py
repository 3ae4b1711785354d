"""Photographs of many megapixels are shrunk with their masks and clicks."""

import numpy as np
import pytest
from helpers import write_image

from rclicks_jax.data import doctor, packages, specs
from rclicks_jax.data.raw import clicks_csv, layouts, sources

# Height and width as stored, and at a longest side of 100.
NATIVE, LIMITED = (120, 400), (30, 100)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A photograph whose target is its right half, with clicks and an earlier mask."""
    monkeypatch.setenv("RCLICKS_CACHE", str(tmp_path / "cache"))
    made = tmp_path / "mine"
    mask = np.zeros(NATIVE, np.uint8)
    mask[:, 200:] = 255
    write_image(made / "images" / "a.png", np.dstack([mask] * 3))
    write_image(made / "masks" / "a.png", mask)
    write_image(made / "prev_masks" / "a_x_fn.png", 255 - mask)
    rows = [
        "mine,a,,a,first,,pc,240,60,400,120",
        "mine,a,,a,first,,pc,60,15,100,30",
        "mine,a,,a_x_fn,fn,x,pc,399,119,400,120",
    ]
    text = "\n".join([",".join(clicks_csv.COLUMNS), *rows])
    (made / "clicks.csv").write_text(text)
    return made


def spec_of(folder, max_side):
    (spec,) = specs.parse(f"folder:{folder}", max_side)
    return spec


def test_image_mask_and_clicks_are_in_the_limited_frame(folder):
    package = packages.open_instances(spec_of(folder, 100))
    example = package.read(package.rows[0])
    assert example.image.shape == (*LIMITED, 3)
    (one,) = example.instances
    assert one.gt_mask.shape == LIMITED
    np.testing.assert_array_equal(one.gt_mask, example.image[..., 0] > 127)
    assert one.gt_mask[:, 50:].all()
    assert not one.gt_mask[:, :50].any()
    assert one.user_clicks_yx.tolist() == [[15, 60], [15, 60]]


def test_tasks_are_in_the_limited_frame(folder):
    package = packages.open_clicks(spec_of(folder, 100))
    first, later = map(package.read, package.rows)
    assert first.gt_mask.shape == later.prev_mask.shape == LIMITED
    assert later.prev_mask[:, :50].min() == 1
    assert later.prev_mask[:, 50:].max() == 0
    assert later.clicks_yx.tolist() == [[29, 99]]


def test_a_limit_is_part_of_the_package_and_its_folder(folder):
    whole = packages.prepare("instances", spec_of(folder, 0))
    limited = packages.prepare("instances", spec_of(folder, 100))
    assert whole != limited
    assert limited.parents[2].name.startswith("mine-max100-")
    assert packages.prepare("instances", spec_of(folder, 0)) == whole


def test_a_limit_above_every_side_changes_no_pixel(folder):
    whole = packages.open_instances(spec_of(folder, 0))
    limited = packages.open_instances(spec_of(folder, 4000))
    assert limited.checksum == whole.checksum


@pytest.mark.parametrize(("asked", "longest"), [(0, 2048), (1000, 1000), (4000, 2048)])
def test_the_limit_of_a_published_dataset_stays(tmp_path, asked, longest):
    layout = sources.layout_of(specs.DataSpec("TETRIS", tmp_path, max_side=asked))
    assert layout.longest_side == longest
    whole = sources.layout_of(specs.DataSpec("GrabCut", tmp_path, max_side=asked))
    # Shrunken masks have another checksum than the published ones.
    assert bool(whole.masks_checksum) == (not asked)
    assert layouts.LAYOUTS["TETRIS"].longest_side == 2048


def test_coco_is_limited_too(tmp_path):
    write_image(tmp_path / "images" / "a.png", np.zeros((*NATIVE, 3), np.uint8))
    (tmp_path / "x.json").write_text(
        '{"images": [{"id": 1, "file_name": "a.png", "width": 400, "height": 120}], '
        '"annotations": [{"id": 1, "image_id": 1, "iscrowd": 0, "segmentation": '
        "[[200, 0, 400, 0, 400, 120, 200, 120]]}]}"
    )
    (spec,) = specs.parse(f"coco:{tmp_path}/x.json,{tmp_path}/images", 100)
    (image,) = sources.open_source(spec).images("test")
    assert image.shape == image.objects[0].mask.shape == LIMITED
    assert (image.objects[0].mask > 0).sum() == 30 * 50


def test_the_doctor_examines_what_a_run_would_see(folder):
    text = doctor.examine(str(folder), 1.0, 100).text()
    assert "Ready to use." in text
    assert doctor.examine(str(folder), 1.0).text() != text
