"""Foreign checkpoints of all layouts, by one function."""

import hashlib
import pathlib
import tempfile
from typing import IO, cast

from etils import epath

from rclicks_jax import errors, file_signatures
from rclicks_jax.bridge import checkpoints
from rclicks_jax.weights import (
    faults,
    hub_folders,
    placeholders,
    safetensors_files,
    state_dicts,
    torch_files,
)

_CHUNK = 1 << 24


def load(source: epath.PathLike, torch_python: str = "") -> state_dicts.Checkpoint:
    """Returns the state dict of a checkpoint, whatever its layout; runs none of it.

    Args:
        source: A file of PyTorch (of any age) or of safetensors, an index of several
            files, or a folder of the hub.
        torch_python: Interpreter with PyTorch, which first rewrites files of PyTorch
            that are not read here; empty for none.

    Raises:
        DataError: It cannot be read; the message says why, and what can.
    """
    path = epath.Path(source)
    if path.is_dir():
        return hub_folders.load(path)
    path = torch_files.existing(path)
    if path.name.endswith(hub_folders.INDEX_SUFFIX):
        return hub_folders.load_index(path)
    if path.suffix == safetensors_files.SUFFIX or _is_safetensors(path):
        return hub_folders.load_file(path)
    saved = _rewritten(path, torch_python) if torch_python else torch_files.read(path)
    try:
        state = state_dicts.state_dict(saved)
    except errors.DataError as error:
        raise errors.DataError(f"{path}: {error}") from error
    shapes = {key: array.shape for key, array in state.items()}
    dropped = placeholders.classes(saved)
    beside = state_dicts.beside(saved)
    return state_dicts.Checkpoint(
        str(path), [path], shapes, state.__getitem__, dropped, beside
    )


def checksum(checkpoint: state_dicts.Checkpoint) -> str:
    """Returns the SHA-256 of the file of a checkpoint, in hexadecimal digits.

    If there are several, it is that of the lines `NAME SHA-256`, in their order.
    """
    digests = [(path.name, _sha256(path)) for path in checkpoint.files]
    if len(digests) == 1:
        return digests[0][1]
    lines = "".join(f"{name} {digest}\n" for name, digest in digests)
    return hashlib.sha256(lines.encode()).hexdigest()


def _sha256(path: epath.Path) -> str:
    digest = hashlib.sha256()
    with cast("IO[bytes]", path.open("rb")) as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _is_safetensors(path: epath.Path) -> bool:
    with faults.explained(path), cast("IO[bytes]", path.open("rb")) as stream:
        return safetensors_files.is_start(stream.read(file_signatures.HEAD))


def _rewritten(path: epath.Path, torch_python: str) -> object:
    with tempfile.TemporaryDirectory() as folder:
        rewritten = pathlib.Path(folder) / f"rewritten{torch_files.SUFFIX}"
        checkpoints.rewrite(torch_python, str(path), str(rewritten))
        return torch_files.read(rewritten)
