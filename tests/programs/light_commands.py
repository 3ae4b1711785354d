"""What commands that only read or refuse import, and what they cost beside JAX.

Reads command lines from stdin, a JSON list of lists of words, and writes a JSON object
for each: status, output, the modules it imported, and its processor time as a share of
that of `import jax`. Each runs in a copy of this process, which has imported nothing.
"""

import contextlib
import importlib
import io
import json
import os
import statistics
import sys

TRIES = 3
# A share below is not measured again.
ENOUGH = 0.5


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
    of_jax = statistics.median(in_a_copy(import_jax)[1] for _ in range(TRIES))
    results = []
    for words in json.load(sys.stdin):
        shares = []
        # A machine that is busy with other work makes the first try slow.
        while not shares or (min(shares) > ENOUGH and len(shares) < TRIES):
            result, seconds = in_a_copy(lambda words=words: command(words))
            shares.append(seconds / of_jax)
        results.append({**result, "share": min(shares)})
    print(json.dumps(results))


if __name__ == "__main__":
    main()
