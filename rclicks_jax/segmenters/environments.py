"""Makes the virtual environments of workers, each from a requirements file.

A folder counts as an environment only if its marker says so. The marker is written
last, so an environment whose making was interrupted is made again.
"""

import dataclasses
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

from rclicks_jax import cache, errors, files
from rclicks_jax.segmenters.methods import Environment

MARKER = "rclicks-environment.json"
_LEAST_PYTHON = (3, 9)
_PYTORCH = ("torch", "torchvision", "torchaudio")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_PIN = re.compile(rf"{_NAME.pattern}\s*(==|>=|<=|~=|!=|<|>).+")
_BUILDS = re.compile(r"cpu|xpu|cu\d{3}|rocm\d+(\.\d+)*")
_ASK_VERSION = "import sys; print(*sys.version_info[:2], sep='.')"


@dataclasses.dataclass(frozen=True)
class Request:
    """A request to make an environment.

    Attributes:
        environment: Packages of the environment.
        folder: Folder of the environment; the default folder if None.
        python: Interpreter that makes the environment.
        wheels: `default` for pip's own index; a build of PyTorch, such as `cpu` or
            `cu126`, from PyTorch's index; or the address of another index.
        pins: Further requirements, such as `torch==2.13.0`.
    """

    environment: Environment
    folder: pathlib.Path | None = None
    python: str = sys.executable
    wheels: str = "default"
    pins: tuple[str, ...] = ()

    @property
    def place(self) -> pathlib.Path:
        """The absolute path of the folder."""
        return (self.folder or default_folder(self.environment)).expanduser().absolute()

    @property
    def interpreter(self) -> pathlib.Path:
        """The interpreter of the environment."""
        return _interpreter(self.place)


def default_folder(environment: Environment) -> pathlib.Path:
    """Returns the default folder of an environment, below the cache."""
    return cache.cache_dir() / "environments" / environment.name


def find(environment: Environment) -> pathlib.Path | None:
    """Returns the interpreter of an environment in its default folder; None if none.

    An environment that was made from other requirements, as an older version of this
    package had, does not count.
    """
    folder = default_folder(environment).absolute()
    marker = _read_marker(folder)
    content = _content(environment)
    if {key: marker.get(key) for key in content} != content:
        return None
    return _interpreter(folder) if _interpreter(folder).exists() else None


def make(
    request: Request, dry_run: bool = False, say: Callable[[str], object] = print
) -> pathlib.Path:
    """Makes an environment, unless it exists with the requested content.

    Args:
        request: The environment to make.
        dry_run: Whether the commands are only printed.
        say: Is called with each command before it runs.

    Returns:
        The interpreter of the environment.

    Raises:
        BadValueError: A setting is wrong, or the folder holds other files.
        SegmenterError: A command failed; the environment is then not used.
    """
    identity = _identity(request)
    if dry_run:
        for command in commands(request):
            say(f"$ {shlex.join(command)}")
        return request.interpreter
    try:
        with cache.exclusive(cache.cache_dir() / "environments"):
            if (
                _read_marker(request.place) != identity
                or not request.interpreter.exists()
            ):
                _make(request, identity, say)
    except OSError as error:
        raise errors.SegmenterError(
            f"The environment {request.place} cannot be made: {files.explain(error)} "
            f"--dir=DIR or ${cache.VARIABLE} names another place."
        ) from error
    return request.interpreter


def commands(request: Request) -> list[list[str]]:
    """Returns the commands that make an environment, in order."""
    python = str(request.interpreter)
    install = [python, "-m", "pip", "install"]
    environment, pins = request.environment, list(request.pins)
    steps = [[request.python, "-m", "venv", str(request.place)]]
    if request.wheels != "default":
        lines = environment.requirements.read_text("utf-8").splitlines()
        # PyTorch comes from this index alone; with several, pip takes the newest.
        pytorch = [line for line in (*lines, *pins) if _name(line) in _PYTORCH]
        steps.append([*install, "--index-url", _index(request.wheels), *pytorch])
    steps.append([*install, "-r", str(environment.requirements), *pins])
    if environment.last:
        left_out = ["--no-deps", "--no-build-isolation"]
        steps.append([*install, *left_out, *environment.last])
    if environment.imports:
        steps.append([python, "-c", f"import {', '.join(environment.imports)}"])
    return steps


def _make(
    request: Request, identity: dict[str, Any], say: Callable[[str], object]
) -> None:
    folder = request.place
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MARKER).exists():
        raise errors.BadValueError(
            "--dir",
            f"{folder}, which holds other files",
            "a new or empty folder, or an environment made by this command",
        )
    folder.mkdir(parents=True, exist_ok=True)
    # The empty marker says: this folder is an environment of ours, but not ready.
    _write_marker(folder, {})
    for path in folder.iterdir():
        if path.name != MARKER:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for command in commands(request):
        _run(command, say)
    _write_marker(folder, identity)


def _run(command: Sequence[str], say: Callable[[str], object]) -> None:
    say(f"$ {shlex.join(command)}")
    sys.stdout.flush()
    # These variables point to packages of this process, not of the new environment.
    clean = {
        k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")
    }
    status = subprocess.run(command, env=clean, stdin=subprocess.DEVNULL).returncode
    if status:
        raise errors.SegmenterError(
            f"`{shlex.join(command)}` ended with status {status}; its output is above. "
            "The environment is not used. Run the same command to start again. "
            "--pin=torch==VERSION chooses a version, --wheels=cpu, cu126 or default "
            "chooses the source of PyTorch, --python chooses another interpreter."
        )


def _identity(request: Request) -> dict[str, Any]:
    """Returns the settings that distinguish environments; checks them."""
    if request.wheels != "default":
        _index(request.wheels)
    for pin in request.pins:
        if not _PIN.fullmatch(pin):
            raise errors.BadValueError(
                "--pin", repr(pin), "requirements such as torch==2.13.0"
            )
    return {
        **_content(request.environment),
        "wheels": request.wheels,
        "pins": sorted(request.pins),
        "python": _version(request.python),
    }


def _content(environment: Environment) -> dict[str, Any]:
    text = environment.requirements.read_text("utf-8")
    return {"requirements": text, "last": list(environment.last)}


def _index(wheels: str) -> str:
    if _BUILDS.fullmatch(wheels):
        return f"https://download.pytorch.org/whl/{wheels}"
    if wheels.startswith(("https://", "http://", "file://")):
        return wheels
    raise errors.BadValueError(
        "--wheels", repr(wheels), "default, cpu, cu126, cu128, or an index's address"
    )


def _version(python: str) -> str:
    """Returns the version of an interpreter; raises if it is too old."""
    try:
        process = subprocess.run(
            [python, "-c", _ASK_VERSION], capture_output=True, text=True, check=True
        )
        version = process.stdout.strip()
        numbers = tuple(map(int, version.split(".")))
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        # A name with a null character, and an answer that is not a version, both raise
        # `ValueError`.
        why = (
            errors.reason(error) if isinstance(error, OSError) else "it is not a Python"
        )
        raise errors.BadValueError(
            "--python", f"{python} ({why})", "an interpreter that can be started"
        ) from error
    if numbers < _LEAST_PYTHON:
        least = ".".join(map(str, _LEAST_PYTHON))
        raise errors.BadValueError("--python", version, f"{least} or newer")
    return version


def _name(requirement: str) -> str:
    match = _NAME.match(requirement)
    return match[0].lower() if match else ""


def _interpreter(folder: pathlib.Path) -> pathlib.Path:
    return folder / "bin" / "python"


def _read_marker(folder: pathlib.Path) -> dict[str, Any]:
    try:
        marker = json.loads((folder / MARKER).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return marker if isinstance(marker, dict) else {}


def _write_marker(folder: pathlib.Path, marker: dict[str, Any]) -> None:
    files.write_atomically(folder / MARKER, json.dumps(marker, indent=1))
