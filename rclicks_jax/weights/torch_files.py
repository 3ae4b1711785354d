"""PyTorch's checkpoint files, read and written without PyTorch.

Files of both layouts are read: zip files (`torch_zip`) and those of before PyTorch 1.6
(`torch_legacy`). Their pickles are interpreted by `torch_pickle`; nothing is unpickled.
"""

import io
import sys
import zipfile
from collections.abc import Mapping
from typing import IO, cast

import numpy as np
from etils import epath

from rclicks_jax import errors, file_signatures, files
from rclicks_jax.weights import (
    faults,
    placeholders,
    state_dict_pickle,
    torch_legacy,
    torch_tensors,
    torch_zip,
)

SUFFIX = ".pth"
_LAYOUTS = "checkpoints of torch.save, as zip files or as before PyTorch 1.6"
_ADVICE = (
    "Read are dictionaries, lists, sets, numbers, text and dense tensors. "
    f"{faults.SAVE_TENSORS}; or name an environment with PyTorch, which then does it: "
    "rclicks-convert --torch_python=ENV/bin/python."
)


def read(path: epath.PathLike) -> object:
    """Reads a checkpoint: dictionaries, lists and plain values, tensors as arrays.

    Args:
        path: A checkpoint of any age.

    Returns:
        What was saved. Arrays are read-only, and views where tensors shared storage.
        Placeholders stand for objects of other classes. It is a tree of few levels.

    Raises:
        DataError: There is no such file, it is no checkpoint, it is damaged, or it
            asks for more than is read.
    """
    path = existing(path)
    with (
        faults.explained(path, _ADVICE),
        cast("IO[bytes]", path.open("rb")) as stream,
    ):
        start = stream.read(file_signatures.HEAD)
        stream.seek(0)
        length = path.stat().length
        if start.startswith(torch_zip.MAGIC):
            saved = torch_zip.read(stream, length)
        elif torch_legacy.is_start(start):
            saved = torch_legacy.read(stream, length)
        else:
            raise faults.mistaken(path, start, _LAYOUTS)
        placeholders.check_nesting(saved)
        return saved


def existing(path: epath.PathLike) -> epath.Path:
    """Returns the path of a file; raises `DataError` if it is none."""
    path = epath.Path(path)
    if not path.is_file():
        what = "is a folder, not a file" if path.exists() else "does not exist"
        raise errors.DataError(
            f"{path} {what}. docs/weights.md says where checkpoints are published."
        )
    return path


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
    kinds = {dtype.name: kind for kind, dtype in torch_tensors.DTYPES.items()}
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
            add(
                f"data/{number}",
                array.astype(torch_tensors.DTYPES[kind], copy=False).tobytes(),
            )
        add("data.pkl", state_dict_pickle.encode(tensors))
        add("byteorder", sys.byteorder.encode())
        add("version", b"3\n")
