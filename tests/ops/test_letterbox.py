import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
from helpers import numbered

from rclicks_jax.ops import letterbox

sides = st.integers(1, 900)


@pytest.mark.parity
def test_placing_and_restoring_equal_the_original(parity):
    saved = parity("letterbox.npz")
    sizes = sorted(
        {int(key.rsplit("_", 1)[1]) for key in saved.files if key.startswith("box")}
    )
    for case in range(numbered(saved, "image")):
        mask = saved[f"mask{case}"].astype(np.float32)
        image = saved[f"image{case}"].astype(np.float32) / 255
        for size in sizes:
            name = f"{case}_{size}"
            box = letterbox.fit(mask.shape, size)
            assert list(box.box) == saved[f"box{name}"].tolist()
            placed_mask = letterbox.place(mask, box)
            placed = letterbox.place(image, box)
            expected = saved[f"padmask{name}"]
            step = size // expected.shape[0]
            np.testing.assert_allclose(placed_mask[::step, ::step], expected, atol=1e-6)
            part = saved[f"padimg{name}_sub"]
            step = -(-size // part.shape[0])
            np.testing.assert_allclose(placed[::step, ::step], part, atol=1e-6)
            total = placed.sum(dtype=np.float64)
            np.testing.assert_allclose(total, saved[f"padimg{name}_sum"], rtol=1e-6)
            restored = letterbox.restore(saved[f"unpad_in_{size}"], box)
            whole = saved[f"unpad{name}"]
            step = -(-restored.shape[0] // whole.shape[0])
            np.testing.assert_allclose(restored[::step, ::step], whole, atol=2e-6)


@hypothesis.given(sides, sides, st.integers(1, 500))
def test_the_image_lies_in_the_middle_and_touches_two_sides(height, width, size):
    box = letterbox.fit((height, width), size)
    y0, y1, x0, x1 = box.box
    assert 0 <= y0 < y1 <= size
    assert 0 <= x0 < x1 <= size
    assert max(y1 - y0, x1 - x0) == size
    assert abs(y0 - (size - y1)) <= 1
    assert abs(x0 - (size - x1)) <= 1


@pytest.mark.parametrize("shape", [(1, 500), (500, 1), (1, 1), (3, 7)])
def test_extreme_shapes_come_back(shape):
    box = letterbox.fit(shape, 64)
    ones = np.ones(shape, np.float32)
    square = letterbox.place(ones, box)
    assert square.shape == (64, 64)
    np.testing.assert_allclose(letterbox.restore(square, box), ones, atol=1e-6)


def test_padding_is_zero():
    box = letterbox.fit((10, 20), 20)
    square = letterbox.place(np.ones((10, 20, 3), np.float32), box)
    assert square[5:15].min() == 1
    assert square[:5].max() == square[15:].max() == 0
