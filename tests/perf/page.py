"""Where measurements go: between two markers of docs/performance.md."""

import os
import pathlib
import platform
import time

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "performance.md"
_CPU = pathlib.Path("/proc/cpuinfo")


def machine():
    """Describes the machine and how busy it is now."""
    name = platform.processor() or platform.machine()
    for line in _CPU.read_text().splitlines() if _CPU.exists() else ():
        if line.startswith("model name"):
            name = line.partition(":")[2].strip()
    date, load = time.strftime("%Y-%m-%d"), os.getloadavg()[0]
    return f"{name}, {os.cpu_count()} cores, load {load:.2f} at the start, {date}"


def printed(lines):
    """Prints lines as they come; returns them all."""
    kept = []
    for line in lines:
        print(line, flush=True)
        kept.append(line)
    return kept


def put(name, lines, by="make perf"):
    """Replaces what stands between `<!-- NAME, measured by ... -->` and its end."""
    start, stop = f"<!-- {name}, measured by {by} -->", f"<!-- end {name} -->"
    before, found, rest = PAGE.read_text().partition(start)
    _, end, after = rest.partition(stop)
    assert found, f"{PAGE} has no {start}"
    assert end, f"{PAGE} has no {stop}"
    PAGE.write_text(before + start + "\n" + "\n".join(lines) + "\n" + stop + after)
