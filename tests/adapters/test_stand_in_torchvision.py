"""The stand-in for torchvision's `roi_align`."""

import sys

import numpy as np
import pytest
import torch
from stand_ins import torchvision as stand_in

# Numbers of maps, then left, top, right, bottom: inside, on pixels, over each border,
# far outside, smaller than a pixel, the wrong way round.
BOXES = (
    (0, 1.3, 0.7, 6.9, 4.2),
    (1, 2.0, 1.0, 4.0, 3.0),
    (1, -3.4, -2.1, 3.3, 2.2),
    (0, 4.2, 3.1, 15.7, 12.5),
    (0, 30.0, 30.0, 40.0, 40.0),
    (1, 3.2, 2.2, 3.4, 2.9),
    (0, 5.0, 4.0, 3.0, 2.0),
)


def bilinear(image, y, x):
    """Returns a sample as the definition says, 0 beyond one pixel outside."""
    height, width = image.shape
    if y < -1 or y > height or x < -1 or x > width:
        return 0.0
    y, x = max(y, 0.0), max(x, 0.0)
    top, left = min(int(y), height - 1), min(int(x), width - 1)
    bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
    # The last pixel reaches to the border.
    dy = y - top if top < height - 1 else 0.0
    dx = x - left if left < width - 1 else 0.0
    upper = image[top, left] * (1 - dx) + image[top, right] * dx
    lower = image[bottom, left] * (1 - dx) + image[bottom, right] * dx
    return upper * (1 - dy) + lower * dy


def slow(maps, boxes, output_size, scale, samples, aligned):
    """Averages samples of each cell, one after the other."""
    down, across = output_size
    made = np.zeros((len(boxes), maps.shape[1], down, across))
    for k, (number, *ends) in enumerate(boxes):
        left, top, right, bottom = (e * scale - (0.5 if aligned else 0) for e in ends)
        height, width = bottom - top, right - left
        if not aligned:
            height, width = max(height, 1.0), max(width, 1.0)
        rows = samples if samples > 0 else int(np.ceil(height / down))
        columns = samples if samples > 0 else int(np.ceil(width / across))
        for c, p, q in np.ndindex(*made.shape[1:]):
            total = 0.0
            for i in range(rows):
                for j in range(columns):
                    y = top + (p + (i + 0.5) / rows) * height / down
                    x = left + (q + (j + 0.5) / columns) * width / across
                    total += bilinear(maps[number, c], y, x)
            made[k, c, p, q] = total / max(rows * columns, 1)
    return made


@pytest.mark.parametrize("aligned", [False, True])
@pytest.mark.parametrize("samples", [-1, 1, 3])
@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_roi_align_is_its_definition(aligned, samples, scale):
    maps = np.random.default_rng(0).standard_normal((2, 3, 6, 9)).astype(np.float32)
    # Down in several samples a cell, across in less than one pixel a cell.
    expected = slow(maps, BOXES, (2, 5), scale, samples, aligned)
    made = stand_in.roi_align(
        torch.from_numpy(maps), torch.tensor(BOXES), (2, 5), scale, samples, aligned
    )
    np.testing.assert_allclose(made, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("aligned", [False, True])
def test_roi_align_is_torchvisions_where_that_is_installed(aligned):
    real = sys.modules.get("torchvision") or pytest.importorskip("torchvision")
    if real is stand_in:
        pytest.skip("no torchvision here")
    maps, boxes = torch.randn(2, 3, 6, 9), torch.tensor(BOXES)
    expected = real.ops.roi_align(maps, boxes, (4, 5), aligned=aligned)
    made = stand_in.roi_align(maps, boxes, (4, 5), aligned=aligned)
    np.testing.assert_allclose(made, expected, rtol=0, atol=1e-5)


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")
def test_resizing_and_normalising_can_be_compiled_as_sam_2_does():
    steps = torch.nn.Sequential(
        stand_in.Resize((5, 7)), stand_in.Normalize([0.5, 0.4, 0.3], [0.2, 0.3, 0.4])
    )
    pixels = torch.rand(3, 11, 9, generator=torch.Generator().manual_seed(0))
    resized = torch.nn.functional.interpolate(
        pixels[None], (5, 7), mode="bilinear", antialias=True
    )[0]
    mean = torch.tensor([0.5, 0.4, 0.3])[:, None, None]
    std = torch.tensor([0.2, 0.3, 0.4])[:, None, None]
    assert torch.equal(torch.jit.script(steps)(pixels), (resized - mean) / std)
