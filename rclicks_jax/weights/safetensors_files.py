"""Files of safetensors, whose arrays are read when they are asked for.

A file is the length of a header (8 bytes), the header (JSON: dtype, shape and place of
each array), and the numbers. The package `safetensors` maps files on a disk; here they
may lie in a bucket too, each name is there once, and each fault has a sentence.

Source: huggingface/safetensors, README.md, "Format".
"""

import json
import math
import sys
from typing import IO, Any, NamedTuple, cast

import jax.numpy as jnp
import numpy as np
from etils import epath

from rclicks_jax import file_signatures
from rclicks_jax.weights import faults, limits, torch_tensors

SUFFIX = ".safetensors"
_LENGTH_BYTES = 8
_METADATA = "__metadata__"
_DTYPES = {
    **{f"F{bits}": np.dtype(f"float{bits}") for bits in (16, 32, 64)},
    **{f"I{bits}": np.dtype(f"int{bits}") for bits in (8, 16, 32, 64)},
    **{f"U{bits}": np.dtype(f"uint{bits}") for bits in (8, 16, 32, 64)},
    "BF16": np.dtype(jnp.bfloat16),
    "BOOL": np.dtype(np.bool_),
}
_MOST_AXES = 32


class _Place(NamedTuple):
    """Where an array lies: `start` and `end` count from the first number's byte."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    start: int
    end: int


class File:
    """A file whose header was read and checked.

    Attributes:
        path: Where it is.
        shapes: Shapes of its arrays by name.
    """

    def __init__(self, path: epath.Path) -> None:
        """Reads the header.

        Raises:
            DataError: It is no such file, is damaged or is not whole.
        """
        self.path = path
        length = path.stat().length
        with faults.explained(path), cast("IO[bytes]", path.open("rb")) as stream:
            start = stream.read(file_signatures.HEAD)
            if not is_start(start):
                raise faults.mistaken(path, start, "files of safetensors")
            size = _header_length(start)
            limits.HEADER.check(size)
            self._first = _LENGTH_BYTES + size
            if self._first > length:
                raise EOFError("its header ends with the file")
            stream.seek(_LENGTH_BYTES)
            self._places = _places(stream.read(size), length - self._first)
        self.shapes = {name: place.shape for name, place in self._places.items()}

    def read(self, name: str) -> np.ndarray:
        """Returns an array; raises `DataError` if the file has changed since."""
        place = self._places[name]
        with (
            faults.explained(self.path),
            cast("IO[bytes]", self.path.open("rb")) as stream,
        ):
            stream.seek(self._first + place.start)
            data = stream.read(place.end - place.start)
            array = np.frombuffer(data, place.dtype).reshape(place.shape)
            if sys.byteorder == "big":
                array = array.byteswap()
            return torch_tensors.as_bools(array)


def is_start(start: bytes) -> bool:
    """Tells whether a file that begins so is of safetensors, whole or cut."""
    return start[_LENGTH_BYTES : _LENGTH_BYTES + 1] == b"{" and (
        _header_length(start) < 1 << 40
    )


def _header_length(start: bytes) -> int:
    return int.from_bytes(start[:_LENGTH_BYTES], "little")


def json_object(text: bytes) -> dict[str, object]:
    """Returns what JSON says; every name is there once.

    Raises:
        ValueError: It is no JSON, no object, or has a name twice; `RecursionError`
            means the same.
    """
    saved = json.loads(text.decode(), object_pairs_hook=_once)
    if not isinstance(saved, dict):
        raise ValueError("its JSON is no object")
    return cast("dict[str, object]", saved)


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("its JSON has a name twice")
    return found


def _places(header: bytes, length: int) -> dict[str, _Place]:
    """Returns the places of all arrays; they fill the file, one behind the other."""
    entries = json_object(header)
    entries.pop(_METADATA, None)
    limits.TENSORS.check(len(entries))
    places = {name: _place(name, entry) for name, entry in entries.items()}
    end = 0
    for place in sorted(places.values(), key=lambda place: (place.start, place.end)):
        if place.start != end:
            raise ValueError("arrays overlap or leave holes")
        end = place.end
    if end != length:
        raise EOFError(f"its arrays have {end} bytes; {length} are there")
    return places


def _place(name: str, entry: object) -> _Place:
    if not isinstance(entry, dict):
        raise TypeError(f"the entry of {faults.shown(name)} is no object")
    facts = cast("dict[str, object]", entry)
    dtype = _DTYPES.get(str(facts["dtype"]))
    if dtype is None:
        raise faults.UnreadableError(
            f"{faults.shown(name)} is of the type {faults.shown(facts['dtype'])}; read "
            f"are {', '.join(_DTYPES)}"
        )
    shape, offsets = _sizes(facts["shape"]), _sizes(facts["data_offsets"])
    start, end = offsets
    if len(shape) > _MOST_AXES or end - start != math.prod(shape) * dtype.itemsize:
        raise ValueError(
            f"{faults.shown(name)} of shape {faults.shown(shape)} and type {dtype} has "
            f"{end - start} bytes"
        )
    return _Place(dtype, shape, start, end)


def _sizes(numbers: object) -> tuple[int, ...]:
    if not isinstance(numbers, list):
        raise TypeError("a shape or a place is no list")
    sizes = cast("list[object]", numbers)
    if not all(map(torch_tensors.is_size, sizes)):
        raise TypeError("a shape or a place has other than whole numbers")
    return tuple(cast("list[int]", sizes))
