"""Messages of a run: its first line, its progress, and the reasons of failures."""

import collections
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self, cast

import jax
import tqdm

from rclicks_jax import distributed, errors
from rclicks_jax.jobs import failures, processes, records, work_units

# A run without any result stops after so many images that failed in the same way.
FIRST_FAILURES = 10


def say_start(
    title: str, units: Sequence[work_units.Unit], facts: Mapping[str, str], called: str
) -> None:
    """Prints the first line of a run: the job, its data and the devices.

    Args:
        title: Name of the job.
        units: All units of all processes.
        facts: Further facts, by name.
        called: Word for a unit: `image` or `click task`.
    """
    if not distributed.is_first():
        return
    objects = sum(len(unit.objects) for unit in units)
    counts = [f"{len(units)} {called}s"] + [f"{objects} objects"] * bool(objects)
    parts = [", ".join(counts), *(f"{name} {text}" for name, text in facts.items())]
    line = f"{title}: {'; '.join(parts)}; {_devices()}."
    print(errors.printable(line), file=sys.stderr)


def _devices() -> str:
    count = jax.device_count()
    kind = cast(str, jax.devices()[0].device_kind)
    devices = f"{count} {kind} device{'s' * (count > 1)}"
    of_process = f" of {jax.process_count()} processes" * (jax.process_count() > 1)
    return f"{devices}{of_process}, {processes.cores()} cores"


def say_failures(reasons: Iterable[str]) -> None:
    """Prints the most common reasons of failures, with counts."""
    counts = collections.Counter(reasons)
    if counts and distributed.is_first():
        summary = failures.most_common(counts)
        print(f"{counts.total()} failed. {summary}", file=sys.stderr)


class Bar:
    """A progress bar that several threads may advance."""

    def __init__(self, what: str, unit: str, total: int, initial: int) -> None:
        """Shows the bar; until the first step it says that programs are compiled."""
        self._lock = threading.Lock()
        self._first = True
        self._bar: Any = tqdm.tqdm(
            total=total,
            initial=initial,
            desc=what,
            unit=unit,
            disable=not distributed.is_first(),
        )
        if initial < total:
            self._bar.set_postfix_str("first pass, compiling if need be")

    def advance(self, count: int, note: str = "") -> None:
        """Adds steps to the bar and shows a note beside it."""
        with self._lock:
            if note or self._first:
                self._bar.set_postfix_str(note, refresh=False)
            self._first = False
            self._bar.update(count)

    def __enter__(self) -> Self:
        """Returns the bar, which stays until the end of the block."""
        return self

    def __exit__(self, *raised: object) -> None:
        """Closes the bar; its last state stays on the terminal."""
        self._bar.close()


class FirstFailures:
    """Stops a run whose first images all fail in the same way.

    Otherwise a broken adapter, or a click model without its device, would fail
    thousands of times. Images are judged in the order in which they were begun: one
    that fails is done sooner than one that works.
    """

    def __init__(self, keys: Iterable[str], max_failed: float) -> None:
        """Counts nothing if `max_failed` is 1: then the user accepts all failures.

        Args:
            keys: Keys of all units in the order in which they are begun.
            max_failed: The share of failures that the user accepts.
        """
        self._on = max_failed < 1
        self._left = iter(keys)
        self._next = next(self._left, "")
        self._ended: dict[str, records.Record] = {}
        self._kind, self._count = "", 0

    def end(self) -> None:
        """Counts no further failures."""
        self._on = False
        self._ended.clear()

    def add(self, key: str, record: records.Record) -> str:
        """Takes the record of an image or task that has ended.

        Args:
            key: Key of its unit.
            record: Its record.

        Returns:
            The reason of the failures if the run should end, provided that nothing else
            is `ok`; else empty.
        """
        if not self._on:
            return ""
        self._ended[key] = record
        while self._on and self._next in self._ended:
            reason = self._judge(self._ended.pop(self._next))
            self._next = next(self._left, "")
            if reason:
                return reason
        return ""

    def _judge(self, record: records.Record) -> str:
        if record.has_results:
            self.end()
        # A unit that could not be read says nothing about what is asked.
        if record.has_results or not record.asked or not record.reasons:
            return ""
        reason = record.reasons[0]
        kind = failures.kind_of(reason)
        self._count = self._count + 1 if kind == self._kind else 1
        self._kind = kind
        return reason if self._count >= FIRST_FAILURES else ""


def stop_of(reason: str, unit: str, flag: str) -> errors.RClicksError:
    """Returns the error that stops a run in which nothing works.

    Args:
        reason: Why the last image or task failed.
        unit: Word for a unit.
        flag: Name of the flag for the share that may fail.
    """
    return errors.RClicksError(
        f"The first {FIRST_FAILURES} {unit}s all failed in the same way, and nothing "
        f"has worked yet: {reason}\nMend that and run the same command again: the same "
        f"folder goes on. {flag}=1 would go on in spite of it."
    )
