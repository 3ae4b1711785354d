"""How long TETRIS takes on accelerators, calculated from docs/performance.md.

    python tests/tpu/pace.py

Writes what follows from the table of programs there. Nothing is run.
"""

import pathlib
import re
import sys

sys.path.insert(1, str(pathlib.Path(__file__).resolve().parents[1]))

from perf import page
from tpu import table

# All of TETRIS: the baseline and ten groups, 20 clicks each, photographs as large as
# 1500x2000. In the first round the groups share a map.
OBJECTS, GROUPS, CLICKS = 2531, 10, 20
MAPS = OBJECTS * (1 + GROUPS * (CLICKS - 1))
ROUNDS = OBJECTS * CLICKS
DRAWS = ROUNDS * GROUPS
LARGE = "1500x2000"
# A v4-32 has 16 chips.
CHIPS, AIM = 16, 120


def seconds_of(rows: list[table.Row], chip: str) -> dict[str, float]:
    """Returns the seconds of each program for all of TETRIS on one chip.

    Exits with a sentence if the table lacks one of the programs.
    """

    def estimate(program: str, shape: str) -> tuple[float, int]:
        fitting = [
            row
            for row in rows
            if (row.program, row.chip, row.devices) == (program, chip, 1)
            and shape in row.shape
        ]
        if not fitting:
            sys.exit(f"The table has no {program} of {shape} on a {chip}: `make tpu`.")
        row = fitting[0]
        # Its shape says first, or after the variant, how many it makes.
        return row.estimate / 1e3, int(re.findall(r"\b\d+\b", row.shape)[0])

    maps, batch = estimate("click maps", "`b`")
    placed, regions = estimate("regions", LARGE)
    drawn, draws = estimate("draws", LARGE)
    counted, _ = estimate("areas", LARGE)
    return {
        "click maps": MAPS * maps / batch,
        "regions": MAPS * placed / regions,
        "draws": DRAWS * drawn / draws,
        # Of masks and of boundary bands, all of an object.
        "areas": ROUNDS * counted,
    }


def v4_32(rows: list[table.Row]) -> str:
    """Says what TETRIS takes on a v4-32, and what limits it."""
    parts = {name: value / CHIPS for name, value in seconds_of(rows, "v4").items()}
    total = sum(parts.values())
    shares = ", ".join(f"{name} {value:.0f} s" for name, value in parts.items())
    limit = max(parts, key=lambda name: parts[name])
    verdict = "met" if total <= AIM else "not met"
    return (
        f"- a v4-32, by the compiler's estimates: {total:.0f} s ({shares}), "
        f"{OBJECTS / total:.0f} objects a second; {limit} limit it. The aim of {AIM} s "
        f"is {verdict}."
    )


def h200(text: str) -> str:
    """Says what TETRIS takes on an H200, by the rates that were measured on one."""
    forward = re.search(
        r"\| forward, batch 256 \| ours, bfloat16 \|.*?\| (\d+) \|", text
    )
    drawn = re.search(r"device drew\s+for ([\d,]+) objects a second", text)
    assert forward, "docs/performance.md has no forward pass on an H200"
    assert drawn, "docs/performance.md has no draws on an H200"
    maps, draws = MAPS / int(forward[1]), ROUNDS / int(drawn[1].replace(",", ""))
    return (
        f"- an H200, by rates that were measured: {maps + draws:.0f} s (click maps "
        f"{maps:.0f} s, draws from maps of 416x416 {draws:.0f} s), "
        f"{OBJECTS / (maps + draws):.1f} objects a second; click maps limit it."
    )


def main():
    text = page.PAGE.read_text()
    head = (
        f"{OBJECTS} objects, the baseline and {GROUPS} groups, {CLICKS} clicks: {MAPS} "
        f"maps by `b`. Photographs of {LARGE}; without the segmenter and the host."
    )
    lines = [head, "", v4_32(table.read(text)), h200(text)]
    page.put("tpu pace", page.printed(lines), by="make tpu")


if __name__ == "__main__":
    main()
