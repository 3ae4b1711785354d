"""Checkpoints of PyTorch of any age; an interpreter with it rewrites old ones."""

import pathlib
import tempfile

from rclicks_jax.bridge import checkpoints
from rclicks_jax.weights import torch_files

SUFFIX = ".pth"


def read(checkpoint: str, torch_python: str = "") -> object:
    """Reads a checkpoint without running code that it may hold.

    Args:
        checkpoint: Path of the file.
        torch_python: Interpreter with PyTorch, which rewrites formats older than 1.6;
            empty reads the zip format alone.

    Raises:
        DataError: It cannot be read.
    """
    if not torch_python:
        return torch_files.read(checkpoint)
    with tempfile.TemporaryDirectory() as folder:
        rewritten = pathlib.Path(folder) / f"rewritten{SUFFIX}"
        checkpoints.rewrite(torch_python, checkpoint, str(rewritten))
        return torch_files.read(rewritten)
