"""Keeps a worker: when the worker or the client ends, all that the worker started ends.

Started as a file by the client's interpreter, in a process group of its own:

    python -I -S keeper.py COMMAND ... REQUESTS REPLIES LIFELINE

It starts the command with the same descriptors and waits. On Linux every orphan among
the worker's descendants becomes its child, in whatever session, so that none escapes.
Elsewhere it ends the worker's process group. It exits as the worker did.
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
    """Returns the processes below a process that still run; none without /proc."""
    parents: dict[int, int] = {}
    with contextlib.suppress(OSError):
        for name in os.listdir("/proc"):
            if not name.isdigit():
                continue
            with contextlib.suppress(OSError, ValueError, IndexError):
                with open(f"/proc/{name}/stat", "rb") as file:
                    # The name of the program, in brackets, may hold anything.
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
    """Kills all processes below a process, and what they start meanwhile."""
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
    """Asks Linux for something; others have nothing like it."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _start(command: list[str]) -> int:
    """Starts the worker in a session of its own; returns its number."""
    keeper = os.getpid()
    worker = os.fork()
    if worker:
        return worker
    try:
        os.setsid()
        # This process has one thread, so its end is the keeper's and not a thread's.
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
    """Returns the statuses of children that have ended, by their number."""
    ended: dict[int, int] = {}
    with contextlib.suppress(ChildProcessError):
        while True:
            child, status = os.waitpid(-1, os.WNOHANG)
            if not child:
                break
            ended[child] = status
    return ended


def _let_go(*descriptors: int) -> None:
    """Leaves the pipes and files to the worker, so that they end with it."""
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    for each in (nothing, *descriptors):
        os.close(each)


def _exit_like(status: int) -> None:
    """Ends this process the way a child did."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        os._exit(128 + number)
    os._exit(os.WEXITSTATUS(status))


def main() -> None:
    """Keeps the worker whose command is given until it or the client ends."""
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
        # Once the worker is reaped, the group is there only if others are in it.
        os.killpg(worker, signal.SIGKILL)
    end_below(os.getpid())
    _exit_like(1 << 8 if status is None else status)


if __name__ == "__main__":
    main()
