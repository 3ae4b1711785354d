"""The engine with a job of numbers: what it does with what a job raises and yields."""

import contextlib
import dataclasses

import pytest

from rclicks_jax import distributed, errors, signals
from rclicks_jax.jobs import engine, progress, store, work_units


@dataclasses.dataclass(frozen=True)
class Inverted:
    """What can change a number of it."""

    top: float = 1.0


class Inverse(engine.UnitJob):
    """One divided by each number of a unit."""

    kind = "inverse"
    title = "Inverses"
    doing = "Dividing"
    unit = step = "number"
    memory_advice = "Take smaller numbers."

    def __init__(self, say=lambda unit: None):
        self._say, self.finished = say, []

    def identity(self):
        return Inverted()

    def steps(self, unit):
        return len(unit.source)

    def rows(self, unit):
        self._say(unit)
        for name, number in zip(unit.objects, unit.source, strict=True):
            yield {"instance_id": name, "status": "ok", "inverse": 1 / number}

    def finish(self, folder, stopped):
        self.finished.append(stopped)


def units_of(*numbers, dataset="set"):
    return [
        work_units.Unit(dataset, f"n{place}", (f"n{place}-0",), (number,))
        for place, number in enumerate(numbers)
    ]


def run(job, units, workdir, **limits):
    return engine.run(job, units, workdir, engine.Limits(**limits))


def inverses_of(workdir):
    return {
        (record.dataset, row["instance_id"]): row.get("inverse", row["reason"])
        for record in store.RunFolder(workdir).read_all()
        for row in record.rows
    }


def test_what_a_unit_raises_is_the_reason_of_its_objects(tmp_path, capsys):
    units = units_of(2, 0, 4)
    units[1] = dataclasses.replace(
        units[1], objects=("n1-0", "n1-1", "n1-0"), source=(1, 0, 2)
    )
    job = Inverse()
    outcome = run(job, units, tmp_path)
    assert outcome.counts == {"ok": 2, "skipped": 0, "failed": 2}
    reason = "ZeroDivisionError: division by zero"
    assert inverses_of(tmp_path) == {
        ("set", "n0-0"): 0.5,
        ("set", "n1-0"): reason,
        ("set", "n1-1"): reason,
        ("set", "n2-0"): 0.25,
    }
    said = capsys.readouterr().err
    assert "Inverses: 3 numbers, 5 objects; " in said
    # A fault that is none of ours is worth a traceback.
    assert "Traceback" in said
    assert f"2 failed. 2 times: {reason}" in said
    assert "5/5" in said
    assert "3/3 numbers" in said
    assert job.finished == [""]


def test_a_unit_without_named_objects_fails_by_its_own_name(tmp_path):
    (unit,) = units_of(1)
    run(Inverse(), [dataclasses.replace(unit, objects=())], tmp_path)
    ((key, reason),) = inverses_of(tmp_path).items()
    assert key == ("set", "n0")
    assert reason.startswith("ValueError: zip() ")


def test_want_of_memory_says_what_to_do_and_has_no_traceback(tmp_path, capsys):
    def say(unit):
        raise MemoryError("5 GB")

    run(Inverse(say), units_of(1), tmp_path)
    reason = "out of memory (5 GB). Take smaller numbers."
    assert inverses_of(tmp_path) == {("set", "n0-0"): reason}
    assert "Traceback" not in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_ends_the_run(tmp_path):
    def say(unit):
        if unit.name == "n1":
            raise errors.RunFolderError("The disk is full.")

    job = Inverse(say)
    with pytest.raises(errors.RunFolderError, match="The disk is full"):
        run(job, units_of(1, 2, 3), tmp_path)
    assert list(inverses_of(tmp_path)) == [("set", "n0-0")]
    assert job.finished == []
    assert run(Inverse(), units_of(1, 2, 3), tmp_path).worked == 2


def test_different_ways_to_fail_do_not_stop_a_run(tmp_path):
    def say(unit):
        place = int(unit.name[1:])
        raise errors.DataError("is dark" if place % 2 else f"has {place} pixels")

    units = units_of(*range(1, 16))
    outcome = run(Inverse(say), units, tmp_path)
    assert outcome.counts["failed"] == 15

    def alike(unit):
        raise errors.DataError(f"has {unit.name} pixels, {int(unit.name[1:])} wide")

    with pytest.raises(errors.RClicksError, match="first 10 numbers all failed"):
        run(Inverse(alike), units_of(*range(1, 16), dataset="other"), tmp_path)


def test_results_of_an_earlier_start_are_asked_for_once(tmp_path, monkeypatch):
    run(Inverse(), units_of(1), tmp_path)
    asked, plain = [], store.RunFolder.has_results

    def has_results(folder):
        asked.append(1)
        return plain(folder)

    monkeypatch.setattr(store.RunFolder, "has_results", has_results)
    count = 2 * progress.FIRST_FAILURES
    outcome = run(Inverse(), units_of(1, *[0] * count), tmp_path)
    assert outcome.counts == {"ok": 1, "skipped": 0, "failed": count}
    assert asked == [1]


def test_names_are_told_apart_whatever_is_in_them(tmp_path):
    units = [
        work_units.Unit("a/b", "c", ("x",), (2,)),
        work_units.Unit("a", "b/c", ("x",), (4,)),
        work_units.Unit("a", "..", ("y",), (5,)),
    ]
    assert run(Inverse(), units, tmp_path).counts["ok"] == 3
    found = inverses_of(tmp_path)
    assert found == {("a", "x"): 0.25, ("a", "y"): 0.2, ("a/b", "x"): 0.5}
    assert all(path.is_relative_to(tmp_path) for path in tmp_path.rglob("*.jsonl"))


def test_two_units_of_one_name_are_refused_before_anything_is_written(tmp_path):
    units = [*units_of(1, 2), *units_of(3)]
    with pytest.raises(errors.DataError, match="set has 2 numbers called 'n0'"):
        run(Inverse(), units, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_job_that_was_stopped_is_told_and_meets_nobody(tmp_path, monkeypatch):
    stop, met = signals.StopRequest(), []
    monkeypatch.setattr(signals, "stop_on_signal", lambda: contextlib.nullcontext(stop))
    monkeypatch.setattr(distributed, "barrier", met.append)
    job = Inverse(lambda unit: unit.name == "n1" and stop.set("SIGINT"))
    outcome = run(job, units_of(1, 2, 3), tmp_path)
    assert (outcome.worked, outcome.left, outcome.stopped) == (2, 1, "SIGINT")
    assert job.finished == ["SIGINT"]
    assert met == []


def test_steps_of_a_second_try_count_once(tmp_path, capsys):
    class Twice(Inverse):
        def work(self, units, folder, advance):
            def two_tries(units):
                for unit in units:
                    for _ in range(2):
                        advance(unit, 1)
                    yield unit

            yield from super().work(two_tries(units), folder, advance)

    units = [
        work_units.Unit("set", name, ("x", "y", "z"), (1, 2, 3))
        for name in ("n0", "n1")
    ]
    run(Twice(), units, tmp_path)
    said = capsys.readouterr().err
    assert "6/6" in said
    assert "7/6" not in said
