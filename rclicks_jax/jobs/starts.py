"""The commands of a run: one for each time that it was started or continued.

    attempts/NANOSECONDS-PROCESS.json     time and command

They show how the folder was made; no number depends on them.
"""

import datetime
import json
import os
import sys
import time
from typing import NamedTuple, cast

from rclicks_jax import distributed, files
from rclicks_jax.jobs import run_files, store

_FOLDER = "attempts"


class Start(NamedTuple):
    """One start of a run.

    Attributes:
        started: Date and time of the start.
        command: The command line, `sys.argv`.
    """

    started: str
    command: list[str]


def note(folder: store.RunFolder) -> None:
    """Writes the command of this process to the folder, if it is the first process.

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
    """Reads the starts of a run in order of time; damaged files are passed over.

    A run of an earlier release has only the start that its `run.json` holds.
    """
    starts: list[Start] = []
    for path in sorted(folder.path.glob(f"{_FOLDER}/*.json")):
        try:
            content = json.loads(run_files.read_text(path))
            starts.append(
                Start(str(content["started"]), list(map(str, content["command"])))
            )
        except (OSError, ValueError, TypeError, KeyError):
            continue
    provenance = folder.info().provenance
    recorded = provenance.get("command", [])
    command = list(map(str, cast(list[object], recorded)))
    if command and command not in [start.command for start in starts]:
        starts.insert(0, Start(str(provenance.get("started", "")), command))
    return starts
