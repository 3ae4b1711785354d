"""How long TETRIS takes on accelerators, calculated from docs/performance.md.

    python tests/tpu/pace.py

Writes what follows from the table of programs there, without a segmenter and with each
of `method_costs`. Nothing is run.
"""

import pathlib
import re
import sys

sys.path.insert(1, str(pathlib.Path(__file__).resolve().parents[1]))

from perf import page
from tpu import method_costs, table

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

    maps, batch = table.estimate(rows, chip, "click maps", "`b`")
    placed, regions = table.estimate(rows, chip, "regions", LARGE)
    drawn, draws = table.estimate(rows, chip, "draws", LARGE)
    counted, _ = table.estimate(rows, chip, "areas", LARGE)
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


def h200_rates(text: str) -> tuple[int, int]:
    """Returns maps, and objects with ten draws each, a second on an H200."""
    forward = re.search(
        r"\| forward, batch 256 \| ours, bfloat16 \|.*?\| (\d+) \|", text
    )
    drawn = re.search(r"device drew\s+for ([\d,]+) objects a second", text)
    assert forward, "docs/performance.md has no forward pass on an H200"
    assert drawn, "docs/performance.md has no draws on an H200"
    return int(forward[1]), int(drawn[1].replace(",", ""))


def h200(text: str) -> str:
    """Says what TETRIS takes on an H200, by the rates that were measured on one."""
    maps, draws = h200_rates(text)
    maps, draws = MAPS / maps, ROUNDS / draws
    return (
        f"- an H200, by rates that were measured: {maps + draws:.0f} s (click maps "
        f"{maps:.0f} s, draws from maps of 416x416 {draws:.0f} s), "
        f"{OBJECTS / (maps + draws):.1f} objects a second; click maps limit it."
    )


def methods(rows: list[table.Row], text: str) -> list[str]:
    """Returns a table of objects a second with each method in JAX."""
    others = sum(seconds_of(rows, "v4").values()) / OBJECTS
    maps, draws = h200_rates(text)
    others_h200 = MAPS / OBJECTS / maps + CLICKS / draws
    lines = [
        "| method | segmenter, s of a v4 an object | v4-32, objects/s | limited by "
        "| bridge on its hosts | H200, at most |",
        "|---|---:|---:|---|---:|---:|",
    ]
    missing: list[str] = []
    for method in method_costs.METHODS:
        example = method.example(rows)
        if example is None:
            missing.append(method.name)
            continue
        mine = method.seconds(rows, example)
        total = mine + others
        by = "segmenter" if mine > others else "click model"
        bridged = "not measured"
        on_cores = method.bridge()
        if on_cores is not None:
            cores = method_costs.HOSTS * method_costs.THREADS / on_cores
            about = "" if method.cores else "~"
            bridged = f"{about}{min(cores, CHIPS / others):.1f}"
        mark = "" if example.programs == method.programs else " *"
        fastest = 1 / (others_h200 + method.h200())
        lines.append(
            f"| {method.name}{mark} | {mine:.2f} | {CHIPS / total:.1f} | {by} "
            f"| {bridged} | {fastest:.2f} |"
        )
    if missing:
        names = ", ".join(missing)
        lines += ["", f"The table of programs does not have them yet: {names}."]
    return lines


def main():
    text = page.PAGE.read_text()
    head = (
        f"{OBJECTS} objects, the baseline and {GROUPS} groups, {CLICKS} clicks: {MAPS} "
        f"maps by `b`. Photographs of {LARGE}; without the segmenter and the host."
    )
    rows = table.read(text)
    lines = [head, "", v4_32(rows), h200(text), "", *methods(rows, text)]
    page.put("tpu pace", page.printed(lines), by="make tpu")


if __name__ == "__main__":
    main()
