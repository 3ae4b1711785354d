"""The two directions between client and worker: frames, and memory that they share."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from rclicks_jax.bridge import memory, wire


class Channel:
    """One end: sends and receives frames whose large arrays lie in shared memory."""

    def __init__(
        self,
        read: wire.Read,
        write: Callable[[bytes], object],
        sends: int,
        receives: int,
    ) -> None:
        """Starts with no block lent.

        Args:
            read: Returns exactly as many bytes as asked for, or raises `EOFError`.
            write: Writes all bytes that it gets.
            sends: Descriptor of the file that this end writes arrays to.
            receives: Descriptor of the file that the other end writes arrays to.
        """
        self._read = read
        self._write = write
        self._lender = memory.Lender(sends)
        self._borrower = memory.Borrower(receives)

    def empty(self, shape: tuple[int, ...], dtype: np.dtype | type) -> np.ndarray:
        """Returns an array to fill; a large one is not copied by the next `send`."""
        array = None
        if math.prod(shape) * np.dtype(dtype).itemsize >= wire.LEAST_SHARED:
            array = self._lender.prepare(shape, dtype)
        return np.empty(shape, dtype) if array is None else array

    def send(self, header: wire.Header, arrays: wire.Arrays | None = None) -> None:
        """Sends one frame."""
        header = {**header, "returned": self._borrower.returned()}
        lent: list[int] = []

        def lend(array: np.ndarray) -> int | None:
            start = self._lender.lend(array)
            lent.extend([] if start is None else [start])
            return start

        try:
            pieces = wire.pack(header, arrays, lend)
        except BaseException:
            self._lender.take_back(lent)
            raise
        finally:
            self._lender.drop_prepared()
        for piece in pieces:
            self._write(piece)

    def receive(self) -> tuple[wire.Header, wire.Arrays]:
        """Receives one frame; its large arrays are views of shared memory.

        Raises:
            WireError: The bytes that came are not a frame.
            EOFError: The other side has ended.
        """
        header, arrays = wire.unpack(self._read, self._borrower.view)
        returned = header.pop("returned", [])
        are_starts = isinstance(returned, list) and all(
            type(start) is int for start in returned
        )
        if not are_starts:
            raise wire.WireError(f"returned must be a list of numbers: {returned!r}")
        self._lender.take_back(returned)
        return header, arrays
