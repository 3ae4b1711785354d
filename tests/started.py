"""Commands as users start them, one process or two, for several tests."""

import atexit
import contextlib
import gc
import multiprocessing
import os
import pathlib
import runpy
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import weakref

import compiled

# What commands import. None of it computes with JAX, whose threads no copy would have.
_IMPORTED = (
    "cv2", "jax", "jinja2", "matplotlib.figure", "pandas", "scipy.stats",
    "tensorflow_datasets",
    "rclicks_jax.launch.commands", "rclicks_jax.benchmark.job",
    "rclicks_jax.click_maps.job", "rclicks_jax.data.doctor",
    "rclicks_jax.evaluation.job", "rclicks_jax.evaluation.outputs",
    "rclicks_jax.results.outputs", "rclicks_jax.training.loop",
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
        env=compiled.environment(**environment),
    )


class Forked:
    """A program in a copy of a process that has imported what commands import.

    That saves seconds. Not for what depends on imports, or on variables that JAX reads
    when it is imported.

    Attributes:
        pid: Number of the process.
    """

    def __init__(self, arguments, environment, prepare=None, folder=None, merged=False):
        """Starts it.

        Args:
            arguments: A module or the path of a program, and its flags.
            environment: All variables of its environment.
            prepare: Called in the new process first; a function of a module.
            folder: Where it starts; None for here.
            merged: Whether errors go where output goes.
        """
        place = tempfile.mkdtemp()
        weakref.finalize(self, shutil.rmtree, place, ignore_errors=True)
        names = ["stdout"] if merged else ["stdout", "stderr"]
        self._printed = [pathlib.Path(place) / name for name in names]
        arguments = list(map(str, arguments))
        where = (str(folder or os.getcwd()), self._printed)
        self._process = SERVER.Process(
            target=_become, args=(arguments, environment, *where, prepare)
        )
        self._process.start()
        self.pid = self._process.pid

    @property
    def returncode(self):
        """Status of the program; None as long as it runs."""
        return self._process.exitcode

    def poll(self):
        """Returns the status; None as long as it runs."""
        return self.returncode

    def wait(self, timeout=300):
        """Returns the status once it has ended."""
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired(str(self._process), timeout)
        return self.returncode

    def printed(self):
        """Returns what it has written to standard output and to standard error.

        The second is empty where errors go where output goes.
        """
        texts = [path.read_text() if path.exists() else "" for path in self._printed]
        return (texts[0], *(texts[1:] or [""]))

    def communicate(self, timeout=300):
        """Returns what it has printed once it has ended."""
        self.wait(timeout)
        return self.printed()

    def send_signal(self, number):
        """Sends it a signal, as long as it runs."""
        # It may have ended, and its parent, the fork server, not yet told its status.
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self):
        """Ends it."""
        self.send_signal(signal.SIGKILL)


def forked(name, *flags, prepare=None, **environment):
    """Does as `run` in a copy of a process, see `Forked`."""
    environment = compiled.environment(**environment)
    arguments = command(name, *flags)[2:]
    ended = Forked(arguments, environment, prepare)
    try:
        printed = ended.communicate()
    finally:
        ended.kill()
    return subprocess.CompletedProcess(arguments, ended.returncode, *printed)


def _become(arguments, environment, folder, printed, prepare):
    """Runs a module or a program as Python does, in this process."""
    for number, path in ((1, printed[0]), (2, printed[-1])):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    # What was imported is neither garbage nor changed, so that its memory is shared.
    gc.freeze()
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = arguments
    if prepare is not None:
        prepare()
    try:
        if arguments[0].endswith(".py"):
            runpy.run_path(arguments[0], run_name="__main__")
        else:
            runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
    finally:
        # As an interpreter does when it ends, and a forked process does not.
        atexit._run_exitfuncs()


def run_together(cache, *flags):
    """Runs a command as two processes that know of each other."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    environment = compiled.environment(RCLICKS_CACHE=cache)
    place = [f"--coordinator=localhost:{port}", "--process_count=2"]
    processes = [
        Forked(command(*flags, *place, f"--process_id={number}")[2:], environment)
        for number in range(2)
    ]
    printed = [process.communicate(timeout=200) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], printed
    assert "Report:" in printed[0][0]
    assert "Report:" not in printed[1][0]
