"""Frames: a JSON header and raw arrays, so that nothing is ever unpickled.

A frame is the bytes `RCLB`, the length of the header as an unsigned 32-bit
little-endian integer, the header as UTF-8 JSON, and the bytes of each array in C
order. The header is an object. Its key `arrays` lists the name, dtype and shape of each
array. Arrays in shared memory do not follow; for these it has the place in memory.
docs/wire_protocol.md describes every byte.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

VERSION = 3
MAGIC = b"RCLB"
MAX_HEADER = 1 << 20
MAX_ARRAYS = 1 << 31
# Arrays of at least so many bytes go through shared memory, if there is any.
LEAST_SHARED = 1 << 16
DTYPES = ("|b1", "|u1", "<u2", "<i4", "<i8", "<f4", "<f8")

Header = dict[str, Any]
Arrays = dict[str, np.ndarray]
Read = Callable[[int], bytes]
Lend = Callable[[np.ndarray], "int | None"]
Borrow = Callable[[int, np.dtype, "tuple[int, ...]"], np.ndarray]


class WireError(Exception):
    """Bytes are not a frame; the message says what came and what was expected."""


def pack(
    header: Header, arrays: Arrays | None = None, lend: Lend | None = None
) -> list[bytes]:
    """Returns the pieces of a frame.

    Args:
        header: JSON values; must not use the key `arrays`.
        arrays: Arrays of the dtypes in `DTYPES`.
        lend: Puts a large array into shared memory and returns where it starts, or None
            if there is no room.
    """
    entries, pieces = [], []
    for name, array in (arrays or {}).items():
        array = np.ascontiguousarray(array)
        kind = array.dtype.newbyteorder("<").str
        if kind not in DTYPES:
            raise WireError(f"array {name} is {kind}; allowed: {DTYPES}")
        array = array.astype(kind, copy=False)
        entry = {"name": name, "dtype": kind, "shape": list(array.shape)}
        start = lend(array) if lend and array.nbytes >= LEAST_SHARED else None
        if start is None:
            pieces.append(array.tobytes())
        else:
            entry["start"] = start
        entries.append(entry)
    text = json.dumps({**header, "arrays": entries}).encode()
    if len(text) > MAX_HEADER:
        raise WireError(f"header of {len(text)} bytes; at most {MAX_HEADER}")
    return [MAGIC + struct.pack("<I", len(text)) + text, *pieces]


def unpack(read: Read, borrow: Borrow | None = None) -> tuple[Header, Arrays]:
    """Reads one frame.

    Args:
        read: Returns exactly as many bytes as asked for, or raises `EOFError`.
        borrow: Returns an array that lies in shared memory, or raises `ValueError`.

    Raises:
        WireError: The bytes are not a frame.
        EOFError: The bytes ended too early.
    """
    start = read(8)
    if start[:4] != MAGIC:
        raise WireError(f"a frame starts with {MAGIC!r}, not {start[:4]!r}")
    (length,) = struct.unpack("<I", start[4:])
    if length > MAX_HEADER:
        raise WireError(f"header of {length} bytes; at most {MAX_HEADER}")
    try:
        header = json.loads(read(length).decode())
        entries = [_entry(described) for described in header.pop("arrays", [])]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise WireError(f"header is not valid: {error!r}") from error
    if sum(entry.size for entry in entries) > MAX_ARRAYS:
        raise WireError(f"arrays of more than {MAX_ARRAYS} bytes")
    return header, {entry.name: _array(entry, read, borrow) for entry in entries}


class _Entry(NamedTuple):
    """A header's entry for an array; `start` is None if the array comes by the pipe."""

    name: str
    dtype: np.dtype
    shape: tuple[int, ...]
    size: int
    start: int | None


def _entry(described: Any) -> _Entry:
    name, kind, shape = described["name"], described["dtype"], tuple(described["shape"])
    start = described.get("start")
    whole = all(type(side) is int and 0 <= side <= MAX_ARRAYS for side in shape)
    placed = start is None or (type(start) is int and 0 <= start < 1 << 62)
    known = kind in DTYPES and isinstance(name, str)
    if not (known and whole and placed) or len(shape) > 8:
        raise ValueError(f"array {described!r}")
    size = np.dtype(kind).itemsize
    for side in shape:
        size *= side
    return _Entry(name, np.dtype(kind), shape, size, start)


def _array(entry: _Entry, read: Read, borrow: Borrow | None) -> np.ndarray:
    if entry.start is None:
        return np.frombuffer(read(entry.size), entry.dtype).reshape(entry.shape)
    if borrow is None:
        raise WireError("an array lies in shared memory, but there is none")
    try:
        return borrow(entry.start, entry.dtype, entry.shape)
    except ValueError as error:
        raise WireError(f"array {entry.name}: {error}") from error
