"""Frames: a JSON header and raw arrays, so that nothing is ever unpickled.

A frame is the bytes `RCLB`, the length of the header as an unsigned 32-bit
little-endian integer, the header as UTF-8 JSON, and the bytes of each array in C
order. The header is an object; its key `arrays` lists the name, dtype and shape of
the arrays that follow. docs/wire_protocol.md has every byte.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from typing import Any

import numpy as np

VERSION = 1
MAGIC = b"RCLB"
MAX_HEADER = 1 << 20
MAX_ARRAYS = 1 << 31
DTYPES = ("|b1", "|u1", "<u2", "<i4", "<i8", "<f4", "<f8")

Header = dict[str, Any]
Arrays = dict[str, np.ndarray]
Read = Callable[[int], bytes]


class WireError(Exception):
    """Bytes that are no frame; what came and what was expected."""


def pack(header: Header, arrays: Arrays | None = None) -> list[bytes]:
    """Returns the pieces of a frame.

    Args:
        header: JSON values; must not use the key `arrays`.
        arrays: Of the dtypes in `DTYPES`.
    """
    listed, pieces = [], []
    for name, array in (arrays or {}).items():
        array = np.ascontiguousarray(array)
        kind = array.dtype.newbyteorder("<").str
        if kind not in DTYPES:
            raise WireError(f"array {name} is {kind}; allowed: {DTYPES}")
        listed.append({"name": name, "dtype": kind, "shape": list(array.shape)})
        pieces.append(array.astype(kind, copy=False).tobytes())
    text = json.dumps({**header, "arrays": listed}).encode()
    if len(text) > MAX_HEADER:
        raise WireError(f"header of {len(text)} bytes; at most {MAX_HEADER}")
    return [MAGIC + struct.pack("<I", len(text)) + text, *pieces]


def unpack(read: Read) -> tuple[Header, Arrays]:
    """Reads one frame.

    Args:
        read: Returns exactly as many bytes as asked for, or raises `EOFError`.

    Raises:
        WireError: The bytes are no frame.
        EOFError: They ended.
    """
    start = read(8)
    if start[:4] != MAGIC:
        raise WireError(f"a frame starts with {MAGIC!r}, not {start[:4]!r}")
    (length,) = struct.unpack("<I", start[4:])
    if length > MAX_HEADER:
        raise WireError(f"header of {length} bytes; at most {MAX_HEADER}")
    try:
        header = json.loads(read(length).decode())
        listed = header.pop("arrays")
        entries = [_entry(one) for one in listed]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WireError(f"header is not as it must be: {error!r}") from error
    if sum(size for *_, size in entries) > MAX_ARRAYS:
        raise WireError(f"arrays of more than {MAX_ARRAYS} bytes")
    arrays = {}
    for name, dtype, shape, size in entries:
        arrays[name] = np.frombuffer(read(size), dtype).reshape(shape)
    return header, arrays


def _entry(one: Any) -> tuple[str, np.dtype, tuple[int, ...], int]:
    """Checks what a header says of one array; returns it with its size in bytes."""
    name, kind, shape = one["name"], one["dtype"], tuple(one["shape"])
    whole = all(type(side) is int and 0 <= side <= MAX_ARRAYS for side in shape)
    if kind not in DTYPES or not isinstance(name, str) or not whole or len(shape) > 8:
        raise ValueError(f"array {one!r}")
    size = np.dtype(kind).itemsize
    for side in shape:
        size *= side
    return name, np.dtype(kind), shape, size
