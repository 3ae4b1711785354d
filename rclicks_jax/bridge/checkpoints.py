"""Rewrites old checkpoints of PyTorch by an environment that has PyTorch."""

from __future__ import annotations

import pathlib
import subprocess

from rclicks_jax import errors

_SCRIPT = pathlib.Path(__file__).with_name("adapters") / "torch_checkpoint.py"
_LAST_LINES = 20


def rewrite(python: str, source: str, target: str, timeout: float = 300) -> None:
    """Rewrites the tensors of a checkpoint in the zip format; unpickles nothing here.

    Args:
        python: Interpreter of an environment with PyTorch.
        source: Any checkpoint that `torch.load(weights_only=True)` opens.
        target: Path of the new checkpoint.
        timeout: Seconds that the work may take.

    Raises:
        BadValueError: `python` cannot be started.
        DataError: The checkpoint cannot be rewritten, or not in time.
    """
    if not pathlib.Path(source).is_file():
        what = "is not a file" if pathlib.Path(source).exists() else "does not exist"
        raise errors.DataError(f"{source} {what}; a checkpoint is a file.")
    command = [python, str(_SCRIPT), source, target]
    try:
        process = subprocess.run(
            command, capture_output=True, stdin=subprocess.DEVNULL, timeout=timeout
        )
    except subprocess.TimeoutExpired as error:
        raise errors.DataError(
            f"{python} did not rewrite {source} within {timeout:g} seconds."
        ) from error
    except OSError as error:
        raise errors.BadValueError(
            "Interpreter",
            f"{python} ({errors.reason(error)})",
            "one whose environment has PyTorch",
        ) from error
    if process.returncode:
        lines = process.stderr.decode(errors="replace").splitlines()
        output = "\n".join(lines[-_LAST_LINES:]) or "(it wrote nothing to stderr)"
        raise errors.DataError(
            f"{python} could not rewrite {source} (exit status {process.returncode}). "
            f"Its last output:\n{output}"
        )
