"""What commands that only read or refuse import, and what they cost beside JAX.

    python light_commands.py ENOUGH

Reads command lines from stdin, a JSON list of lists of words, and writes a list of JSON
objects: status, output, the modules that were imported, and the processor time as a
share of that of `python -c "import jax"`. Each command runs in copies of this process,
which has imported nothing of the package. A machine that is busy with other work makes
both slower, now the one and now the other: while the share is above ENOUGH, both run
again, at most ten times, and the least of each counts.
"""

import contextlib
import importlib
import io
import json
import os
import sys
import time

TRIES = 10


def in_a_copy(function):
    """Calls a function in a copy of this process; returns its value and its seconds."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        with open(writing, "w") as pipe:
            pipe.write(json.dumps(function()))
        os._exit(0)
    os.close(writing)
    with open(reading) as pipe:
        value = json.loads(pipe.read())
    _, _, used = os.wait4(child, 0)
    return value, used.ru_utime + used.ru_stime


def import_jax():
    importlib.import_module("jax")


def command(words):
    """Runs a command as its entry point does."""
    sys.argv = [f"rclicks-{words[0]}", *words[1:]]
    said, status = io.StringIO(), None
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            importlib.import_module(f"rclicks_jax.launch.{words[0]}").run()
        except SystemExit as ended:
            status = ended.code
    return {
        "status": status,
        "said": said.getvalue(),
        "modules": sorted(name for name in sys.modules if name.count(".") < 2),
    }


def main():
    enough = float(sys.argv[1])
    # What Python itself costs.
    start = time.process_time()
    of_jax, results = start + min(in_a_copy(import_jax)[1] for _ in range(3)), []
    for words in json.load(sys.stdin):
        result, seconds = in_a_copy(lambda words=words: command(words))
        of_command = start + seconds
        for _ in range(TRIES - 1):
            if of_command <= enough * of_jax:
                break
            of_jax = min(of_jax, start + in_a_copy(import_jax)[1])
            _, seconds = in_a_copy(lambda words=words: command(words))
            of_command = min(of_command, start + seconds)
        results.append({**result, "share": of_command / of_jax})
    print(json.dumps(results))


if __name__ == "__main__":
    main()
