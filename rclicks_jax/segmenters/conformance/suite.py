"""Checks of a segmenter, wherever it runs: does it keep to what `base` asks of it?

Each check is one claim, played on synthetic photographs. Checks go on from what the
ones before have shown: where answers differ by chance, comparing them says nothing
about batches.
"""

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from rclicks_jax import errors
from rclicks_jax.segmenters.conformance import bench as bench_lib
from rclicks_jax.segmenters.conformance import checks
from rclicks_jax.settings import protocols


@dataclasses.dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes:
        check: Its name.
        claim: What it checks, in a line.
        status: `passed`, `failed` or `left out`.
        detail: What came and what was expected, or why it was left out.
        seconds: How long the check took.
        needs: The checks without which it was left out.
    """

    check: str
    claim: str
    status: str
    detail: str
    seconds: float
    needs: tuple[str, ...] = ()

    def __str__(self) -> str:
        first, *more = self.detail.splitlines() or [""]
        line = f"{self.status:9} {self.check:14}{self.seconds:7.2f} s  {self.claim}"
        return "\n    ".join([f"{line} {first}".rstrip(), *more])


class Check(NamedTuple):
    """A claim, and those without which it would show nothing.

    Attributes:
        run: Checks the claim.
        needs: Names of checks.
        explains: Whether it is tried without them too, as its failure may be theirs.
    """

    run: Callable[[bench_lib.Bench], str]
    needs: tuple[str, ...] = ("masks",)
    explains: bool = False


def check(
    spec: str,
    *,
    seed: int = 0,
    large: bool = False,
    protocol: protocols.Protocol = protocols.PAPER,
    report: Callable[[str], object] = print,
) -> list[Finding]:
    """Checks a segmenter.

    Args:
        spec: `name:key=value:...`, as for a benchmark.
        seed: Seed of the synthetic photographs.
        large: Also one of 1500x2000.
        protocol: Whose switches the segmenter is told.
        report: Is told each finding when it is there, but for what others are needed
            for; at the end which those are, and how many there are of each status.

    Raises:
        RClicksError: The segmenter cannot be loaded.
    """
    began = time.perf_counter()
    bench = bench_lib.Bench(spec, seed, large, protocol)
    took = time.perf_counter() - began
    printed = bench.segmenter.printed
    wrote = f"It wrote:\n{printed}" if printed else ""
    findings = [Finding("loads", "It loads.", "passed", wrote, took)]
    report(str(findings[0]))
    try:
        for each in CHECKS:
            findings.append(_find(each, bench, findings))
            if not findings[-1].needs:
                report(str(findings[-1]))
    finally:
        bench.segmenter.close()
    needing = [finding.check for finding in findings if finding.needs]
    if needing:
        report(
            f"left out  {len(needing)} checks that say nothing before the above is "
            f"mended: {', '.join(needing)}"
        )
    statuses = [finding.status for finding in findings]
    counts = (f"{statuses.count(s)} {s}" for s in ("passed", "failed", "left out"))
    report(", ".join(counts))
    return findings


def conforms(findings: Sequence[Finding]) -> bool:
    """Tells whether nothing failed."""
    return all(finding.status != "failed" for finding in findings)


def _find(check: Check, bench: bench_lib.Bench, earlier: Sequence[Finding]) -> Finding:
    passed = {finding.check for finding in earlier if finding.status == "passed"}
    missing = [name for name in check.needs if name not in passed]
    began = time.perf_counter()
    needs = f"Needs {' and '.join(missing)}."
    try:
        if missing and not check.explains:
            raise bench_lib.LeftOutError(needs)
        status, detail = "passed", check.run(bench)
        if missing:
            raise bench_lib.LeftOutError(needs)
    except bench_lib.AnswerError as error:
        status, detail = ("left out", needs) if missing else ("failed", str(error))
    except bench_lib.LeftOutError as reason:
        status, detail = "left out", str(reason)
    except (Exception, SystemExit) as error:
        is_complete = isinstance(error, bench_lib.FailedError | errors.RClicksError)
        status = "failed"
        detail = str(error) if is_complete else f"{type(error).__name__}: {error}"
    claim = (check.run.__doc__ or "").partition("\n")[0]
    took = time.perf_counter() - began
    needed = tuple(missing) if status == "left out" else ()
    return Finding(check.run.__name__, claim, status, detail, took, needed)


_REPEATS = ("deterministic", "sessions")
CHECKS = (
    Check(checks.masks, ()),
    Check(checks.probabilities, explains=True),
    Check(checks.deterministic),
    Check(checks.sessions, ("deterministic",)),
    Check(checks.unused, _REPEATS),
    Check(checks.batch, _REPEATS),
    Check(checks.states, ("batch",)),
    Check(checks.ending, ("states",)),
    Check(checks.meaning, _REPEATS, explains=True),
    Check(checks.borders),
    Check(checks.twenty),
    Check(checks.sizes),
    Check(checks.large),
    Check(checks.grey),
    Check(checks.flat),
    Check(checks.photographs, _REPEATS),
    Check(checks.replay, _REPEATS),
)
