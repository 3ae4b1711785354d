"""Checkpoints of PyTorch before 1.6: pickles, and raw storages behind them.

Five pickles follow each other: a magic number, the version of the layout, facts about
the machine, what was saved, and the keys of its storages. Then come the storages, in
the order of the keys: the number of their numbers (8 bytes), and the numbers.

Source: pytorch/pytorch, torch/serialization.py, `_legacy_save` and `_legacy_load`.
"""

import io
import sys
from typing import IO, Any, cast

import numpy as np

from rclicks_jax.weights import faults, limits, torch_pickle, torch_tensors

_MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
_MAGIC = _MAGIC_NUMBER.to_bytes(10, "little")
_VERSION = 1001
_COUNT_BYTES = 8
# Bytes that are read at a time, so that no storage is in memory twice.
_CHUNK = 1 << 24


def is_start(start: bytes) -> bool:
    """Tells whether a file that begins so is such a checkpoint."""
    return start.startswith(b"\x80") and _MAGIC in start[:24]


def read(stream: IO[bytes], length: int) -> object:
    """Returns what was saved; placeholders stand for objects that are not read.

    Args:
        stream: The open file, at its start.
        length: Its length, bytes.

    Raises:
        UnreadableError: It asks for something that is not read.
        ValueError: It is damaged; what `faults.explained` catches means the same.
    """
    # Only so much of a file is pickles; where there are more, they end too early.
    head = io.BytesIO(stream.read(min(length, limits.PICKLE.most)))
    storages = _Storages(length)
    try:
        _check_machine(*(_plain(head) for _ in range(3)))
        names = torch_tensors.Tensors(length).names()
        saved = torch_pickle.Machine(names, storages.find).run(head)
        keys = _plain(head)
    except EOFError:
        limits.PICKLE.check(length)
        raise
    stream.seek(head.tell())
    storages.fill(stream, keys)
    return saved


def _plain(head: IO[bytes]) -> object:
    """Returns the value of a pickle that holds plain values alone."""
    return torch_pickle.Machine({}, _no_storage).run(head)


def _no_storage(identity: object) -> object:
    del identity
    raise faults.UnreadableError("it refers to a storage where none can be")


def _check_machine(magic: object, version: object, facts: object) -> None:
    if magic != _MAGIC_NUMBER or type(version) is not int:
        raise ValueError("its first numbers are no magic number and version")
    if version != _VERSION:
        raise faults.UnreadableError(
            f"its layout is of version {version}; only {_VERSION} is read"
        )
    if not isinstance(facts, dict):
        raise TypeError("its facts about the machine are no dictionary")
    if cast("dict[object, object]", facts).get("little_endian") is not True:
        raise faults.UnreadableError(
            "it was made on a machine that has the high byte of a number first "
            "(big-endian); files of others are read"
        )


class _Storages:
    """The storages that a pickle refers to: first their sizes, then their numbers."""

    def __init__(self, length: int) -> None:
        self._arrays: dict[str, np.ndarray] = {}
        # What is left of the file for further storages, bytes.
        self._left = length

    def find(self, identity: Any) -> object:
        """Returns the storage of a persistent id, or the class of a module."""
        if not isinstance(identity, tuple) or not identity:
            raise TypeError("a reference is no tuple")
        kind, *facts = cast("tuple[Any, ...]", identity)
        # The type first: comparing what a hostile file has may never end.
        if isinstance(kind, str) and kind == "module" and len(facts) == 3:
            # A class and its source; only pickles of whole modules have any.
            return facts[0]
        if not isinstance(kind, str) or kind != "storage" or len(facts) != 5:
            raise faults.UnreadableError("it refers to what is no storage")
        named, key, _, count, view = facts
        dtype = torch_tensors.dtype_of(named)
        if not isinstance(key, str) or not torch_tensors.is_size(count):
            raise TypeError("the key or the size of a storage is no text or number")
        array = self._arrays.get(key)
        if array is None:
            array = self._arrays[key] = self._empty(key, dtype, count)
        if array.dtype != dtype or array.size != count:
            raise ValueError(f"storage {faults.shown(key)} has two sizes or types")
        return torch_tensors.Storage(_part(array, view))

    def _empty(self, key: str, dtype: np.dtype[Any], count: int) -> np.ndarray:
        self._left -= _COUNT_BYTES + count * dtype.itemsize
        if self._left < 0:
            raise ValueError(
                f"storage {faults.shown(key)} of {count} numbers of type {dtype} "
                "reaches beyond the end of the file"
            )
        return np.empty(count, dtype)

    def fill(self, stream: IO[bytes], keys: object) -> None:
        """Reads the numbers of all storages, in the order of their keys."""
        if not isinstance(keys, list):
            raise TypeError("its keys of storages are no list")
        named = cast("list[object]", keys)
        texts = [key for key in named if isinstance(key, str)]
        if len(texts) != len(named) or sorted(texts) != sorted(self._arrays):
            raise ValueError(
                f"its {len(named)} keys of storages are not those of the "
                f"{len(self._arrays)} storages that its tensors use"
            )
        for key in texts:
            self._fill_array(stream, key)

    def _fill_array(self, stream: IO[bytes], key: str) -> None:
        array = self._arrays[key]
        count = int.from_bytes(stream.read(_COUNT_BYTES), "little", signed=True)
        if count != array.size:
            raise ValueError(
                f"storage {faults.shown(key)} has {count} numbers instead of "
                f"{array.size}"
            )
        raw = array.view(np.uint8)
        for start in range(0, raw.size, _CHUNK):
            part = raw[start : start + _CHUNK]
            data = stream.read(part.size)
            if len(data) != part.size:
                raise EOFError(f"storage {faults.shown(key)} ends with the file")
            part[...] = np.frombuffer(data, np.uint8)
        if array.dtype == bool:
            raw[...] = raw != 0
        if sys.byteorder == "big":
            array.byteswap(inplace=True)


def _part(array: np.ndarray, view: object) -> np.ndarray:
    """Returns the part of a storage that is one of its own, as PyTorch 0.1 had."""
    if view is None:
        return array
    if not isinstance(view, tuple) or len(cast("tuple[Any, ...]", view)) != 3:
        raise TypeError("a view of a storage is no tuple of three")
    _, offset, size = cast("tuple[Any, Any, Any]", view)
    if not torch_tensors.is_size(offset) or not torch_tensors.is_size(size):
        raise TypeError("the place of a view is no whole number")
    if offset + size > array.size:
        raise ValueError("a view of a storage reaches beyond it")
    return array[offset : offset + size]
