"""Runs `programs/faulty_*.py`, and says what a user must never see."""

import json
import os
import pathlib
import subprocess
import sys

import compiled

_PROGRAMS = pathlib.Path(__file__).resolve().parent / "programs"


def every_fault(base, step, names, *command):
    """Lets calls of a command fail in turn; returns what went wrong, and how many.

    Args:
        base: A folder, with `data` in it.
        step: Each such call is tried.
        names: Errors, by name of errno.
        *command: The command and its flags.
    """
    rows = _rows("faulty_command.py", base, step, names, *command)
    wrong = [row for row in rows if not _is_right(row)]
    return wrong, sum(row["came"] for row in rows)


def every_value(base, step, *command):
    """Gives the flags of a command bad values; returns what went wrong, and how many.

    Args:
        base: A folder, with `data` in it.
        step: Each such pair of a flag and a value is tried.
        *command: The command and its flags.
    """
    rows = _rows("faulty_flags.py", base, step, *command)
    wrong = [row for row in rows if not _is_told(row)]
    return wrong, len(rows)


def _rows(script, base, *arguments):
    # What was compiled is shared by all tries; the folder is none that they look at.
    programs = base.parent / f"compiled_{base.name}"
    environment = {
        **os.environ,
        "XLA_FLAGS": compiled.flags(),
        "JAX_COMPILATION_CACHE_DIR": str(programs),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }
    done = subprocess.run(
        [sys.executable, _PROGRAMS / script, base, *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def _is_told(row):
    raw = any(word in row["said"] for word in ("Traceback", "[Errno"))
    return not raw and (row["status"] == 0 or "error: " in row["said"])


def _is_right(row):
    if any(
        word in row["said"] + row.get("more", "") for word in ("Traceback", "[Errno")
    ):
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
