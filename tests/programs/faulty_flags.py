"""Gives each flag of a command bad values in turn; prints a line of JSON for each try.

    python faulty_flags.py BASE STEP COMMAND ARGUMENT ...

The arguments are a command that works, in which one flag at a time is replaced: `{out}`
is a new folder each time, and `{data}` is BASE/data. Each STEP-th pair of a flag and a
value is tried, in the order of a hash of them. Every try is a process of its own,
forked of one that has imported all.
"""

import contextlib
import hashlib
import importlib
import json
import os
import pathlib
import shutil
import signal
import sys
import traceback

HEAVY = {
    "benchmark": ("benchmark.job", "jobs.store", "segmenters.load"),
    "train": ("training.loop",),
    "evaluate": ("evaluation.job", "jobs.store"),
    "click_maps": ("click_maps.job",),
    "convert": ("networks.exchange",),
    "data": ("data.doctor", "data.packages", "data.specs"),
    "segmenters": ("segmenters.actions",),
    "tabulate": ("results.outputs", "results.export", "evaluation.outputs"),
}
SECONDS = 300


def values(base):
    """Returns what a flag is given, in the command line's own words."""
    return (
        "", " ", "nonsense", "-1", "-2147483649", "0", "1e400", "nan", "inf", "-inf",
        "99999999999999999999999", "0x10", "1,2,nan", ",", ":", "a:b=c", "=", "../..",
        str(base / "data"), str(base / "data" / "a.bin"), str(base / "data" / "none"),
        "/dev/null", "x" * 300, "b\udcff\udcfe", "a\nb", "é", "{}", "%s",
    )  # fmt: skip


def flags_of(command):
    from rclicks_jax.launch import usage

    sys.argv = [command]
    return [flag.name for flag in usage._own_flags()]


def attempt(module, command, arguments, report):
    """Runs the command in a child; returns its status, below 0 for too slow."""
    child = os.fork()
    if not child:
        status = 1
        with open(report, "w", errors="backslashreplace") as said:
            os.dup2(said.fileno(), 1)
            os.dup2(said.fileno(), 2)
            sys.stdout = sys.stderr = said
            try:
                sys.argv = [command, *arguments]
                module.run()
                status = 0
            except SystemExit as error:
                status = error.code if isinstance(error.code, int) else bool(error.code)
            except BaseException:
                traceback.print_exc(file=said)
            with contextlib.suppress(OSError):
                said.flush()
        os._exit(status or 0)
    signal.signal(signal.SIGALRM, lambda *_: os.kill(child, signal.SIGKILL))
    signal.alarm(SECONDS)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    signal.alarm(0)
    return code


def main():
    base, step, command, *given = sys.argv[1:]
    base = pathlib.Path(base)
    os.chdir(base)
    (base / "data").mkdir(exist_ok=True)
    (base / "data" / "a.bin").write_bytes(b"\xff\xfe\x00cut")
    module = importlib.import_module(f"rclicks_jax.launch.{command}")
    for name in HEAVY[command]:
        importlib.import_module(f"rclicks_jax.{name}")
    tries = [(name, value) for name in flags_of(command) for value in values(base)]
    # Neighbours are put apart, in the same way in each run.
    tries.sort(
        key=lambda pair: hashlib.sha256(
            ascii(pair).replace(str(base), "").encode()
        ).digest()
    )
    for name, value in tries[:: int(step)]:
        out = base / "try"
        shutil.rmtree(out, ignore_errors=True)
        os.environ["RCLICKS_CACHE"] = str(base / "cache")
        filled = [
            each.replace("{out}", str(out)).replace("{data}", str(base / "data"))
            for each in given
            if each.partition("=")[0] != f"--{name}"
        ]
        code = attempt(module, command, [*filled, f"--{name}={value}"], base / "said")
        said = (base / "said").read_text(errors="replace")
        told = {"flag": name, "value": value[:40], "status": code, "said": said[-1500:]}
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
