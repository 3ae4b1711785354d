"""Commands as users start them, one process or two, for several tests."""

import multiprocessing
import os
import pathlib
import runpy
import socket
import subprocess
import sys
import tempfile

# What commands import, without what starts threads when it is imported.
_IMPORTED = (
    "cv2", "jax", "matplotlib.figure", "pandas", "scipy.stats",
    "rclicks_jax.launch.commands",
)  # fmt: skip
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(list(_IMPORTED))


def command(name, *flags):
    return [sys.executable, "-m", f"rclicks_jax.launch.{name}", *map(str, flags)]


def run(name, *flags, **environment):
    """Runs a command in a new interpreter."""
    return subprocess.run(
        command(name, *flags),
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "XLA_FLAGS": "", **environment},
    )


def forked(name, *flags, **environment):
    """Does as `run` in a copy of a process that has imported what commands import.

    That saves seconds. Not for what depends on imports, on variables that JAX reads
    when it is imported, or on signals.
    """
    environment = {**os.environ, "XLA_FLAGS": "", **environment}
    arguments = command(name, *flags)[2:]
    with tempfile.TemporaryDirectory() as folder:
        printed = [pathlib.Path(folder) / name for name in ("stdout", "stderr")]
        process = SERVER.Process(
            target=become, args=(arguments, environment, os.getcwd(), printed)
        )
        process.start()
        process.join(300)
        if process.exitcode is None:
            process.kill()
            raise TimeoutError(arguments)
        return subprocess.CompletedProcess(
            arguments, process.exitcode, *(path.read_text() for path in printed)
        )


def become(arguments, environment, folder, printed):
    """Runs a module as `python -m` does, in this process."""
    for number, path in enumerate(printed, 1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = arguments
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)


def run_together(cache, *flags):
    """Runs a command as two processes that know of each other."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "XLA_FLAGS": "", "RCLICKS_CACHE": cache}
    place = [f"--coordinator=localhost:{port}", "--process_count=2"]
    processes = [
        subprocess.Popen(
            command(*flags, *place, f"--process_id={number}"),
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for number in range(2)
    ]
    outputs = [process.communicate(timeout=200)[0].decode() for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    assert "Report:" in outputs[0]
    assert "Report:" not in outputs[1]
