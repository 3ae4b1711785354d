"""Old checkpoints of PyTorch, rewritten by an environment that has it."""

from __future__ import annotations

import pathlib
import subprocess

from rclicks_jax import errors

_SCRIPT = pathlib.Path(__file__).with_name("adapters") / "torch_checkpoint.py"
_LAST_LINES = 20


def rewrite(python: str, source: str, target: str, timeout: float = 300) -> None:
    """Rewrites a checkpoint in the zip format, tensors only; nothing is unpickled here.

    Args:
        python: Interpreter of an environment with PyTorch.
        source: Any checkpoint that `torch.load(weights_only=True)` opens.
        target: Where the rewritten one goes.
        timeout: Seconds it may take.

    Raises:
        BadValueError: `python` cannot be started.
        DataError: The checkpoint was not rewritten in time, or cannot be.
    """
    if not pathlib.Path(source).is_file():
        what = "is no file" if pathlib.Path(source).exists() else "does not exist"
        raise errors.DataError(f"{source} {what}; a checkpoint is a file.")
    command = [python, str(_SCRIPT), source, target]
    try:
        done = subprocess.run(
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
    if done.returncode:
        lines = done.stderr.decode(errors="replace").splitlines()
        words = "\n".join(lines[-_LAST_LINES:]) or "(it wrote nothing to stderr)"
        raise errors.DataError(
            f"{python} could not rewrite {source} (exit status {done.returncode}). "
            f"Its last words:\n{words}"
        )
