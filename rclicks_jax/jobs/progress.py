"""What a run says while it works: what it is, how far it is, why things failed."""

import collections
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

import jax
import tqdm

from rclicks_jax import distributed, errors
from rclicks_jax.jobs import failures, processes, work_units

# Images that fail in the same way before a run is stopped that has no result at all.
FIRST_FAILURES = 10


def say_start(
    title: str, units: Sequence[work_units.Unit], facts: Mapping[str, str], called: str
) -> None:
    """Says on one line what is run, on what, and where.

    Args:
        title: The job.
        units: All that is worked on, by all processes.
        facts: What else matters, by name.
        called: What a unit is called: `image`, or `click task`.
    """
    if not distributed.is_first():
        return
    objects = sum(len(unit.objects) for unit in units)
    counted = [f"{len(units)} {called}s"] + [f"{objects} objects"] * bool(objects)
    said = [", ".join(counted), *(f"{name} {text}" for name, text in facts.items())]
    line = f"{title}: {'; '.join(said)}; {_devices()}."
    print(errors.printable(line), file=sys.stderr)


def _devices() -> str:
    count = jax.device_count()
    kind = jax.devices()[0].device_kind
    devices = f"{count} {kind} device{'s' * (count > 1)}"
    of_process = f" of {jax.process_count()} processes" * (jax.process_count() > 1)
    return f"{devices}{of_process}, {processes.cores()} cores"


def say_failures(reasons: Iterable[str]) -> None:
    """Says the most common reasons of failures, with counts."""
    counted = collections.Counter(reasons)
    if counted and distributed.is_first():
        told = failures.most_common(counted)
        print(f"{counted.total()} failed. {told}", file=sys.stderr)


class Bar:
    """A progress bar that several threads may advance."""

    def __init__(self, what: str, unit: str, total: int, initial: int) -> None:
        """Shows how much there is, and that a first pass may have to be compiled."""
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
        """Says that so much more is done, and shows a note beside the bar."""
        with self._lock:
            if note or self._first:
                self._bar.set_postfix_str(note, refresh=False)
            self._first = False
            self._bar.update(count)

    def __enter__(self) -> Self:
        """Shows the bar until the end of a block."""
        return self

    def __exit__(self, *raised: object) -> None:
        """Leaves the bar as it is."""
        self._bar.close()


class FirstFailures:
    """Stops a run whose first images all fail in the same way.

    An adapter that cannot work, or a click model without a device, would otherwise
    fail thousands of times.
    """

    def __init__(self, max_failed: float) -> None:
        """Counts nothing if `max_failed` is 1: the user takes failures as they come."""
        self._on = max_failed < 1
        self._kind, self._count = "", 0

    def add(self, reasons: Sequence[str], has_results: bool) -> bool:
        """Takes an image or task on which segmenter or click model were asked.

        Args:
            reasons: Why its objects failed; empty if some did not.
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
    """Returns the error that ends a run of which nothing works.

    Args:
        reason: Why the last image or task failed.
        unit: What a unit is called.
        flag: Name of the setting of the share that may fail.
    """
    return errors.RClicksError(
        f"The first {FIRST_FAILURES} {unit}s all failed in the same way, and nothing "
        f"has worked yet: {reason}\nMend that and run the same command again: the same "
        f"folder goes on. {flag}=1 would go on in spite of it."
    )
