"""Blocks of shared memory: large arrays are written once and read as views.

Each direction has one file without a name, opened before the worker starts and
inherited by it. The side that sends lends blocks of it; the side that receives gives a
block back when nothing refers to its view any more. As the file has no name, nothing
is left of it when both sides have ended, however they ended.
"""

from __future__ import annotations

import math
import mmap
import os
import tempfile
import weakref
from typing import Any

import numpy as np

_PAGE = 1 << 16
# What one direction may take; larger arrays go through the pipe.
_LIMIT = 1 << 33


def open_file() -> int:
    """Opens an empty file without a name; returns its descriptor."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("rclicks_bridge")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


class Lender:
    """The sending side of a file.

    Attributes:
        size: Bytes of the file.
    """

    def __init__(self, descriptor: int) -> None:
        """Starts with an empty file."""
        self.size = 0
        self._descriptor = descriptor
        self._map: Any = None
        self._lent: dict[int, int] = {}
        self._free: dict[int, int] = {}
        self._prepared: list[tuple[np.ndarray, int]] = []

    def lend(self, array: np.ndarray) -> int | None:
        """Copies an array into a block, unless it lies in one that was prepared.

        Args:
            array: Contiguous, not empty.

        Returns:
            Where the block starts, or None if there is no room.
        """
        for index, (other, start) in enumerate(self._prepared):
            if other is array:
                del self._prepared[index]
                return start
        view = self.prepare(array.shape, array.dtype)
        if view is None:
            return None
        view[...] = array
        return self._prepared.pop()[1]

    def prepare(self, shape: tuple[int, ...], dtype: Any) -> np.ndarray | None:
        """Returns an array in a block, to fill and lend; None if there is no room."""
        dtype, count = np.dtype(dtype), math.prod(shape)
        length = _block_length(count * dtype.itemsize)
        start = self._fitting(length)
        if start is None:
            start = self._grown(length)
        if start is None:
            return None
        array = np.frombuffer(self._map, dtype, count, start).reshape(shape)
        self._prepared.append((array, start))
        return array

    def drop_prepared(self) -> None:
        """Makes the blocks free again that were prepared and not lent."""
        self.take_back([start for _, start in self._prepared])
        self._prepared.clear()

    def take_back(self, starts: list[int]) -> None:
        """Makes blocks free again; what was not lent is ignored."""
        for start in starts:
            if start in self._lent:
                self._free[start] = self._lent.pop(start)

    def _fitting(self, length: int) -> int | None:
        fitting = [
            (size, start)
            for start, size in self._free.items()
            if length <= size <= 2 * length
        ]
        if not fitting:
            return None
        size, start = min(fitting)
        del self._free[start]
        self._lent[start] = size
        return start

    def _grown(self, length: int) -> int | None:
        start = self.size
        if start + length > _LIMIT:
            return None
        try:
            if hasattr(os, "posix_fallocate"):
                # Without this a full memory would end the process, not the call.
                os.posix_fallocate(self._descriptor, start, length)
            else:
                os.ftruncate(self._descriptor, start + length)
            self._map = mmap.mmap(self._descriptor, start + length)
        except OSError:
            return None
        self.size = start + length
        self._lent[start] = length
        return start


class Borrower:
    """The receiving side of a file."""

    def __init__(self, descriptor: int) -> None:
        """Maps nothing yet."""
        self._descriptor = descriptor
        self._map: Any = b""
        self._returned: list[int] = []

    def view(self, start: int, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
        """Returns an array of a block, without a copy.

        Raises:
            ValueError: The file does not reach so far.
        """
        count = int(np.prod(shape))
        end = start + count * dtype.itemsize
        if start < 0 or not count:
            raise ValueError(f"a block of {count} values at {start}")
        if end > len(self._map):
            size = os.fstat(self._descriptor).st_size
            if end > size:
                raise ValueError(f"a block up to {end} in a file of {size} bytes")
            self._map = mmap.mmap(self._descriptor, size)
        array = np.frombuffer(self._map, dtype, count, start)
        # Views of the array keep it alive, so this runs when the last of them is gone.
        weakref.finalize(array, self._returned.append, start).atexit = False
        return array.reshape(shape)

    def returned(self) -> list[int]:
        """Returns the blocks that became free since the last call."""
        starts = self._returned[:]
        del self._returned[: len(starts)]
        return starts


def _block_length(size: int) -> int:
    """Rounds up to one of four lengths an octave, so that few lengths are in use."""
    pages = -(-size // _PAGE)
    step = max(1, 1 << max(0, pages.bit_length() - 3))
    return -(-pages // step) * step * _PAGE
