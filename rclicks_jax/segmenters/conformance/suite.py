"""Runs the checks of a segmenter, wherever it runs, and reports the findings.

Each check tests one claim on synthetic photographs. A check may need others that
passed: if answers differ by chance, for example, a comparison of batches proves
nothing.
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
    """The result of one check.

    Attributes:
        check: Name of the check.
        claim: The claim that it checks, in a line.
        status: `passed`, `failed` or `left out`.
        detail: The observation, or why the check failed or was left out.
        seconds: Duration of the check.
        needs: Checks that did not pass, so that this one was left out.
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
    """A check, and the checks without which it would prove nothing.

    Attributes:
        run: Checks the claim.
        needs: Names of checks that must have passed.
        explains: Whether the check also runs if these have failed, because its failure
            may be the reason of theirs.
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
        large: Whether a photograph of 1500x2000 is among them.
        protocol: Protocol whose switches the segmenter gets.
        report: Is called with a line for each finding, except for checks that need a
            check that did not pass. Two last lines name these and count the findings by
            status.

    Raises:
        RClicksError: The segmenter cannot be loaded.
    """
    began = time.perf_counter()
    bench = bench_lib.Bench(spec, seed, large, protocol)
    took = time.perf_counter() - began
    printed = bench.segmenter.printed
    wrote = f"It wrote:\n{printed}" if printed else ""
    findings = [Finding("loads", "The segmenter loads.", "passed", wrote, took)]
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
            f"left out  {len(needing)} checks that prove nothing before the above is "
            f"corrected: {', '.join(needing)}"
        )
    statuses = [finding.status for finding in findings]
    counts = (f"{statuses.count(s)} {s}" for s in ("passed", "failed", "left out"))
    report(", ".join(counts))
    return findings


def conforms(findings: Sequence[Finding]) -> bool:
    """Tells whether no check failed."""
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
