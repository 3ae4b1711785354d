"""The engine: works on the units of a job, and never stops because of one of them."""

import abc
import dataclasses
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from etils import epath

from rclicks_jax import distributed, errors, signals
from rclicks_jax.jobs import (
    failures,
    progress,
    provenance,
    records,
    starts,
    store,
    work_units,
)
from rclicks_jax.jobs.work_units import Unit
from rclicks_jax.types import Status


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a job ended.

    Attributes:
        counts: Objects, or click tasks, of the folder by status, earlier starts
            included.
        worked: Units worked on now.
        left: Units of other shards or processes that are not finished.
        stopped: Name of the signal that ended it early; empty if it is complete.
    """

    counts: dict[str, int]
    worked: int
    left: int
    stopped: str

    def failed_share(self) -> float:
        """Returns the share of objects that failed."""
        return records.failed_share(self.counts)


@dataclasses.dataclass(frozen=True)
class Limits:
    """What every job is told of its share and its failures.

    Attributes:
        shard: Part of the work as `NUMBER/COUNT`; empty for all.
        max_failed: Share of failures that the user takes; 1 goes on in any case.
        setting: What a message calls `max_failed`.
    """

    shard: str = ""
    max_failed: float = 0.01
    setting: str = "--config.max_failed"


class Job(abc.ABC):
    """A job: which units, how they are worked on, and what is written of them.

    A subclass says what it is and how units are worked on, some together or, in a
    `UnitJob`, each alone; this is all that the engine knows of it.

    Attributes:
        kind: What its folders are; a name of few letters that never changes.
        title: What the first line of a run calls it.
        doing: What its progress bar says.
        unit: What a unit is called.
        step: What the progress bar counts.
        mendable: Fields of its identity that may change while nothing is `ok`.
        memory_advice: What to do where the memory is too small.
    """

    kind: str
    title: str
    doing: str
    unit: str = "image"
    step: str = "image"
    mendable: Collection[str] = ()
    memory_advice: str = ""

    @abc.abstractmethod
    def identity(self) -> Any:
        """Returns a dataclass of all that can change a number."""

    def provenance(self) -> Mapping[str, Any]:
        """Returns fields of `provenance.Provenance` that the job knows."""
        return {}

    def facts(self) -> Mapping[str, str]:
        """Returns what the first line of a run says, by name."""
        return {}

    def steps(self, unit: Unit) -> int:
        """Returns how many steps of the progress bar a unit is at most."""
        return 1

    @abc.abstractmethod
    def work(
        self, units: Iterable[Unit], folder: store.RunFolder, advance: "Advance"
    ) -> Iterator[records.Record]:
        """Yields what becomes of each unit, in whatever order they end.

        Args:
            units: They end early when the run was asked to stop: what was taken is to
                be finished.
            folder: For files beside the records.
            advance: Says that so many steps of a unit are done.
        """

    # Most jobs have nothing to do at these two moments.
    def begun(self, folder: store.RunFolder) -> None:  # noqa: B027
        """Says what else is to be said at the start; by the first process."""

    def finish(self, folder: store.RunFolder, stopped: str) -> None:  # noqa: B027
        """Does what is done once: after the last unit, by the first process."""


Advance = Callable[[Unit, int], None]


class UnitJob(Job):
    """A job that works on one unit at a time; what is wrong with one fails it alone."""

    @abc.abstractmethod
    def rows(self, unit: Unit) -> Iterable[Mapping[str, Any]]:
        """Works on one unit; returns a row for each of its objects.

        Whatever it raises is the reason why all objects of the unit failed.
        """

    def work(
        self, units: Iterable[Unit], folder: store.RunFolder, advance: Advance
    ) -> Iterator[records.Record]:
        """Yields what becomes of each unit, in their order."""
        for unit in units:
            try:
                rows = tuple(self.rows(unit))
            except errors.RunFolderError:
                raise
            except Exception as error:
                rows = tuple(self.failed(unit, error))
            yield records.Record(unit.dataset, unit.name, rows)

    def failed(self, unit: Unit, error: Exception) -> Iterator[dict[str, Any]]:
        """Yields rows of a unit none of whose objects could be worked on."""
        reason = failures.reason(error, self.memory_advice)
        # A name that comes twice is once in a record.
        for name in dict.fromkeys(unit.objects or (unit.name,)):
            yield records.row(name, "failed", reason)


class _Steps:
    """The steps of a progress bar that belong to units."""

    def __init__(self, job: Job, bar: progress.Bar) -> None:
        self._job, self._bar = job, bar
        self._done: dict[str, int] = {}

    def advance(self, unit: Unit, count: int) -> None:
        """Says that steps are done; those of a second try count once."""
        done = self._done.get(unit.key, 0)
        counted = min(count, self._job.steps(unit) - done)
        self._done[unit.key] = done + counted
        self._bar.advance(counted)

    def finish(self, unit: Unit, note: str) -> None:
        """Says that a unit is done, also where fewer steps were needed."""
        self.advance(unit, self._job.steps(unit))
        self._bar.advance(0, note)
        del self._done[unit.key]


def run(
    job: Job, units: Sequence[Unit], workdir: epath.PathLike, limits: Limits
) -> Outcome:
    """Works on the units of a job, or on what is left of them.

    To resume is to call this again: finished units are kept, failed ones are tried
    again, and a folder that holds another run is refused.

    Args:
        job: What is done.
        units: On what.
        workdir: The run folder.
        limits: This start's share, and which failures are too many.

    Raises:
        RClicksError: It cannot start or write, two units have one name, or nothing
            works: the first units all failed in the same way. A single bad unit never
            raises.
    """
    work_units.require_distinct(units, job.unit)
    folder = store.RunFolder(workdir)
    noted = dataclasses.replace(provenance.of_this_process(), **job.provenance())
    folder.begin(job.kind, job.identity(), noted, mendable=job.mendable)
    starts.note(folder)
    progress.say_start(job.title, units, job.facts(), job.unit)
    if distributed.is_first():
        job.begun(folder)
    worked, stopped = _work(job, units, folder, limits)
    if not stopped:
        distributed.barrier(job.kind)
    if distributed.is_first():
        job.finish(folder, stopped)
    return _outcome(units, folder, worked, stopped)


def _work(
    job: Job,
    units: Sequence[Unit],
    folder: store.RunFolder,
    limits: Limits,
) -> tuple[int, str]:
    """Works on this process's units; returns how many, and what ended it early."""
    mine = work_units.owned(units, _shard(limits.shard))
    unfinished = work_units.unfinished(mine, folder)
    left = [unit for unit, _ in unfinished]
    attempts = {(unit.dataset, unit.name): (unit, n) for unit, n in unfinished}
    total, to_do = (sum(map(job.steps, some)) for some in (mine, left))
    first = progress.FirstFailures(limits.max_failed)
    worked = 0
    with (
        signals.stop_on_signal() as stop,
        progress.Bar(job.doing, job.step, total, total - to_do) as bar,
    ):
        steps = _Steps(job, bar)
        for record in job.work(_until(left, stop), folder, steps.advance):
            unit, attempt = attempts[record.dataset, record.name]
            folder.write(dataclasses.replace(record, attempt=attempt))
            worked += 1
            done = len(mine) - len(left) + worked
            steps.finish(unit, f"{done}/{len(mine)} {job.unit}s")
            reasons = record.reasons * record.asked
            if first.add(reasons, record.has_results):
                if not folder.has_results():
                    raise progress.stop_of(reasons[0], job.unit, limits.setting)
                # An earlier start had some, which is asked once.
                first.add((), has_results=True)
    return worked, stop.reason


def _until(units: Iterable[Unit], stop: signals.StopRequest) -> Iterator[Unit]:
    """Yields units until the run is asked to stop."""
    for unit in units:
        if stop:
            return
        yield unit


def _outcome(
    units: Sequence[Unit], folder: store.RunFolder, worked: int, stopped: str
) -> Outcome:
    """Counts what is recorded, and says why things failed."""
    statuses: list[Status] = []
    reasons: list[str] = []
    # Those of a start on more images are in the folder too.
    left = {store.key_of(unit.dataset, unit.name) for unit in units}
    for record in folder.read_all():
        left.discard(store.key_of(record.dataset, record.name))
        statuses += record.statuses
        reasons += record.reasons
    progress.say_failures(reasons)
    return Outcome(records.count(statuses), worked, len(left), stopped)


def _shard(text: str) -> tuple[int, int]:
    """Returns which of how many parts `NUMBER/COUNT` is; the settings are checked."""
    number, _, count = (text or "0/1").partition("/")
    return int(number), int(count)
