"""Checkpoints of PyTorch since 1.6: zip files.

One holds `data.pkl`, a pickle of the structure, and the raw numbers of each storage.

Source: pytorch/pytorch, torch/serialization.py.
"""

import io
import sys
import zipfile
from typing import IO, Any, cast

import numpy as np

from rclicks_jax.weights import faults, limits, torch_pickle, torch_tensors

MAGIC = b"PK\x03\x04"


def read(stream: IO[bytes], length: int) -> object:
    """Returns what was saved; placeholders stand for objects that are not read.

    Args:
        stream: The open file.
        length: Its length, bytes.

    Raises:
        UnreadableError: It asks for something that is not read.
        ValueError: It is damaged; what `faults.explained` catches means the same.
    """
    bounded = _Bounded(stream)
    with zipfile.ZipFile(cast("IO[bytes]", bounded)) as archive:
        bounded.most = None
        return _Checkpoint(archive, length).read()


class _Bounded:
    """A stream that refuses to read the list of parts of a zip file that has too many.

    `zipfile` makes an object of each before anyone can count them.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.most: limits.Limit | None = limits.DIRECTORY

    def read(self, size: int = -1) -> bytes:
        if self.most:
            self.most.check(size)
        return self._stream.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def seekable(self) -> bool:
        return True


class _Checkpoint:
    """An open archive, and the storages read from it so far."""

    def __init__(self, archive: zipfile.ZipFile, length: int) -> None:
        self._archive = archive
        self._length = length
        members = archive.infolist()
        self._root = _root_of(members)
        packed = any(
            info.compress_type != zipfile.ZIP_STORED
            or info.compress_size != info.file_size
            for info in members
        )
        if packed or sum(info.file_size for info in members) > length:
            raise faults.UnreadableError(
                "its parts are compressed or overlap, as in no file of torch.save"
            )
        self._names = {info.filename for info in members}
        order = b"little"
        if f"{self._root}/byteorder" in self._names:
            order = self._bytes("byteorder")
        if order not in (b"little", b"big"):
            raise ValueError("its order of bytes is neither little nor big")
        self._swapped = order != sys.byteorder.encode()
        self._storages: dict[str, bytes] = {}

    def read(self) -> object:
        info = self._archive.getinfo(f"{self._root}/data.pkl")
        limits.PICKLE.check(info.file_size)
        names = torch_tensors.Tensors(self._length).names()
        machine = torch_pickle.Machine(names, self._storage)
        return machine.run(io.BytesIO(self._bytes("data.pkl")))

    def _bytes(self, part: str) -> bytes:
        name = f"{self._root}/{part}"
        if name not in self._names:
            raise ValueError(f"its part {faults.shown(part)} is missing")
        return self._archive.read(name)

    def _storage(self, identity: Any) -> torch_tensors.Storage:
        kind, named, key, _, count = identity
        # The types first: comparing or hashing what a hostile file has may never end.
        texts = isinstance(kind, str) and isinstance(key, str)
        if not texts or kind != "storage":
            raise faults.UnreadableError("it refers to what is no storage")
        dtype = torch_tensors.dtype_of(named)
        if not torch_tensors.is_size(count):
            raise TypeError("the size of a storage is no whole number")
        if key not in self._storages:
            self._storages[key] = self._bytes(f"data/{key}")
        data = self._storages[key]
        if len(data) != count * dtype.itemsize:
            raise ValueError(
                f"storage {faults.shown(key)} has {len(data)} bytes instead of {count} "
                f"numbers of type {dtype}"
            )
        if self._swapped:
            data = np.frombuffer(data, f"u{dtype.itemsize}").byteswap().tobytes()
        array = np.frombuffer(data, dtype)
        return torch_tensors.Storage(torch_tensors.as_bools(array))


def _root_of(members: list[zipfile.ZipInfo]) -> str:
    """Returns the folder in which the parts of a checkpoint lie.

    Raises:
        UnreadableError: It is another kind of archive, or was made to deceive.
    """
    names = [info.filename for info in members]
    twice = sorted(_twice(names))
    if twice:
        raise faults.UnreadableError(
            f"it has {len(twice)} parts twice, the first {faults.shown(twice[0])}"
        )
    for name in names:
        if name.startswith("/") or "\\" in name or ".." in name.split("/"):
            raise faults.UnreadableError(
                f"its part {faults.shown(name)} leads out of it, as in no file of "
                "torch.save"
            )
    roots = [name for name in names if name.endswith("/data.pkl")]
    if len(roots) != 1:
        raise faults.UnreadableError(_other_archive(names, len(roots)))
    root = roots[0].removesuffix("/data.pkl")
    if f"{root}/constants.pkl" in names:
        raise faults.UnreadableError(
            "it is a program of TorchScript (torch.jit.save), not a state dict"
        )
    return root


def _twice(names: list[str]) -> set[str]:
    seen: set[str] = set()
    return {name for name in names if name in seen or seen.add(name)}


def _other_archive(names: list[str], roots: int) -> str:
    inner = [
        name for name in names if name.endswith((".pth", ".pt", ".bin", ".safetensors"))
    ]
    if inner and not roots:
        return (
            f"it is a zip archive with {len(inner)} checkpoints in it, the first "
            f"{faults.shown(inner[0])}: unpack it and give the path of one"
        )
    return (
        "it is a zip file but no checkpoint of PyTorch: data.pkl is there "
        f"{roots} times"
    )
