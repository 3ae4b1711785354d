"""Keeps the end of what another process, or an adapter in this one, writes."""

from __future__ import annotations

import collections
import contextlib
import os
import select
import threading
import time

_LAST_CHARACTERS = 3000
_CHUNK = 1 << 14


class Words:
    """The last characters that came through a pipe."""

    def __init__(self, descriptor: int, echo: int | None = None) -> None:
        """Starts to read.

        Args:
            descriptor: Reading end of the pipe; closed when the pipe ends.
            echo: Descriptor of a file that gets a copy of everything, closed at the
                same time; None for no copy.
        """
        self._descriptor = descriptor
        self._echo = echo
        self._chunks: collections.deque[bytes] = collections.deque(maxlen=8)
        self._busy = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def text(self) -> str:
        """Returns the last characters that have come so far, without outer blanks."""
        text = b"".join(list(self._chunks)).decode(errors="replace")
        return text[-_LAST_CHARACTERS:].strip()

    def settled(self, seconds: float = 0.5) -> str:
        """Waits until the pipe is empty; returns the last characters."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self._thread.is_alive():
            poll = select.poll()
            with contextlib.suppress(OSError):
                poll.register(self._descriptor, select.POLLIN)
                if not poll.poll(0) and not self._busy:
                    break
            time.sleep(0.002)
        return self.text()

    def join(self, seconds: float = 1.0) -> None:
        """Waits for the end of the pipe; a process that writes may keep it open."""
        self._thread.join(timeout=seconds)

    def _read(self) -> None:
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        while True:
            poll.poll()
            self._busy = True
            chunk = os.read(self._descriptor, _CHUNK)
            if not chunk:
                break
            self._chunks.append(chunk)
            if self._echo is not None:
                with contextlib.suppress(OSError):
                    os.write(self._echo, chunk)
            self._busy = False
        for each in (self._descriptor, self._echo):
            if each is not None:
                os.close(each)
