"""Checks of a segmenter, wherever it runs: does it keep to what `base` asks of it?

Each check is one claim, played on synthetic photographs. Checks go on from what the
ones before have shown: where answers differ by chance, comparing them says nothing
about batches.
"""

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from rclicks_jax import errors
from rclicks_jax.segmenters import benches, trials


@dataclasses.dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes:
        check: Its name.
        claim: What it checks, in a line.
        status: `passed`, `failed` or `left out`.
        detail: What came and what was expected, or why it was left out.
        seconds: It took.
    """

    check: str
    claim: str
    status: str
    detail: str
    seconds: float

    def __str__(self) -> str:
        first, *more = self.detail.splitlines() or [""]
        line = f"{self.status:9} {self.check:14}{self.seconds:7.2f} s  {self.claim}"
        return "\n    ".join([f"{line} {first}".rstrip(), *more])


class Check(NamedTuple):
    """A claim, and those without which it would show nothing."""

    run: Callable[[benches.Bench], str]
    needs: tuple[str, ...] = ("masks",)


def check(
    spec: str,
    *,
    seed: int = 0,
    large: bool = False,
    report: Callable[[str], Any] = print,
) -> list[Finding]:
    """Checks a segmenter.

    Args:
        spec: `name:key=value:...`, as for a benchmark.
        seed: Of the synthetic photographs.
        large: Also one of 1500x2000.
        report: Is told each finding when it is there, and how many there are of each
            status at the end.

    Raises:
        RClicksError: The segmenter cannot be loaded.
    """
    began = time.perf_counter()
    bench = benches.Bench(spec, seed, large)
    took = time.perf_counter() - began
    findings = [Finding("loads", "It loads.", "passed", "", took)]
    report(str(findings[0]))
    try:
        for one in CHECKS:
            findings.append(_find(one, bench, findings))
            report(str(findings[-1]))
    finally:
        bench.segmenter.close()
    statuses = [finding.status for finding in findings]
    counts = (f"{statuses.count(s)} {s}" for s in ("passed", "failed", "left out"))
    report(", ".join(counts))
    return findings


def conforms(findings: Sequence[Finding]) -> bool:
    """Tells whether nothing failed."""
    return all(finding.status != "failed" for finding in findings)


def _find(one: Check, bench: benches.Bench, earlier: Sequence[Finding]) -> Finding:
    passed = {finding.check for finding in earlier if finding.status == "passed"}
    missing = [name for name in one.needs if name not in passed]
    began = time.perf_counter()
    try:
        if missing:
            raise benches.LeftOutError(f"Needs {' and '.join(missing)}.")
        status, detail = "passed", one.run(bench)
    except benches.LeftOutError as reason:
        status, detail = "left out", str(reason)
    except (Exception, SystemExit) as error:
        told = isinstance(error, benches.FailedError | errors.RClicksError)
        status = "failed"
        detail = str(error) if told else f"{type(error).__name__}: {error}"
    claim = (one.run.__doc__ or "").partition("\n")[0]
    took = time.perf_counter() - began
    return Finding(one.run.__name__, claim, status, detail, took)


_REPEATS = ("deterministic", "sessions")
CHECKS = (
    Check(trials.masks, ()),
    Check(trials.probabilities),
    Check(trials.deterministic),
    Check(trials.sessions, ("deterministic",)),
    Check(trials.unused, _REPEATS),
    Check(trials.batch, _REPEATS),
    Check(trials.states, ("batch",)),
    Check(trials.ending, ("states",)),
    Check(trials.meaning, _REPEATS),
    Check(trials.borders),
    Check(trials.twenty),
    Check(trials.sizes),
    Check(trials.large),
    Check(trials.grey),
    Check(trials.flat),
    Check(trials.photographs, _REPEATS),
    Check(trials.replay, _REPEATS),
)
