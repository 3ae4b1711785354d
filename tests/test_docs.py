"""What the documentation says can be done is done, and what it names exists."""

import pathlib
import re

import numpy as np
import pytest

from rclicks_jax import config
from rclicks_jax.segmenters import load
from rclicks_jax.types import Clicks

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]


@pytest.mark.parametrize(
    "way", ["{path}:tolerance=40", "bridge:adapter={path}:tolerance=40"]
)
def test_the_segmenter_of_the_docs_runs(tmp_path, way):
    text = (ROOT / "docs" / "add_a_segmenter.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(code.splitlines()) <= 30
    path = tmp_path / "brightness.py"
    path.write_text(code)
    image = np.zeros((20, 30, 3), np.uint8)
    image[5:15, 5:15] = 200
    segmenter = load.load(way.format(path=path))
    session = segmenter.start(segmenter.encode(image), [image[..., 0] > 0] * 2)
    yx = np.array([[[8, 8]], [[1, 1]]], np.int32)
    masks = session.predict(
        np.arange(2), Clicks(yx, np.ones((2, 1), bool), np.ones(2, np.int32))
    )
    segmenter.close()
    np.testing.assert_array_equal(masks[0], image[..., 0] > 0)
    np.testing.assert_array_equal(masks[1], image[..., 0] == 0)


def test_the_python_of_the_readme_runs():
    text = (ROOT / "README.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    target = np.zeros((40, 50), bool)
    target[10:30, 5:25] = True
    names = {"image": np.zeros((40, 50, 3), np.uint8), "target": target}
    exec(code.replace("runs/clickability/model", "DT"), names)
    assert names["click_map"].shape == target.shape
    assert target[tuple(names["clicks_yx"].T)].all()
    assert len(names["clicks_yx"]) == 20


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_are_named_exist(page):
    named = re.findall(r"`((?:\w+/)+\w+\.(?:py|md|json))`", page.read_text())
    for name in named:
        assert (ROOT / name).exists() or (ROOT / "rclicks_jax" / name).exists(), name


def test_every_switch_of_a_protocol_is_explained():
    text = (ROOT / "docs" / "deviations.md").read_text()
    for name in config.Protocol.__dataclass_fields__:
        if name not in ("name", "max_clicks"):
            assert f"`{name}`" in text
