"""Every switch of a protocol changes a number of a run made for it; its name does not.

A switch without an entry here fails the first test. Segmenters that obey none answer
the same whatever they could be told; `segmenters/test_methods.py` has those that run in
workers, and `adapters/test_switches.py` what each switch does there.
"""

import contextlib
import dataclasses
import functools
import pathlib

import clicked_folders
import numpy as np
import pytest
import told_adapter
from helpers import make_folder

from rclicks_jax import registry
from rclicks_jax.benchmark import job as benchmark_job
from rclicks_jax.bridge.switches import Switches
from rclicks_jax.clicks import click_models
from rclicks_jax.evaluation import click_model_tables, click_scores
from rclicks_jax.evaluation import job as evaluation_job
from rclicks_jax.reporting import table_formats
from rclicks_jax.results import runs, tables
from rclicks_jax.settings import benchmark, evaluation, protocols

SHORT = dataclasses.replace(protocols.PAPER, max_clicks=3)
# Of the photographs of `make_folder` only the objects are as bright.
FRAGILE = """
import numpy as np
def load(options): return None
def encode(model, image): return image.mean(axis=-1) > 115
def predict(model, bright, clicks, state):
    masks = np.repeat(bright[None], len(clicks.count), 0)
    used = np.arange(clicks.positive.shape[1]) < clicks.count[:, None]
    masks[(used & ~clicks.positive).any(axis=1)] = False
    return masks, None
"""


class Stranger:
    """A click model that does not look at what is wrong."""

    name = "stranger"
    batch = 1

    def __init__(self, click_map):
        self.click_map = click_map

    def __call__(self, queries):
        return [self.click_map(query).astype(np.float32) for query in queries]


@contextlib.contextmanager
def clicked_by(click_map):
    """Has click models be a stranger, whatever they are called."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(click_models, "load", lambda *_, **__: Stranger(click_map))
        yield


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with data of two kinds and an adapter, and a cache of its own."""
    place = tmp_path_factory.mktemp("protocol")
    make_folder(place / "mine", ("a", "b"))
    points = [(22, 12), (30, 20), (41, 18), (35, 27), (25, 25)]
    clicked_folders.write_clicked(place / "clicked", {("a", "pc"): points})
    (place / "fragile.py").write_text(FRAGILE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RCLICKS_CACHE", str(place / "cache"))
        yield place


@pytest.fixture
def run(place, tmp_path, monkeypatch):
    """Runs a job with a protocol that has no name among those of the project."""
    monkeypatch.setitem(registry.SEGMENTERS, "told", "told_adapter")
    numbers = iter(range(9))

    def run(job, protocol):
        monkeypatch.setitem(protocols.PROTOCOLS, "flipped", protocol)
        return job(place, tmp_path / str(next(numbers)), protocol)

    return run


def played(place, workdir, protocol, **changes):
    """Returns the summary of a benchmark."""
    plain = benchmark.BenchmarkConfig(
        data=f"folder:{place / 'mine'}",
        protocol="flipped",
        stop_at=protocol.stop_at,
        segmenter="noisy",
        click_model="DT",
        groups=(),
        pictures=0,
    )
    changes = {key: str(v).format(place=place) if key == "segmenter" else v
               for key, v in changes.items()}  # fmt: skip
    benchmark_job.run(dataclasses.replace(plain, **changes), workdir)
    found = runs.open_run(str(workdir))
    assert found.protocol == protocol
    results = list(found.results.values())
    assert [one.counts["ok"] for one in results] == [2]
    return table_formats.to_csv(tables.summary(results, found.protocol))


def on_object(place, workdir, protocol):
    """Returns the summary where maps have no mass on what is wrongly taken."""
    with clicked_by(lambda query: query.gt_mask):
        return played(place, workdir, protocol, groups=(1, 10), baseline=False)


def evaluated(place, workdir, protocol):
    """Returns the table of a click model whose maps are of the whole photograph."""
    settings = evaluation.EvaluateConfig(
        data=f"folder:{place / 'clicked' / 'mine'}",
        protocol="flipped",
        click_models=("DT",),
        draws=5,
        split="all",
        processes=1,
    )
    with clicked_by(lambda query: np.indices(query.gt_mask.shape)[0]):
        evaluation_job.run(settings, workdir)
    scores = click_scores.open_evaluation(str(workdir)).scores
    return table_formats.to_csv(click_model_tables.means(scores))


OF_SEGMENTERS = {
    f"{switch} {way}": (switch, functools.partial(played, segmenter=spec))
    for switch in Switches._fields
    for way, spec in {
        "here": told_adapter.__file__,
        "worker": f"bridge:adapter={told_adapter.__file__}",
        "native": "told",
    }.items()
}
# Each switch with a job whose numbers it changes.
JOBS = {
    "max_clicks": ("max_clicks", played),
    "group_cut": ("group_cut", functools.partial(played, groups=(1, 10))),
    "empty_map": ("empty_map", on_object),
    "clicks_after_perfect": (
        "clicks_after_perfect",
        functools.partial(played, segmenter="{place}/fragile.py"),
    ),
    "nof_counts_last_click": (
        "nof_counts_last_click",
        functools.partial(played, segmenter=f"oracle:after={SHORT.max_clicks}"),
    ),
    "mask_evaluated_maps": ("mask_evaluated_maps", evaluated),
    "nss_epsilon": ("nss_epsilon", evaluated),
    "stop_at": ("stop_at", played),
    **OF_SEGMENTERS,
}
# What `paper` and `strict` agree in.
OTHER = {"max_clicks": 2, "stop_at": 50}


def flipped(switch):
    """Returns a protocol that differs in one switch."""
    value = OTHER.get(switch, getattr(protocols.STRICT, switch))
    assert value != getattr(SHORT, switch)
    return dataclasses.replace(SHORT, **{switch: value})


def test_every_switch_has_a_run():
    switches = {field.name for field in dataclasses.fields(protocols.Protocol)}
    assert {switch for switch, _ in JOBS.values()} == switches - {"name"}


@pytest.mark.parametrize("name", JOBS)
def test_a_switch_changes_a_number(name, run):
    switch, job = JOBS[name]
    before = run(job, SHORT)
    assert run(job, flipped(switch)) != before


@pytest.mark.parametrize("name", ["group_cut", "mask_evaluated_maps", *OF_SEGMENTERS])
def test_the_name_of_a_protocol_changes_nothing(name, run):
    _, job = JOBS[name]
    renamed = dataclasses.replace(SHORT, name="strict")
    assert run(job, renamed) == run(job, SHORT)


@pytest.mark.parametrize("name", registry.SEGMENTERS)
def test_a_segmenter_of_this_process_obeys_no_switch(name, run):
    job = functools.partial(played, segmenter=name)
    told = {switch: not getattr(SHORT, switch) for switch in Switches._fields}
    assert run(job, SHORT) == run(job, dataclasses.replace(SHORT, **told))
    source = registry.SEGMENTERS[name].partition(":")[0].replace(".", "/")
    text = pathlib.Path(__file__).parents[1].joinpath(f"{source}.py").read_text()
    assert "protocol" not in text
