"""Messages of a run: its first line, its progress, and the reasons of failures."""

import collections
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self, cast

import jax
import tqdm

from rclicks_jax import distributed, errors
from rclicks_jax.jobs import failures, processes, work_units

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
    thousands of times.
    """

    def __init__(self, max_failed: float) -> None:
        """Counts nothing if `max_failed` is 1: then the user accepts all failures."""
        self._on = max_failed < 1
        self._kind, self._count = "", 0

    def add(self, reasons: Sequence[str], has_results: bool) -> bool:
        """Counts an image or task that was given to the segmenter or click model.

        Args:
            reasons: Reasons why its objects failed; empty if it says nothing.
            has_results: Whether some object of it is `ok`.

        Returns:
            Whether so many failed that the run should end, if nothing else is `ok`.
        """
        if has_results:
            self._on = False
        if not self._on or not reasons:
            return False
        kind = failures.kind_of(reasons[0])
        self._count = self._count + 1 if kind == self._kind else 1
        self._kind = kind
        return self._count >= FIRST_FAILURES


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
