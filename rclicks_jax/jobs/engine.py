"""The engine: works on all units of a job; a bad unit never stops the run."""

import abc
import contextlib
import dataclasses
import threading
from collections.abc import (
    Callable,
    Collection,
    Generator,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from typing import TYPE_CHECKING

from etils import epath

from rclicks_jax import distributed, errors, signals
from rclicks_jax.jobs import (
    failures,
    meter,
    progress,
    provenance,
    records,
    starts,
    store,
    utilisation,
    work_units,
)
from rclicks_jax.jobs.work_units import Unit
from rclicks_jax.types import JsonObject, Status

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The result of a job.

    Attributes:
        counts: Number of objects, or click tasks, by status, in the whole folder;
            earlier starts are included.
        worked: Number of units that this start has worked on.
        left: Number of unfinished units; they belong to other shards or processes.
        stopped: Name of the signal that stopped the run early; empty if none did.
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
    """The share of the work that a start does, and the failures that it accepts.

    Attributes:
        shard: Part of the work as `NUMBER/COUNT`; empty for all.
        max_failed: Share of failures that the user accepts; with 1 the run always goes
            on.
        setting: Name of `max_failed` in messages: the flag that the user sets.
    """

    shard: str = ""
    max_failed: float = 0.01
    setting: str = "--config.max_failed"


class Job(abc.ABC):
    """A job: how its units are worked on, and what is recorded of them.

    The engine knows only this interface. `work` may take several units together; a
    `UnitJob` takes one at a time.

    Attributes:
        kind: Identifier of the job in run folders; it never changes.
        title: Name of the job in the first line of a run.
        doing: Description beside the progress bar, such as `Writing click maps`.
        unit: Word for a unit in messages, such as `image`.
        step: Word for what the progress bar counts.
        mendable: Fields of its identity that may change as long as no object is `ok`.
        memory_advice: Sentence that tells the user what to do if memory runs out.
    """

    kind: str
    title: str
    doing: str
    unit: str = "image"
    step: str = "image"
    mendable: Collection[str] = ()
    memory_advice: str = ""

    @abc.abstractmethod
    def identity(self) -> "DataclassInstance":
        """Returns a dataclass of all values that can change a number."""

    def provenance(self) -> JsonObject:
        """Returns values for fields of `provenance.Provenance`, by field name."""
        return {}

    def facts(self) -> Mapping[str, str]:
        """Returns further facts for the first line of a run, by name."""
        return {}

    def steps(self, unit: Unit) -> int:
        """Returns the largest number of steps of the progress bar that a unit takes."""
        return 1

    @abc.abstractmethod
    def work(
        self, units: "Units", folder: store.RunFolder, advance: "Advance"
    ) -> Generator[records.Record]:
        """Yields a record for each unit, in any order.

        Args:
            units: The units to work on. The iterator ends early when the run is asked
                to stop. Units that were already taken are finished, or left to the next
                start.
            folder: The run folder, for files beside the records.
            advance: Function to call with a unit and the number of its steps that are
                now done; from any thread.
        """

    # Most jobs have nothing to do at these two moments.
    def begun(self, folder: store.RunFolder) -> None:  # noqa: B027
        """Prints further messages at the start; called in the first process only."""

    def finish(self, folder: store.RunFolder, stopped: str) -> None:  # noqa: B027
        """Completes the folder after the last unit; for the first process only."""


Advance = Callable[[Unit, int], None]


class Units:
    """The units of this start, one after the other, until the run is asked to stop.

    Attributes:
        meter: Notes what the job does when.
    """

    def __init__(
        self, units: Iterable[Unit], stop: signals.StopRequest, noted: meter.Meter
    ) -> None:
        self._units, self._stop = iter(units), stop
        self.meter = noted

    @property
    def stopped(self) -> str:
        """Name of the signal that asked the run to stop; empty if none did."""
        return self._stop.reason

    def __iter__(self) -> Iterator[Unit]:
        return self

    def __next__(self) -> Unit:
        if self._stop:
            raise StopIteration
        return next(self._units)


class UnitJob(Job):
    """A job that works on one unit at a time; an error fails only its own unit."""

    @abc.abstractmethod
    def rows(self, unit: Unit) -> Iterable[JsonObject]:
        """Works on one unit and returns a row for each of its objects.

        If it raises an error, all objects of the unit are recorded as `failed`, and the
        error is the reason.
        """

    def work(
        self, units: Units, folder: store.RunFolder, advance: Advance
    ) -> Generator[records.Record]:
        """Yields a record for each unit, in the order of the units."""
        for unit in units:
            try:
                rows = tuple(self.rows(unit))
            except errors.RunFolderError:
                raise
            except Exception as error:
                rows = tuple(self.failed(unit, error))
            yield records.Record(unit.dataset, unit.name, rows)

    def failed(self, unit: Unit, error: Exception) -> Iterator[dict[str, object]]:
        """Yields a `failed` row for each object of a unit whose work has failed."""
        reason = failures.reason(error, self.memory_advice)
        # A record has one row for each name, even if the unit lists a name twice.
        for name in dict.fromkeys(unit.objects or (unit.name,)):
            yield records.row(name, "failed", reason)


class _Steps:
    """Counts the steps of each unit for a progress bar."""

    def __init__(self, job: Job, bar: progress.Bar) -> None:
        self._job, self._bar = job, bar
        self._lock = threading.Lock()
        self._done: dict[str, int] = {}

    def advance(self, unit: Unit, count: int) -> None:
        """Advances the bar; steps that are repeated in a second try count once."""
        with self._lock:
            done = self._done.get(unit.key, 0)
            counted = min(count, self._job.steps(unit) - done)
            self._done[unit.key] = done + counted
        self._bar.advance(counted)

    def finish(self, unit: Unit, note: str) -> None:
        """Advances the bar to the end of a unit, also if it took fewer steps."""
        self.advance(unit, self._job.steps(unit))
        self._bar.advance(0, note)
        del self._done[unit.key]


def run(
    job: Job, units: Sequence[Unit], workdir: epath.PathLike, limits: Limits
) -> Outcome:
    """Works on those units of a job that are not finished yet.

    To resume a run, call this again: finished units are kept, failed units are tried
    again. A folder that holds another run is refused.

    Args:
        job: The job.
        units: All units of the job.
        workdir: The run folder.
        limits: The share of this start, and the failures that it accepts.

    Raises:
        RClicksError: The run cannot start or write, two units have the same name, or
            nothing works: the first units all failed in the same way. A single bad unit
            never raises.
    """
    work_units.require_distinct(units, job.unit)
    work_units.require_same_plan(units, job.unit)
    folder = store.RunFolder(workdir)
    facts = dataclasses.replace(provenance.of_this_process(), **job.provenance())
    folder.begin(job.kind, job.identity(), facts, mendable=job.mendable)
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
    """Works on the units of this process; returns their number and the stop signal."""
    mine = work_units.owned(units, _shard(limits.shard))
    unfinished = work_units.unfinished(mine, folder)
    left = [unit for unit, _ in unfinished]
    attempts = {(unit.dataset, unit.name): (unit, n) for unit, n in unfinished}
    total, to_do = (sum(map(job.steps, some)) for some in (mine, left))
    first = progress.FirstFailures([unit.key for unit in left], limits.max_failed)
    worked = 0
    with (
        signals.stop_on_signal() as stop,
        progress.Bar(job.doing, job.step, total, total - to_do) as bar,
        contextlib.ExitStack() as stack,
    ):
        steps = _Steps(job, bar)
        noted = meter.Meter()
        work = job.work(Units(left, stop, noted), folder, steps.advance)
        # Closed at once if something here fails, not when its memory is freed.
        stack.enter_context(contextlib.closing(work))
        for record in work:
            unit, attempt = attempts[record.dataset, record.name]
            with noted.part("records"):
                folder.write(dataclasses.replace(record, attempt=attempt))
            worked += 1
            done = len(mine) - len(left) + worked
            steps.finish(unit, f"{done}/{len(mine)} {job.unit}s")
            if reason := first.add(unit.key, record):
                if not folder.has_results():
                    raise progress.stop_of(reason, job.unit, limits.setting)
                # An earlier start had results; from now on failures are not counted.
                first.end()
        utilisation.write(folder, noted)
    return worked, stop.reason


def _outcome(
    units: Sequence[Unit], folder: store.RunFolder, worked: int, stopped: str
) -> Outcome:
    """Counts the recorded statuses, and prints the reasons of failures."""
    statuses: list[Status] = []
    reasons: list[str] = []
    # The folder may hold more units: those of an earlier start on more images.
    left = {store.key_of(unit.dataset, unit.name) for unit in units}
    for record in folder.read_all():
        left.discard(store.key_of(record.dataset, record.name))
        statuses += record.statuses
        reasons += record.reasons
    progress.say_failures(reasons)
    return Outcome(records.count(statuses), worked, len(left), stopped)


def _shard(text: str) -> tuple[int, int]:
    """Returns the two numbers of `NUMBER/COUNT`; the settings have checked the text."""
    number, _, count = (text or "0/1").partition("/")
    return int(number), int(count)
