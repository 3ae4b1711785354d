"""What holds for every job alike, because one engine does it.

Each job works on the same twelve photographs with one object, on which twelve people
clicked with each of two devices. A test says which photographs trouble that which the
job asks: the segmenter, the click model, the comparison itself.
"""

import dataclasses
import json
import os
import signal
import types

import jax
import numpy as np
import pytest
from clicked_folders import SHAPE, write_clicked
from helpers import write_image
from recorded_runs import provenance_of

from rclicks_jax import distributed, errors
from rclicks_jax.benchmark import job as benchmark_job
from rclicks_jax.click_maps import job as click_maps_job
from rclicks_jax.clicks import click_models
from rclicks_jax.evaluation import agreements, click_agreement
from rclicks_jax.evaluation import job as evaluation_job
from rclicks_jax.jobs import engine, starts, store
from rclicks_jax.segmenters import load
from rclicks_jax.settings import benchmark, click_maps, evaluation

COUNT = 12
NAMES = [f"p{number:02}" for number in range(COUNT)]


class Trouble:
    """What troubles a job.

    Attributes:
        ill: Numbers of the photographs on which whatever is asked fails.
        stop_at: The photograph during which SIGTERM comes; none if negative.
        asked: The photographs that were asked about, in this order.
    """

    def __init__(self):
        self.ill, self.stop_at, self.asked = set(), -1, []

    def ask(self, number):
        self.asked.append(number)
        if number == self.stop_at:
            os.kill(os.getpid(), signal.SIGTERM)
        if number in self.ill:
            raise MemoryError(f"no room for photograph {number}")


def number_of(image):
    """Returns the number of a photograph, which its first pixel is."""
    return int(image[0, 0, 0])


class Troubled:
    """A click model that answers two queries at a time."""

    batch = 2

    def __init__(self, model, trouble):
        self.name, self._model, self._trouble = model.name, model, trouble

    def __call__(self, queries):
        for query in queries:
            self._trouble.ask(number_of(query.image))
        return self._model(queries)


@dataclasses.dataclass(frozen=True)
class Job:
    """A job and its settings."""

    kind: str
    title: str
    unit: str
    setting: str
    settings: type | None
    changes: dict
    run: object
    # Photographs that are finished when the third one is asked about and all before it
    # end. Jobs that play many at a time leave those under way, and finish at most so
    # many.
    taken: int

    def start(self, data, workdir, shard="", max_failed=0.01):
        """Runs the job; returns its outcome."""
        if self.settings is None:
            limits = engine.Limits(shard, max_failed)
            return self.run("device", data, "all", workdir, limits=limits)
        wanted = self.settings(
            data=data, shard=shard, max_failed=max_failed, **self.changes
        )
        return self.run(wanted, workdir)


# Whoever is asked in pairs has taken two pairs by then.
JOBS = [
    Job(
        "benchmark", "benchmark", "image", "--config.max_failed",
        benchmark.BenchmarkConfig,
        {"segmenter": "noisy", "click_model": "UD", "groups": (1,), "pictures": 1},
        benchmark_job.run, 3,
    ),
    Job(
        "evaluation", "evaluation", "click task", "--config.max_failed",
        evaluation.EvaluateConfig,
        {"click_models": ("UD",), "draws": 2, "processes": 1, "split": "all"},
        evaluation_job.run, 4,
    ),
    Job(
        "click_maps", "click maps", "image", "--max_failed",
        click_maps.ClickMapsConfig,
        {"model": "UD", "samples": 2, "groups": (1,), "drawings": False},
        click_maps_job.run, 4,
    ),
    Job(
        "click_agreement", "click agreement", "click task", "--config.max_failed",
        None, {}, click_agreement.run, 3,
    ),
]  # fmt: skip


@pytest.fixture(params=JOBS, ids=lambda job: job.kind)
def job(request):
    return request.param


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    """One cache for all tests, so that the data is packaged once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RCLICKS_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    random = np.random.default_rng(0)
    clicks = {
        (name, device): random.integers([20, 10], [50, 30], (12, 2)).tolist()
        for name in NAMES
        for device in ("pc", "mobile")
    }
    folder = write_clicked(tmp_path_factory.mktemp("data"), clicks)
    for number, name in enumerate(NAMES):
        image = np.full((*SHAPE, 3), number, np.uint8)
        write_image(folder / "images" / f"{name}.png", image)
    return f"folder:{folder}"


@pytest.fixture(scope="module")
def whole(data, tmp_path_factory):
    """Returns the rows that a job writes without any trouble."""
    found = {}

    def rows(job):
        if job.kind not in found:
            workdir = tmp_path_factory.mktemp(job.kind)
            outcome = job.start(data, workdir)
            assert outcome.counts == {"ok": COUNT, "skipped": 0, "failed": 0}
            assert (outcome.worked, outcome.left, outcome.stopped) == (COUNT, 0, "")
            found[job.kind] = rows_of(workdir)
        return found[job.kind]

    return rows


@pytest.fixture
def trouble(monkeypatch):
    """Lets a test trouble whatever a job asks."""
    trouble = Trouble()
    load_segmenter, load_model = load.load, click_models.load
    agreement = agreements.agreement

    def segmenter(*arguments):
        loaded = load_segmenter(*arguments)
        encode = loaded.encode

        def asked(image, lane=None):
            trouble.ask(number_of(image))
            return encode(image, lane)

        loaded.encode = asked
        return loaded

    def model(*arguments, **options):
        return Troubled(load_model(*arguments, **options), trouble)

    def compared(pair, what):
        trouble.ask(NAMES.index(pair.image_id))
        return agreement(pair, what)

    monkeypatch.setattr(load, "load", segmenter)
    monkeypatch.setattr(agreements, "agreement", compared)
    # In a benchmark it is the segmenter that is troubled.
    stand_in = types.SimpleNamespace(**{**vars(click_models), "load": model})
    for module in (evaluation_job, click_maps_job):
        monkeypatch.setattr(module, "click_models", stand_in)
    return trouble


def rows_of(workdir):
    """Returns the newest rows of each unit."""
    records = store.RunFolder(workdir).read_all()
    return {(record.dataset, record.name): record.rows for record in records}


def attempts_of(workdir):
    """Returns how many records of each attempt there are, and all as bytes."""
    files = store.RunFolder(workdir).record_files()
    numbers = [int(path.name.split(".")[-2]) for path in files]
    counts = {number: numbers.count(number) for number in sorted({*numbers})}
    return counts, {str(path): path.read_bytes() for path in files}


def test_failures_are_tried_again_as_new_attempts_and_the_old_ones_stay(
    job, data, whole, trouble, tmp_path, capsys
):
    trouble.ill = {2, 5}
    outcome = job.start(data, tmp_path)
    assert outcome.counts == {"ok": 10, "skipped": 0, "failed": 2}
    assert outcome.failed_share() == pytest.approx(2 / 12)
    assert (outcome.worked, outcome.left) == (12, 0)
    said = capsys.readouterr().err
    assert "2 failed. 2 times: " in said
    assert "out of memory (no room for photograph 2)" in said
    counts, before = attempts_of(tmp_path)
    assert counts == {1: 12}
    trouble.ill, trouble.asked = {5}, []
    outcome = job.start(data, tmp_path)
    assert outcome.counts == {"ok": 11, "skipped": 0, "failed": 1}
    assert outcome.worked == 2
    assert {*trouble.asked} == {2, 5}
    trouble.ill = set()
    assert job.start(data, tmp_path).counts["failed"] == 0
    counts, after = attempts_of(tmp_path)
    assert counts == {1: 12, 2: 2, 3: 1}
    assert before.items() <= after.items()
    assert rows_of(tmp_path) == whole(job)
    # Of a finished run nothing is asked again, and every start is noted.
    trouble.asked = []
    assert job.start(data, tmp_path).worked == 0
    assert trouble.asked == []
    assert attempts_of(tmp_path) == (counts, after)
    assert len(starts.read_all(store.RunFolder(tmp_path))) == 4


@pytest.mark.parametrize("means", ["shards", "hosts"])
def test_two_that_share_the_work_write_what_one_does(
    job, data, whole, trouble, tmp_path, monkeypatch, means
):
    expected = whole(job)
    barriers = []
    if means == "hosts":
        monkeypatch.setattr(jax, "process_count", lambda: 2)
        monkeypatch.setattr(distributed, "barrier", barriers.append)
    worked = []
    for number in (1, 0):
        shard = f"{number}/2"
        if means == "hosts":
            monkeypatch.setattr(jax, "process_index", lambda number=number: number)
            shard = ""
        outcome = job.start(data, tmp_path, shard)
        worked.append(outcome.worked)
        assert outcome.left == COUNT - sum(worked)
        assert outcome.counts["ok"] == sum(worked)
    assert sum(worked) == COUNT
    assert all(worked)
    assert barriers == ([job.kind] * 2 if means == "hosts" else [])
    assert attempts_of(tmp_path)[0] == {1: COUNT}
    assert rows_of(tmp_path) == expected


def test_a_job_of_which_nothing_works_stops_unless_its_user_lets_it(
    job, data, trouble, tmp_path
):
    trouble.ill = {*range(COUNT)}
    with pytest.raises(errors.RClicksError) as raised:
        job.start(data, tmp_path)
    said = str(raised.value)
    assert f"The first 10 {job.unit}s all failed in the same way" in said
    assert "no room for photograph" in said
    assert f"folder goes on. {job.setting}=1 would go on" in said
    # Some that are later in the order may have ended before the last of the ten.
    tried = attempts_of(tmp_path)[0]
    assert [*tried] == [1]
    assert 10 <= tried[1] <= 12
    outcome = job.start(data, tmp_path, max_failed=1.0)
    assert outcome.counts == {"ok": 0, "skipped": 0, "failed": 12}
    assert attempts_of(tmp_path)[0] == {1: 12, 2: tried[1]}


def test_one_result_keeps_a_job_going(job, data, trouble, tmp_path):
    trouble.ill = {*range(1, COUNT)}
    outcome = job.start(data, tmp_path)
    assert outcome.counts == {"ok": 1, "skipped": 0, "failed": 11}
    # It is in the folder, not in this start.
    outcome = job.start(data, tmp_path)
    assert (outcome.worked, outcome.counts["failed"]) == (11, 11)


@dataclasses.dataclass(frozen=True)
class Nothing:
    """An identity of no job."""


def test_a_folder_of_another_kind_is_refused_in_words(job, data, tmp_path):
    other = JOBS[JOBS.index(job) - 1]
    store.RunFolder(tmp_path).begin(other.kind, Nothing(), provenance_of(["x"]))
    before = (tmp_path / "run.json").read_bytes()
    said = f"something else: {other.title}, not {job.title}. Take another folder"
    with pytest.raises(errors.RunFolderError, match=said):
        job.start(data, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]
    assert (tmp_path / "run.json").read_bytes() == before


def test_a_newer_format_is_refused_in_words(job, data, tmp_path, monkeypatch):
    monkeypatch.setattr(store, "_PAUSE_SECONDS", 0)
    job.start(data, tmp_path)
    run, path = tmp_path / "run.json", store.RunFolder(tmp_path).record_files()[3]
    for changed in (path, run):
        head, _, body = changed.read_text().partition("\n")
        if changed == run:
            head, body = changed.read_text(), ""
        changed.write_text(json.dumps({**json.loads(head), "format": 4}) + "\n" + body)
        before = attempts_of(tmp_path)
        said = "is of format 4; this release reads formats up to 3. Read it with the"
        with pytest.raises(errors.RunFolderError, match=said) as raised:
            job.start(data, tmp_path)
        assert changed.name in str(raised.value)
        assert attempts_of(tmp_path) == before


def test_sigterm_ends_a_job_after_what_was_taken(
    job, data, whole, trouble, tmp_path, capfd
):
    expected = whole(job)
    trouble.stop_at = 2
    outcome = job.start(data, tmp_path)
    assert outcome.stopped == "SIGTERM"
    finished = outcome.worked
    assert finished <= job.taken
    assert finished == job.taken or job.settings is not None
    assert outcome.left == COUNT - finished
    assert outcome.counts == {"ok": finished, "skipped": 0, "failed": 0}
    assert "SIGTERM came: stopping once" in capfd.readouterr().err
    trouble.stop_at = -1
    outcome = job.start(data, tmp_path)
    assert (outcome.worked, outcome.left) == (COUNT - finished, 0)
    assert outcome.stopped == ""
    assert attempts_of(tmp_path)[0] == {1: COUNT}
    assert rows_of(tmp_path) == expected


@pytest.mark.parametrize("damage", [lambda text: text[:-9], lambda text: "{"])
def test_a_damaged_record_is_repeated_beside_it(
    job, data, whole, tmp_path, capsys, damage
):
    job.start(data, tmp_path)
    path = store.RunFolder(tmp_path).record_files()[4]
    path.write_text(damage(path.read_text()))
    damaged = path.read_text()
    outcome = job.start(data, tmp_path)
    assert outcome.worked == 1
    assert outcome.counts["ok"] == COUNT
    assert "note: 1 records cannot be used" in capsys.readouterr().err
    assert path.read_text() == damaged
    assert attempts_of(tmp_path)[0] == {1: COUNT, 2: 1}
    assert rows_of(tmp_path) == whole(job)
