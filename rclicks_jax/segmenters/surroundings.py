"""Separates the state of this process that an adapter changes from the benchmark's.

In a worker an adapter has a process of its own. Here it shares the process of the
benchmark: working folder, environment variables, standard streams, loaded modules. Each
call of the adapter starts with the state that the call before has left. After the call,
the benchmark's own state is restored.
"""

import contextlib
import fcntl
import locale
import os
import pathlib
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from rclicks_jax.bridge import keeper, words

# Copies of descriptors get numbers from here on, so that an adapter that closes all low
# descriptors does not close them.
_HIGH = 600


class Piece(NamedTuple):
    """A part of the state of a process.

    Attributes:
        read: Returns the present value.
        write: Sets a value that was read before.
        is_shared: Whether the benchmark's value also holds while the adapter runs.
    """

    read: Callable[[], Any]
    write: Callable[[Any], Any]
    is_shared: bool = False


class Surroundings:
    """The state of the process that belongs to one adapter, kept between its calls.

    Attributes:
        printed: The end of what the adapter wrote inside `heard`.
    """

    def __init__(self, folder: pathlib.Path) -> None:
        """Starts with the present state of this process.

        Args:
            folder: Folder of the adapter's file; modules in it belong to the adapter.
        """
        self.printed = ""
        self._folder = str(folder.absolute())
        self._state: list[Any] | None = None
        self._modules: dict[str, Any] = {}
        self._streams: list[Any] = []
        self._children: set[int] = set()

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Sets the adapter's state while it runs; then restores the benchmark's."""
        state, loaded = [piece.read() for piece in _PIECES], dict(sys.modules)
        children = _children()
        with self._own_streams(), _same_ends_as_in_a_worker():
            self._put_modules()
            if self._state is not None:
                for piece, value in zip(_PIECES, self._state, strict=True):
                    if not piece.is_shared:
                        piece.write(value)
            try:
                yield
            finally:
                self._state = [piece.read() for piece in _PIECES]
                for piece, value in zip(_PIECES, state, strict=True):
                    piece.write(value)
                self._take_modules(loaded)
                self._children |= _children() - children

    @contextlib.contextmanager
    def heard(self) -> Iterator[None]:
        """Keeps the end of what is written meanwhile, and passes all on to stderr."""
        reading, writing = os.pipe()
        terminal, echo = _high(2), _high(2)
        output = words.Words(reading, echo=echo)
        os.dup2(writing, 2)
        os.close(writing)
        try:
            yield
        finally:
            self.printed = f"{self.printed}\n{output.settled()}".strip()
            os.dup2(terminal, 2)
            os.close(terminal)

    def end(self) -> None:
        """Ends the processes that the adapter started, if the kernel lists them."""
        for child in self._children & _children():
            keeper.end_below(child)
            with contextlib.suppress(OSError):
                os.kill(child, signal.SIGKILL)
        self._children.clear()

    @contextlib.contextmanager
    def _own_streams(self) -> Iterator[None]:
        """Makes stdin empty and sends output to stderr, as in a worker."""
        outer = (sys.stdin, sys.stdout, sys.stderr)
        copies = [_high(number) for number in range(3)]
        with contextlib.suppress(Exception):
            sys.stdout.flush()
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(2, 1)
        if not self._streams or any(each.closed for each in self._streams):
            self._streams = [
                os.fdopen(number, mode, 1, errors="backslashreplace", closefd=False)
                for number, mode in enumerate("rww")
            ]
        sys.stdin, sys.stdout, sys.stderr = self._streams
        try:
            yield
        finally:
            for stream in (*self._streams, sys.stdout, sys.stderr):
                with contextlib.suppress(Exception):
                    stream.flush()
            sys.stdin, sys.stdout, sys.stderr = outer
            for number, descriptor in enumerate(copies):
                os.dup2(descriptor, number)
                os.close(descriptor)

    def _put_modules(self) -> None:
        for name, module in self._modules.items():
            if module is None:
                sys.modules.pop(name, None)
            else:
                sys.modules[name] = module

    def _take_modules(self, before: dict[str, Any]) -> None:
        """Keeps the adapter's modules and its changes; restores the earlier modules."""
        now = dict(sys.modules)
        added = now.keys() - before.keys()
        own = {name: now[name] for name in added if self._is_own(name, now, before)}
        changed = {
            name: now.get(name)
            for name, module in before.items()
            if now.get(name) is not module
        }
        for name in own:
            del sys.modules[name]
        for name in changed:
            sys.modules[name] = before[name]
        self._modules = {**changed, **own}

    def _is_own(self, name: str, now: dict[str, Any], before: dict[str, Any]) -> bool:
        """Tells whether a module lies in the adapter's folder, or in a package there.

        Another adapter may have another module of the same name.
        """
        top = name.partition(".")[0]
        if top in before:
            return False
        spec = getattr(now.get(top), "__spec__", None)
        inside = getattr(spec, "submodule_search_locations", None) or ()
        places = (*inside, getattr(spec, "origin", None) or "")
        return any(
            os.path.dirname(os.path.abspath(place)) == self._folder
            for place in places
            if place
        )


@contextlib.contextmanager
def _same_ends_as_in_a_worker() -> Iterator[None]:
    """Makes threads end with this process, and `os._exit` end the call only.

    In a worker both are so: the end of a worker ends its threads, but not the run.
    """
    start, leave, process = threading.Thread.start, os._exit, os.getpid()

    def start_daemon(thread: threading.Thread) -> None:
        if not thread.daemon and not thread.is_alive():
            with contextlib.suppress(RuntimeError):
                thread.daemon = True
        start(thread)

    def leave_call(status: int) -> Any:
        if os.getpid() != process:
            leave(status)
        raise SystemExit(f"os._exit({status})")

    replaced: Any = threading.Thread
    replaced.start = start_daemon
    os._exit = leave_call
    try:
        yield
    finally:
        replaced.start = start
        os._exit = leave


def _high(descriptor: int) -> int:
    """Returns a copy of a descriptor with a high number."""
    try:
        return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _HIGH)
    except OSError:
        return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 3)


def _children() -> set[int]:
    """Returns the child processes of this thread; none on systems without /proc."""
    try:
        text = pathlib.Path("/proc/thread-self/children").read_text()
    except OSError:
        return set()
    return set(map(int, text.split()))


def _folder() -> str:
    try:
        return os.getcwd()
    except OSError:
        return ""


def _go_to(folder: str) -> None:
    # The folder may have been deleted.
    with contextlib.suppress(OSError):
        os.chdir(folder)


def _set_environment(variables: dict[str, str]) -> None:
    for name in os.environ.keys() - variables.keys():
        del os.environ[name]
    for name, value in variables.items():
        if os.environ.get(name) != value:
            os.environ[name] = value


def _handlers() -> dict[int, Any]:
    return {int(number): signal.getsignal(number) for number in signal.valid_signals()}


def _set_handlers(handlers: dict[int, Any]) -> None:
    if threading.current_thread() is not threading.main_thread():
        return
    for number, handler in handlers.items():
        # None means that a C library set the handler; Python cannot set it again.
        if handler is not None and signal.getsignal(number) is not handler:
            with contextlib.suppress(OSError, ValueError):
                signal.signal(number, handler)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _set_filters(earlier: list[Any]) -> None:
    if list(warnings.filters) != earlier:
        # This also clears the decisions that Python has cached by the other filters.
        warnings.resetwarnings()
        filters: Any = warnings.filters
        filters[:] = earlier


def _set_locale(name: str) -> None:
    if locale.setlocale(locale.LC_ALL) != name:
        with contextlib.suppress(locale.Error):
            locale.setlocale(locale.LC_ALL, name)


def _in_place(values: list[Any]) -> Piece:
    """Returns a piece for a list; it is changed in place, as other code holds it."""

    def write(earlier: list[Any]) -> None:
        values[:] = earlier

    return Piece(lambda: list(values), write)


def _set_hook(hook: Any) -> None:
    sys.excepthook = hook


_PIECES = (
    Piece(_folder, _go_to),
    Piece(lambda: dict(os.environ), _set_environment),
    # The benchmark handles an interrupt from the keyboard, also during a call.
    Piece(_handlers, _set_handlers, is_shared=True),
    Piece(lambda: sys.excepthook, _set_hook, is_shared=True),
    _in_place(sys.argv),
    _in_place(sys.path),
    Piece(lambda: list(warnings.filters), _set_filters),
    Piece(np.geterr, lambda options: np.seterr(**options)),
    Piece(np.get_printoptions, lambda options: np.set_printoptions(**options)),
    Piece(sys.getrecursionlimit, sys.setrecursionlimit),
    Piece(_umask, os.umask),
    Piece(lambda: locale.setlocale(locale.LC_ALL), _set_locale),
)
