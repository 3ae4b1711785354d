"""Plays every case whose checkout is here and prints the table of docs/results.

RCLICKS_CHECKOUTS=DIR python table.py [CASE ...]
"""

import datetime
import pathlib
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

import kit
import numpy as np
from test_cases import CASES, TOLERANCE, constants_of


def row(name):
    """Returns the cells of one case; None if its checkout is not here."""
    constants = constants_of(name)
    if constants["CHECKOUT"] and not kit.checkout(constants["CHECKOUT"]).exists():
        return None
    golden, shares, provenance = kit.read_golden(constants["GOLDEN"])
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "answers.npz"
        start = time.perf_counter()
        command = [sys.executable, str(HERE / "run_case.py"), name, str(out)]
        subprocess.run(command, check=True, capture_output=True)
        seconds = time.perf_counter() - start
        with np.load(out) as file:
            answers = {key: file[key] for key in file.files}
    right = max(
        abs(answers[f"right/image{i}"] - points).max()
        for i, points in enumerate(golden)
    )
    bugs = {
        key.partition("/")[2]: abs(answer - golden[0]).max()
        for key, answer in answers.items()
        if key.startswith("bug/")
    }
    weakest = min(bugs, key=bugs.get)
    passed = right < TOLERANCE and bugs[weakest] > 100 * TOLERANCE
    source = provenance["repository"].removeprefix("https://github.com/")
    return [
        name,
        f"{source} {provenance['commit'][:12]}",
        provenance["weights"],
        f"{right:.1e}",
        str(len(bugs)),
        f"{bugs[weakest]:.2g} ({weakest})",
        f"{100 * shares.min():.2g} to {100 * shares.max():.2g}",
        f"{seconds:.0f}",
        datetime.date.today().isoformat() if passed else "**failed**",
    ]


def main(names):
    """Prints the table."""
    heads = [
        "case", "original", "network", "difference", "bugs", "weakest bug",
        "object, %", "s", "passed",
    ]  # fmt: skip
    print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    for name in names or CASES:
        cells = row(name)
        if cells:
            print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
