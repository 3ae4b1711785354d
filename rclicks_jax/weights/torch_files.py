"""PyTorch's checkpoint files, read and written without PyTorch.

A checkpoint is a zip file (torch.save since 1.6): `data.pkl`, a pickle of the
structure, and the raw numbers of each storage. The pickle is interpreted by
`torch_pickle`; nothing is unpickled.

Source: pytorch/pytorch, torch/serialization.py and torch/_utils.py.
"""

# A file decides what functions of its pickle are given, whatever their types say.
# pyright: reportUnnecessaryIsInstance=false

import io
import struct
import sys
import zipfile
from collections.abc import Mapping
from typing import IO, Any, NamedTuple, cast

import jax.numpy as jnp
import numpy as np
from etils import epath

from rclicks_jax import errors, file_signatures, files
from rclicks_jax.weights import torch_pickle

_ZIP_MAGIC = b"PK\x03\x04"
_DTYPES = {
    "FloatStorage": np.dtype(np.float32),
    "DoubleStorage": np.dtype(np.float64),
    "HalfStorage": np.dtype(np.float16),
    "BFloat16Storage": np.dtype(jnp.bfloat16),
    "LongStorage": np.dtype(np.int64),
    "IntStorage": np.dtype(np.int32),
    "ShortStorage": np.dtype(np.int16),
    "CharStorage": np.dtype(np.int8),
    "ByteStorage": np.dtype(np.uint8),
    "BoolStorage": np.dtype(np.bool_),
}
# What the zip module, the opcodes and NumPy raise on bytes that make no sense.
_DAMAGES = (
    *(zipfile.BadZipFile, struct.error, EOFError, OSError, RuntimeError),
    *(ValueError, TypeError, LookupError, ArithmeticError),
)
_ONLY_TENSORS = (
    "Only dictionaries, lists, numbers, text and dense tensors are read. Where it was "
    "made, save the tensors alone: torch.save(model.state_dict(), FILE)."
)


def read(path: epath.PathLike) -> object:
    """Reads a checkpoint: dictionaries, lists and plain values, tensors as arrays.

    Args:
        path: A zip-format checkpoint.

    Returns:
        What was saved. Arrays are read-only, and views where tensors shared storage.

    Raises:
        DataError: There is no such file, it is no checkpoint, it is damaged, or it
            holds something else than tensors and plain values.
    """
    path = epath.Path(path)
    if not path.is_file():
        what = "is a folder, not a file" if path.exists() else "does not exist"
        raise errors.DataError(
            f"{path} {what}. docs/weights.md says where checkpoints are published."
        )
    with cast(IO[bytes], path.open("rb")) as stream:
        start = stream.read(len(_ZIP_MAGIC))
        if start != _ZIP_MAGIC:
            start += stream.read(file_signatures.HEAD - len(start))
            raise errors.DataError(_not_a_zip(path, start))
        try:
            with zipfile.ZipFile(stream) as archive:
                return _Checkpoint(archive, path.stat().length).read()
        except torch_pickle.UnreadableError as error:
            raise errors.DataError(
                f"{path} is not as a checkpoint must be: {error}. {_ONLY_TENSORS}"
            ) from error
        except _DAMAGES as error:
            raise errors.DataError(
                f"{path} is damaged or was not copied whole; get it again "
                f"({type(error).__name__}: {error})."
            ) from error


def _not_a_zip(path: epath.Path, start: bytes) -> str:
    mistaken = file_signatures.mistaken(start)
    if mistaken:
        return f"{path} is {mistaken}."
    return (
        f"{path} starts with {start[:8]!r}, which no zip-format checkpoint of PyTorch "
        "does. If it is an older one (before 1.6, or saved with "
        "_use_new_zipfile_serialization=False), rclicks-convert opens it with an "
        "environment that has PyTorch: --torch_python=ENV/bin/python."
    )


class _Storage(NamedTuple):
    """The numbers that tensors are views of, `array[n]`."""

    array: np.ndarray


class _Checkpoint:
    """An open archive, and the storages read from it so far."""

    def __init__(self, archive: zipfile.ZipFile, length: int) -> None:
        """Finds its parts.

        Args:
            archive: The open file.
            length: Length of the file, bytes.
        """
        self._archive = archive
        members = archive.infolist()
        packed = any(info.compress_type != zipfile.ZIP_STORED for info in members)
        if packed or sum(info.file_size for info in members) > length:
            raise torch_pickle.UnreadableError(
                "its parts are compressed or overlap, as in no file of torch.save"
            )
        self._names = {info.filename for info in members}
        roots = [name for name in self._names if name.endswith("/data.pkl")]
        if len(roots) != 1:
            raise torch_pickle.UnreadableError(
                "it is a zip file but no checkpoint of PyTorch: data.pkl is there "
                f"{len(roots)} times"
            )
        self._root = roots[0].removesuffix("/data.pkl")
        order = b"little"
        if f"{self._root}/byteorder" in self._names:
            order = self._bytes("byteorder")
        self._swapped = order != sys.byteorder.encode()
        self._storages: dict[str, bytes] = {}

    def read(self) -> object:
        """Returns what was saved."""
        names = {
            "collections.OrderedDict": _ordered_dict,
            "torch._utils._rebuild_tensor_v2": _tensor,
            "torch._utils._rebuild_parameter": _parameter,
            **{f"torch.{name}": dtype for name, dtype in _DTYPES.items()},
        }
        machine = torch_pickle.Machine(names, self._storage)
        return machine.run(self._bytes("data.pkl"))

    def _bytes(self, part: str) -> bytes:
        name = f"{self._root}/{part}"
        if name not in self._names:
            raise ValueError(f"its part {part} is missing")
        return self._archive.read(name)

    def _storage(self, identity: Any) -> _Storage:
        kind, named, key, _, count = identity
        dtype = getattr(named, "value", None)
        # The types first: comparing or hashing what a hostile file has may never end.
        texts = isinstance(kind, str) and isinstance(key, str)
        if not texts or kind != "storage" or not isinstance(dtype, np.dtype):
            raise torch_pickle.UnreadableError("it refers to what is no storage")
        if not isinstance(count, int):
            raise TypeError("the size of a storage is no integer")
        if key not in self._storages:
            self._storages[key] = self._bytes(f"data/{key}")
        data = self._storages[key]
        if len(data) != count * dtype.itemsize:
            raise ValueError(
                f"storage {key} has {len(data)} bytes instead of {count} numbers of "
                f"type {dtype}"
            )
        if self._swapped:
            data = np.frombuffer(data, f"u{dtype.itemsize}").byteswap().tobytes()
        return _Storage(np.frombuffer(data, cast(np.dtype[Any], dtype)))


def _ordered_dict() -> dict[object, object]:
    return {}


def _parameter(array: np.ndarray, needs_gradient: bool, hooks: object) -> np.ndarray:
    del needs_gradient, hooks
    return array


def _tensor(
    storage: _Storage,
    offset: int,
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    needs_gradient: bool,
    hooks: object,
    flags: object = None,
) -> np.ndarray:
    """Returns a tensor as a view of its storage; offset and strides are in numbers."""
    del needs_gradient, hooks
    if not isinstance(storage, _Storage) or flags:
        raise torch_pickle.UnreadableError("it has a tensor of another kind than dense")
    if not isinstance(shape, tuple) or not isinstance(strides, tuple):
        raise TypeError("the shape or the strides of a tensor are no tuple")
    numbers = (offset, *shape, *strides)
    if not all(isinstance(number, int) and number >= 0 for number in numbers):
        raise TypeError("the shape or the strides of a tensor are no whole numbers")
    if 0 in shape:
        return np.empty(shape, storage.array.dtype)
    # The stride along a side of 1 can be anything, and means nothing.
    steps = [
        stride if side > 1 else 0 for side, stride in zip(shape, strides, strict=True)
    ]
    reach = sum((side - 1) * step for side, step in zip(shape, steps, strict=True))
    if offset + reach >= storage.array.size:
        raise ValueError(
            f"a tensor of shape {shape}, strides {strides} and offset {offset} reaches "
            f"beyond its storage of {storage.array.size}"
        )
    size = storage.array.itemsize
    return np.lib.stride_tricks.as_strided(
        storage.array[offset:], shape, [step * size for step in steps], writeable=False
    )


def write(path: epath.PathLike, state: Mapping[str, np.ndarray]) -> None:
    """Writes a state dict as `torch.load(path, weights_only=True)` reads it.

    The same state makes the same bytes.

    Args:
        path: Written at once, when all of it is there.
        state: Arrays by name, of the dtypes that PyTorch shares with NumPy.

    Raises:
        BadValueError: An array is of another dtype.
        OSError: The file cannot be written.
    """
    content = io.BytesIO()
    _write_archive(content, state)
    files.write_atomically(path, content.getvalue())


def _write_archive(stream: IO[bytes], state: Mapping[str, np.ndarray]) -> None:
    kinds = {dtype.name: kind for kind, dtype in _DTYPES.items()}
    tensors: list[tuple[str, str, tuple[int, ...]]] = []
    with zipfile.ZipFile(stream, "w") as archive:

        def add(part: str, data: bytes) -> None:
            archive.writestr(zipfile.ZipInfo(f"archive/{part}"), data)

        for number, (name, array) in enumerate(state.items()):
            kind = kinds.get(array.dtype.name)
            if kind is None:
                raise errors.BadValueError(
                    f"dtype of {name}", array.dtype, ", ".join(sorted(kinds))
                )
            tensors.append((name, kind, array.shape))
            add(f"data/{number}", array.astype(_DTYPES[kind], copy=False).tobytes())
        add("data.pkl", torch_pickle.state_dict(tensors))
        add("byteorder", sys.byteorder.encode())
        add("version", b"3\n")
