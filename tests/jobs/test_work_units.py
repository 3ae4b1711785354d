"""Which process works on what: shards and processes together, and a resumed run."""

import dataclasses
import itertools
import random

import jax
import pytest

from rclicks_jax import distributed, errors
from rclicks_jax.jobs import engine, records, store, work_units


def plan_of(count):
    """Units of a few sizes; every tenth has five objects."""
    return [
        work_units.Unit(
            "set",
            f"n{number:03}",
            tuple(f"n{number}-{one}" for one in range(1 if number % 10 else 5)),
            None,
            pixels=1000 * (1 + number % 7),
        )
        for number in range(count)
    ]


@pytest.fixture
def processes(monkeypatch):
    """Lets this process be one of several."""
    monkeypatch.setattr(distributed, "barrier", lambda name: None)

    def be(number, count):
        monkeypatch.setattr(jax, "process_index", lambda: number)
        monkeypatch.setattr(jax, "process_count", lambda: count)

    return be


def owned_by_all(processes, plan, counts):
    """Returns the names that each process of each shard owns.

    Args:
        processes: The fixture.
        plan: All units.
        counts: Number of processes of each shard.
    """
    owned = []
    for shard, count in enumerate(counts):
        for number in range(count):
            processes(number, count)
            units = work_units.owned(plan, (shard, len(counts)))
            owned.append([unit.name for unit in units])
    return owned


@pytest.mark.parametrize("counts", [(1,), (4,), (1, 1, 1), (2, 2), (1, 3, 2), (130,)])
def test_every_unit_has_one_owner(processes, counts):
    plan = plan_of(120)
    owned = owned_by_all(processes, plan, counts)
    assert sorted(itertools.chain(*owned)) == [unit.name for unit in plan]
    assert all(names == sorted(names) for names in owned)


def test_shards_of_several_processes_are_level(processes):
    plan = plan_of(1000)
    sizes = {unit.name: (len(unit.objects), unit.pixels) for unit in plan}
    owned = owned_by_all(processes, plan, (4, 4, 4, 4))
    for measure in range(2):
        sums = [sum(sizes[name][measure] for name in names) for names in owned]
        assert max(sums) <= 1.03 * sum(sums) / len(sums)


def test_the_order_of_the_plan_decides_nothing(processes):
    plan = plan_of(120)
    expected = owned_by_all(processes, plan, (2, 3))
    shuffled = random.Random(0).sample(plan, len(plan))
    found = owned_by_all(processes, shuffled, (2, 3))
    assert [sorted(names) for names in found] == expected


def test_units_of_two_datasets_with_one_name_are_two(processes):
    plan = [dataclasses.replace(unit, dataset=d) for d in "ab" for unit in plan_of(9)]
    owned = owned_by_all(processes, plan, (2,))
    assert sorted(itertools.chain(*owned)) == sorted(unit.name for unit in plan)


@dataclasses.dataclass(frozen=True)
class Identity:
    """What can change a number of `Names`."""

    data: str = "checksum"


class Names(engine.UnitJob):
    """A job that notes on which units it works."""

    kind = "names"
    title = doing = "Names"

    def __init__(self, data="checksum"):
        self.asked, self._data = [], data

    def identity(self):
        return Identity(self._data)

    def rows(self, unit):
        self.asked.append(unit.name)
        return [records.row(name, "ok", value=1) for name in unit.objects]


class Killed(BaseException):
    """What ends a process in the middle."""


class KilledAfter(Names):
    """The same job, in a process that is killed after some units."""

    def __init__(self, count):
        super().__init__()
        self._count = count

    def rows(self, unit):
        if len(self.asked) == self._count:
            raise Killed
        return super().rows(unit)


def test_five_processes_go_on_with_what_three_left(processes, tmp_path):
    plan = plan_of(60)
    asked = []
    for number in range(3):
        processes(number, 3)
        job = KilledAfter(5 * number)
        with pytest.raises(Killed):
            engine.run(job, plan, tmp_path, engine.Limits())
        asked += job.asked
    assert len(asked) == 15
    left = []
    for number in range(5):
        processes(number, 5)
        job = Names()
        left.append(engine.run(job, plan, tmp_path, engine.Limits()).left)
        asked += job.asked
    assert sorted(asked) == [unit.name for unit in plan]
    assert left == sorted(left, reverse=True)
    assert left[-1] == 0
    assert len(list(store.RunFolder(tmp_path).read_all())) == len(plan)


def test_a_shard_of_other_data_is_refused(processes, tmp_path):
    plan = plan_of(20)
    processes(0, 1)
    engine.run(Names(), plan, tmp_path, engine.Limits("0/2"))
    with pytest.raises(errors.RunFolderError, match="data was"):
        engine.run(Names("another"), plan[:10], tmp_path, engine.Limits("1/2"))


def test_a_shard_of_fewer_units_leaves_no_hole(processes, tmp_path):
    plan = plan_of(20)
    processes(0, 1)
    engine.run(Names(), plan, tmp_path, engine.Limits("0/2"))
    engine.run(Names(), plan[:10], tmp_path, engine.Limits("1/2"))
    assert engine.run(Names(), plan, tmp_path, engine.Limits()).left == 0
    # None was worked on twice.
    assert len(store.RunFolder(tmp_path).record_files()) == len(plan)


def test_processes_with_different_plans_are_refused(monkeypatch):
    def others(name, text):
        assert name == "plan"
        return [text, "7 images (0123456789ab)"]

    monkeypatch.setattr(distributed, "texts_of_all", others)
    with pytest.raises(errors.RClicksError, match=r"0 has 20 images .*1 has 7 images"):
        work_units.require_same_plan(plan_of(20), "image")
    monkeypatch.setattr(distributed, "texts_of_all", lambda name, text: [text] * 3)
    work_units.require_same_plan(plan_of(20), "image")
