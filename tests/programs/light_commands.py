"""What commands that only read or refuse import, and what they cost beside JAX.

    python light_commands.py ENOUGH

Reads command lines from stdin, a JSON list of lists of words, and writes a list of JSON
objects: status, output, the modules that were imported, and the processor time as a
share of that of `python -c "import jax"`. Each command runs in copies of this process,
which has imported nothing of the package: again while its share is above ENOUGH, at
most three times, of which the least counts.
"""

import contextlib
import importlib
import io
import json
import os
import statistics
import sys
import time

TRIES = 3


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
    of_jax = start + statistics.median(in_a_copy(import_jax)[1] for _ in range(TRIES))
    results = []
    for words in json.load(sys.stdin):
        shares = []
        # A machine that is busy with other work makes a try slow.
        while not shares or (min(shares) > enough and len(shares) < TRIES):
            result, seconds = in_a_copy(lambda words=words: command(words))
            shares.append((start + seconds) / of_jax)
        results.append({**result, "share": min(shares)})
    print(json.dumps(results))


if __name__ == "__main__":
    main()
