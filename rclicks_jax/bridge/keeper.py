"""Watches a worker: when worker or client ends, it ends all that the worker started.

Started as a file by the client's interpreter, in a process group of its own:

    python -I -S keeper.py COMMAND ... REQUESTS REPLIES LIFELINE

The keeper starts the command with the same descriptors and waits. On Linux every orphan
among the worker's descendants becomes a child of the keeper, in whatever session it is,
so that none escapes. On other systems the keeper ends the worker's process group. It
exits with the status of the worker.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import select
import signal
import sys
import time

_SET_DEATH_SIGNAL = 1
_SET_CHILD_SUBREAPER = 36
_NOT_STARTED = 127
_SECONDS = 5.0


def descendants(root: int) -> list[int]:
    """Returns the running descendants of a process; none on systems without /proc."""
    parents: dict[int, int] = {}
    with contextlib.suppress(OSError):
        for name in os.listdir("/proc"):
            if not name.isdigit():
                continue
            with contextlib.suppress(OSError, ValueError, IndexError):
                with open(f"/proc/{name}/stat", "rb") as file:
                    # The name of the program, in brackets, may have any characters.
                    state, parent = file.read().rpartition(b")")[2].split()[:2]
                if state not in (b"Z", b"X"):
                    parents[int(name)] = int(parent)
    below: list[int] = []
    reached = {root}
    while reached:
        reached = {process for process, parent in parents.items() if parent in reached}
        below += sorted(reached)
    return below


def end_below(root: int) -> None:
    """Kills all descendants of a process, also those that start meanwhile."""
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        alive = descendants(root)
        if not alive:
            return
        for process in alive:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        if root == os.getpid():
            _reap()
        time.sleep(0.002)


def _prctl(option: int, value: int) -> None:
    """Calls `prctl` on Linux; does nothing on other systems, which do not have it."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _start(command: list[str]) -> int:
    """Starts the worker in a session of its own; returns its process id."""
    keeper = os.getpid()
    worker = os.fork()
    if worker:
        return worker
    try:
        os.setsid()
        # The kernel sends this signal when the thread that forked ends. The keeper has
        # one thread, so that is the end of the keeper.
        _prctl(_SET_DEATH_SIGNAL, signal.SIGKILL)
        if os.getppid() == keeper:
            signal.set_wakeup_fd(-1)
            for each in (signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ):
                signal.signal(each, signal.SIG_DFL)
            os.execvp(command[0], command)
    except OSError as error:
        os.write(
            2, f"{command[0]} cannot be started: {error.strerror or error}\n".encode()
        )
    finally:
        os._exit(_NOT_STARTED)


def _reap() -> dict[int, int]:
    """Returns the statuses of children that have ended, by process id."""
    ended: dict[int, int] = {}
    with contextlib.suppress(ChildProcessError):
        while True:
            child, status = os.waitpid(-1, os.WNOHANG)
            if not child:
                break
            ended[child] = status
    return ended


def _let_go(*descriptors: int) -> None:
    """Closes the pipes and files here, so that the worker alone holds them."""
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    for each in (nothing, *descriptors):
        os.close(each)


def _exit_like(status: int) -> None:
    """Ends this process with the exit status or the signal of a child."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        os._exit(128 + number)
    os._exit(os.WEXITSTATUS(status))


def main() -> None:
    """Runs the worker whose command is given, until it or the client ends."""
    command = sys.argv[1:]
    requests, replies, lifeline = map(int, command[-3:])
    _prctl(_SET_CHILD_SUBREAPER, 1)
    wake, notice = os.pipe()
    for each in (wake, notice):
        os.set_blocking(each, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(notice, warn_on_full_buffer=False)
    worker = _start(command)
    _let_go(requests, replies)
    poll = select.poll()
    poll.register(lifeline, select.POLLIN)
    poll.register(wake, select.POLLIN)
    status = None
    while status is None:
        ready = [descriptor for descriptor, _ in poll.poll()]
        if wake in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(wake, 1 << 12)
        status = _reap().get(worker)
        if lifeline in ready:
            break
    with contextlib.suppress(ProcessLookupError, PermissionError):
        # After the worker was reaped, the group exists only if it has other processes.
        os.killpg(worker, signal.SIGKILL)
    end_below(os.getpid())
    _exit_like(1 << 8 if status is None else status)


if __name__ == "__main__":
    main()
