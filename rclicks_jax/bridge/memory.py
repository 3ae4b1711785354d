"""Blocks of shared memory: large arrays are written once and read as views.

Each direction has one file without a name. It is opened before the worker starts, and
the worker inherits it. The sender lends blocks of it. The receiver returns a block when
nothing refers to its view any more. Because the file has no name, nothing is left of it
when both sides have ended, in whatever way they ended.

If the other side could make a mapped file shorter, reading a view would crash this
process. So files are mapped only where the kernel can seal their length, as Linux does.
On other systems blocks are written and read like any file.
"""

from __future__ import annotations

import contextlib
import fcntl
import math
import mmap
import os
import tempfile
import weakref
from typing import Any

import numpy as np

_PAGE = 1 << 16
# Most bytes of one direction; arrays that do not fit go through the pipe.
_LIMIT = 1 << 33


def open_file() -> int:
    """Opens an empty file that has no name and cannot be made shorter.

    Returns:
        Its descriptor. On systems without sealed files it is an ordinary file.

    Raises:
        OSError: No file can be opened.
    """
    if hasattr(os, "memfd_create"):
        with contextlib.suppress(OSError):
            flags = os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING
            descriptor = os.memfd_create("rclicks_bridge", flags)
            with contextlib.suppress(OSError):
                seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
                fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
            return descriptor
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def is_sealed(descriptor: int) -> bool:
    """Tells whether a file is sealed, so that no process can make it shorter."""
    if not hasattr(fcntl, "F_GET_SEALS"):
        return False
    try:
        return bool(fcntl.fcntl(descriptor, fcntl.F_GET_SEALS) & fcntl.F_SEAL_SHRINK)
    except OSError:
        return False


class Lender:
    """The sending side of a file.

    Attributes:
        size: Bytes of the file.
    """

    def __init__(self, descriptor: int) -> None:
        """Starts with an empty file."""
        self.size = 0
        self._descriptor = descriptor
        self._mapped = is_sealed(descriptor)
        self._map: Any = None
        self._lent: dict[int, int] = {}
        self._free: dict[int, int] = {}
        self._prepared: list[tuple[np.ndarray, int]] = []

    def lend(self, array: np.ndarray) -> int | None:
        """Copies an array into a block, unless it lies in a prepared block already.

        Args:
            array: A contiguous array that is not empty.

        Returns:
            Where the block starts, or None if there is no room.
        """
        for index, (other, start) in enumerate(self._prepared):
            if other is array:
                del self._prepared[index]
                return start
        if not self._mapped:
            return self._written(array)
        view = self.prepare(array.shape, array.dtype)
        if view is None:
            return None
        view[...] = array
        return self._prepared.pop()[1]

    def prepare(
        self, shape: tuple[int, ...], dtype: np.dtype | type
    ) -> np.ndarray | None:
        """Returns an array in a new block, for the caller to fill and lend.

        Returns:
            The array; None if there is no room, or the file is not mapped.
        """
        dtype, count = np.dtype(dtype), math.prod(shape)
        start = self._place(count * dtype.itemsize) if self._mapped else None
        if start is None:
            return None
        array = np.frombuffer(self._map, dtype, count, start).reshape(shape)
        self._prepared.append((array, start))
        return array

    def drop_prepared(self) -> None:
        """Frees the blocks that were prepared but not lent."""
        self.take_back([start for _, start in self._prepared])
        self._prepared.clear()

    def take_back(self, starts: list[int]) -> None:
        """Frees lent blocks; numbers of blocks that are not lent are ignored."""
        for start in starts:
            if start in self._lent:
                self._free[start] = self._lent.pop(start)

    def _written(self, array: np.ndarray) -> int | None:
        """Writes an array into a block of a file that is not mapped."""
        start = self._place(array.nbytes)
        if start is None:
            return None
        rest, place = memoryview(array.reshape(-1).view(np.uint8).data), start
        try:
            while rest:
                count = os.pwrite(self._descriptor, rest, place)
                rest, place = rest[count:], place + count
        except OSError:
            self.take_back([start])
            return None
        return start

    def _place(self, size: int) -> int | None:
        """Reserves a block of at least `size` bytes; returns where it starts."""
        length = _block_length(size)
        start = self._fitting(length)
        return self._grown(length) if start is None else start

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
                # Without this, full memory would crash the process, not fail the call.
                os.posix_fallocate(self._descriptor, start, length)
            else:
                os.ftruncate(self._descriptor, start + length)
            if self._mapped:
                self._map = mmap.mmap(self._descriptor, start + length)
        except (OSError, ValueError):
            return None
        self.size = start + length
        self._lent[start] = length
        return start


class Borrower:
    """The receiving side of a file."""

    def __init__(self, descriptor: int) -> None:
        """Maps nothing yet."""
        self._descriptor = descriptor
        self._mapped = is_sealed(descriptor)
        self._map: Any = b""
        self._returned: list[int] = []

    def view(self, start: int, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
        """Returns the array in a block, read-only.

        It is a view if the file is mapped, otherwise a copy.

        Raises:
            ValueError: The block does not lie within the file.
        """
        count = int(np.prod(shape))
        end = start + count * dtype.itemsize
        if start < 0 or not count:
            raise ValueError(f"a block of {count} values at {start}")
        if end > len(self._map):
            size = os.fstat(self._descriptor).st_size
            if end > size:
                raise ValueError(f"a block up to {end} in a file of {size} bytes")
            if not self._mapped:
                self._returned.append(start)
                return self._copy(start, dtype, count).reshape(shape)
            self._map = self._mapping(size)
        array = np.frombuffer(self._map, dtype, count, start)
        array.flags.writeable = False
        # Views of the array keep it alive, so this runs once no view is left.
        weakref.finalize(array, self._returned.append, start).atexit = False
        return array.reshape(shape)

    def _mapping(self, size: int) -> mmap.mmap:
        try:
            return mmap.mmap(self._descriptor, size)
        except OSError as error:
            raise ValueError(f"a file of {size} bytes cannot be mapped: {error}") from (
                error
            )

    def _copy(self, start: int, dtype: np.dtype, count: int) -> np.ndarray:
        """Reads a block; raises `ValueError` if the file has become too short."""
        array = np.empty(count, dtype)
        rest, place = memoryview(array.view(np.uint8).data), start
        while rest:
            size = os.preadv(self._descriptor, [rest], place)
            if not size:
                raise ValueError(f"a block that ends {len(rest)} bytes too early")
            rest, place = rest[size:], place + size
        array.flags.writeable = False
        return array

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
