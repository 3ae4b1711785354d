"""How a time is taken: again, when another process took the processor meanwhile.

Imports neither JAX nor PyTorch, so that both measure in the same way.
"""

import dataclasses
import os
import pathlib
import statistics
import time

# Shares of the cores that other processes may use during a repeat, or before it.
DISTURBED, BUSY = 0.1, 0.05
_STAT = pathlib.Path("/proc/stat")
_STATUS = pathlib.Path("/proc/self/status")


@dataclasses.dataclass
class Times:
    """Seconds of the repeats, and the largest share of the cores others used."""

    seconds: list[float]
    others: float

    @property
    def median(self):
        return statistics.median(self.seconds)


def measure(function, repeats, *, warm=1, patience=60):
    """Times `function`; the least disturbed of twice as many repeats count.

    Args:
        function: Takes nothing.
        repeats: Times to keep.
        warm: Calls before.
        patience: Seconds to wait for idle cores, before each repeat.
    """
    for _ in range(warm):
        function()
    taken = []
    for _ in range(2 * repeats):
        wait_until_idle(patience)
        watch = Watch()
        function()
        taken.append((watch.seconds(), watch.others()))
        if sum(others <= DISTURBED for _, others in taken) == repeats:
            break
    # Stable: among the undisturbed, and among equals, the first repeats are kept.
    taken.sort(key=lambda each: each[1] if each[1] > DISTURBED else 0)
    seconds, others = zip(*taken[:repeats], strict=True)
    return Times(list(seconds), max(others))


def median_ms(function, repeats=7):
    return 1000 * measure(function, repeats, patience=1).median


class Watch:
    """What passed since it was made: seconds, and the share of cores others used."""

    def __init__(self):
        self._start, self._busy, self._own = time.perf_counter(), _busy(), _own()

    def seconds(self):
        return time.perf_counter() - self._start

    def others(self):
        cores = os.cpu_count() * max(self.seconds(), 1e-3)
        # The kernel counts in hundredths of a second, which is noise in short repeats.
        used = _busy() - self._busy - (_own() - self._own) - 0.02
        return max(0.0, used / cores)


def wait_until_idle(patience):
    """Waits until other processes leave the cores alone, at most `patience` seconds."""
    deadline = time.monotonic() + patience
    while True:
        watch = Watch()
        time.sleep(0.2)
        if watch.others() <= BUSY or time.monotonic() > deadline:
            return


def peak_memory():
    """Returns the most memory this process has held, bytes; 0 where unknown."""
    # Not getrusage: its maximum includes that of the process which started this one.
    for line in _STATUS.read_text().splitlines() if _STATUS.exists() else ():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
    return 0


def _busy():
    if not _STAT.exists():
        return 0.0
    fields = list(map(int, _STAT.read_text().split("\n", 1)[0].split()[1:9]))
    idle = fields[3] + fields[4]
    return (sum(fields) - idle) / os.sysconf("SC_CLK_TCK")


def _own():
    times = os.times()
    return times.user + times.system
