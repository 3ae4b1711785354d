"""Runs `programs/faulty_command.py`, and says what a user must never see."""

import json
import os
import pathlib
import subprocess
import sys

SCRIPT = pathlib.Path(__file__).resolve().parent / "programs" / "faulty_command.py"


def every_fault(base, step, names, *command):
    """Lets calls of a command fail in turn; returns what went wrong, and how many.

    Args:
        base: A folder, with `data` in it.
        step: Each such call is tried.
        names: Errors, by name of errno.
        *command: The command and its flags.
    """
    done = subprocess.run(
        [sys.executable, SCRIPT, base, str(step), names, *command],
        capture_output=True,
        text=True,
        env={**os.environ, "XLA_FLAGS": ""},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    wrong = [row for row in rows if not _is_right(row)]
    return wrong, sum(row["came"] for row in rows)


def _is_right(row):
    if "Traceback" in row["said"] + row.get("more", ""):
        return False
    if row["error"] == "CUT":
        # What is damaged stays so; it must not give another result.
        return row["status"] != 0 or row["same"]
    if row["error"] in ("EACCES", "EROFS") and "/data/mine/" in row["path"]:
        # A user's file that is refused is a failed image until something of it changes.
        return row["status"] != 0
    # What can be done without, such as the folder of compiled programs, is no error.
    told = row["status"] == 0 or "error: " in row["said"]
    return told and row["again"] == 0 and row["same"]
