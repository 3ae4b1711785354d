"""The commands of a run: one for each time that it was started or went on.

    attempts/NANOSECONDS-PROCESS.json     when, and what

They tell how a folder came to be; no number depends on them.
"""

import datetime
import json
import os
import sys
import time
from typing import NamedTuple

from rclicks_jax import distributed, files
from rclicks_jax.jobs import run_files, store

_FOLDER = "attempts"


class Start(NamedTuple):
    """A start of a run.

    Attributes:
        started: Date and time.
        command: As the shell gave it.
    """

    started: str
    command: list[str]


def note(folder: store.RunFolder) -> None:
    """Writes down the command of this process, if it is the first of its run.

    Raises:
        RunFolderError: It cannot be written.
    """
    if not distributed.is_first():
        return
    started = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    content = json.dumps({"started": started, "command": sys.argv}) + "\n"
    name = f"{time.time_ns():020}-{os.getpid()}.json"
    files.write_output(folder.path / _FOLDER / name, content.encode())


def read_all(folder: store.RunFolder) -> list[Start]:
    """Reads the starts of a run, the first one first; those that are damaged are not.

    A run of an earlier release has the one that its `run.json` notes.
    """
    found = []
    for path in sorted(folder.path.glob(f"{_FOLDER}/*.json")):
        try:
            read = json.loads(run_files.read_text(path))
            found.append(Start(str(read["started"]), list(map(str, read["command"]))))
        except (OSError, ValueError, TypeError, KeyError):
            continue
    noted = folder.info().provenance
    command = list(map(str, noted.get("command", [])))
    if command and command not in [each.command for each in found]:
        found.insert(0, Start(str(noted.get("started", "")), command))
    return found
