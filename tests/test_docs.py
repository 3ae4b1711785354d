"""What the documentation says can be done is done, and what it names exists."""

import json
import re

import doc_pages
import numpy as np
import pytest
from helpers import make_folder

from rclicks_jax.benchmark import job as benchmark_job
from rclicks_jax.benchmark import records
from rclicks_jax.clicks import click_models
from rclicks_jax.jobs import store
from rclicks_jax.segmenters import load
from rclicks_jax.segmenters.conformance import suite
from rclicks_jax.settings import (
    benchmark,
    click_maps,
    collection,
    docs,
    evaluation,
    protocols,
    training,
)
from rclicks_jax.types import ClickQuery, Clicks

ROOT = doc_pages.ROOT


@pytest.fixture
def own(tmp_path):
    """The file that docs/add_a_segmenter.md walks through."""
    path = doc_pages.write_file("add_a_segmenter.md", tmp_path)
    assert len(path.read_text().splitlines()) <= 30
    return path


WAYS = pytest.mark.parametrize(
    "way", ["{path}:tolerance=40", "bridge:adapter={path}:tolerance=40"]
)


@WAYS
def test_the_segmenter_of_the_docs_runs(own, way):
    image = np.zeros((20, 30, 3), np.uint8)
    image[5:15, 5:15] = 200
    segmenter = load.load(way.format(path=own))
    session = segmenter.start(segmenter.encode(image), [image[..., 0] > 0] * 2)
    yx = np.array([[[8, 8]], [[1, 1]]], np.int32)
    masks = session.predict(
        np.arange(2), Clicks(yx, np.ones((2, 1), bool), np.ones(2, np.int32))
    )
    segmenter.close()
    np.testing.assert_array_equal(masks[0], image[..., 0] > 0)
    np.testing.assert_array_equal(masks[1], image[..., 0] == 0)


@WAYS
def test_the_segmenter_of_the_docs_is_benchmarked(tmp_path, monkeypatch, own, way):
    monkeypatch.setenv("RCLICKS_CACHE", str(tmp_path / "cache"))
    asked = benchmark.BenchmarkConfig(
        data=f"folder:{make_folder(tmp_path / 'mine')}",
        segmenter=way.format(path=own),
        click_model="DT",
        groups=(1, 10),
        pictures=0,
    )
    outcome = benchmark_job.run(asked, tmp_path / "run")
    assert outcome.counts == {"ok": 3, "skipped": 0, "failed": 0}
    for record in records.read_all(store.RunFolder(tmp_path / "run")):
        for played in record.instances[0].trajectories:
            pairs = zip(played.intersection, played.union, strict=True)
            assert max(i / u for i, u in pairs) > 0.85


@WAYS
def test_the_segmenter_of_the_docs_conforms(own, way):
    told = []
    findings = suite.check(way.format(path=own), report=told.append)
    assert suite.conforms(findings), told


def test_the_saliency_model_of_the_docs_is_a_click_model(tmp_path):
    text = (ROOT / "docs" / "saliency.md").read_text()
    (spec,) = re.findall(r"(SM:adapter=centre.py:width=\S+)", text)
    path = doc_pages.write_file("saliency.md", tmp_path)
    spec = spec.replace(path.name, str(path))
    target = np.zeros((40, 50), bool)
    target[10:30, 5:25] = True
    image = np.zeros((40, 50, 3), np.uint8)
    (made,) = click_models.load(spec)([ClickQuery(image, target, target)])
    assert click_models.title(spec) == "SM (centre)"
    assert made[20, 15] == pytest.approx(made.max(), rel=0.05)
    assert 0 < made[10, 5] < 0.2 * made.max()
    assert not made[~target].any()


def test_the_notebook_runs_and_its_clicks_are_where_it_says():
    notebook = json.loads((ROOT / "docs" / "where_people_click.ipynb").read_text())
    assert notebook["nbformat"] == 4
    names = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            assert not cell["outputs"]
            assert cell["execution_count"] is None
            exec("".join(cell["source"]), names)
    deep, likely = names["click_maps"]["DT"], names["clicks"]
    means = {group: deep[tuple(yx.T)].mean() for group, yx in likely.items()}
    assert means[10] > 2 * means[1]
    for figure in names["figures"]:
        assert len(figure.axes) >= 1
    later = names["later_clicks"]
    assert names["missed"][tuple(later.T)].all()
    assert later[:, 1].min() >= names["target"].nonzero()[1].min()


@pytest.mark.parametrize("page", doc_pages.PAGES, ids=doc_pages.name)
def test_files_that_are_named_exist(page):
    named = re.findall(r"`((?:\w+/)+\w+\.(?:py|md|json))`", page.read_text())
    for name in named:
        assert (ROOT / name).exists() or (ROOT / "rclicks_jax" / name).exists(), name


def is_there(parts):
    """Tells whether a package holds a module, or a module what it is said to hold."""
    for count in range(len(parts), 0, -1):
        place = ROOT.joinpath("rclicks_jax", *parts[:count])
        if place.with_suffix(".py").exists():
            rest = parts[count:]
            return not rest or rest[0] in place.with_suffix(".py").read_text()
        if place.is_dir():
            return count == len(parts)
    return False


# The changelog names modules of before.
@pytest.mark.parametrize(
    "page",
    [page for page in doc_pages.PAGES if page.name != "CHANGELOG.md"],
    ids=doc_pages.name,
)
def test_modules_that_are_named_exist(page):
    for words in doc_pages.words_in_code(page.read_text()):
        dotted = re.fullmatch(r"(rclicks_jax\.)?([a-z]\w*(?:\.\w+)+)(\(\))?", words)
        parts = dotted[2].split(".") if dotted else [""]
        is_ours = (ROOT / "rclicks_jax" / parts[0] / "__init__.py").exists()
        is_file = words.endswith((".csv", ".jsonl", ".safetensors", ".xlsx"))
        if dotted and not is_file and (is_ours or dotted[1]):
            assert is_there(parts), words


def test_every_switch_of_a_protocol_is_explained():
    text = (ROOT / "docs" / "deviations.md").read_text()
    for name in protocols.Protocol.__dataclass_fields__:
        if name not in ("name", "max_clicks"):
            assert f"`{name}`" in text


@pytest.mark.parametrize(
    "settings",
    [
        benchmark.BenchmarkConfig,
        evaluation.EvaluateConfig,
        click_maps.ClickMapsConfig,
        training.TrainConfig,
        collection.StudySettings,
        collection.DisplaySettings,
        collection.AssignmentSettings,
        collection.ApartSettings,
        collection.JudgementSettings,
        collection.LiveSettings,
        collection.LimitSettings,
        collection.SimulationSettings,
    ],
)
def test_the_page_of_settings_is_what_their_docstrings_say(settings):
    """A failing test: put `docs.page_table` of the dataclass into the page."""
    text = (ROOT / "docs" / "settings.md").read_text()
    made = rf"<!-- made by \S+\(\w+\.{settings.__name__}\) -->\n(.*?)\n<!-- end -->"
    (printed,) = re.findall(made, text, re.DOTALL)
    assert printed == docs.page_table(settings)
