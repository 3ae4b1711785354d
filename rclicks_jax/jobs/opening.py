"""Opening run folders that users name."""

import dataclasses
from typing import NamedTuple, TypeVar

from etils import epath

from rclicks_jax import errors
from rclicks_jax.jobs import identity
from rclicks_jax.jobs.store import RunFolder, RunInfo

T = TypeVar("T")


class LabelledRun(NamedTuple):
    """A run folder, and what the user calls it.

    Attributes:
        label: Empty if the user gave no name.
        folder: The run folder.
    """

    label: str
    folder: RunFolder


def labelled(text: str) -> LabelledRun:
    """Reads `FOLDER`, or `LABEL=FOLDER`; a folder that is there may hold a `=`."""
    label, is_labelled, path = text.partition("=")
    if not is_labelled or epath.Path(text).exists():
        return LabelledRun("", RunFolder(text))
    return LabelledRun(label, RunFolder(path))


def typed_info(folder: RunFolder, kind: str, cls: type[T]) -> tuple[RunInfo, T]:
    """Returns what `run.json` says, and the identity of the run as typed values.

    Args:
        folder: The run folder.
        kind: The job that it must be of.
        cls: The dataclass of the identity.

    Raises:
        RunFolderError: `run.json` is missing, broken, of another job, or of a release
            that knows more.
    """
    info = folder.info()
    if info.kind != kind:
        raise errors.RunFolderError(
            f"{folder.path} holds {info.kind.replace('_', ' ')}: there are no such "
            "tables of it."
        )
    values = identity.from_json(cls, info.identity, str(folder.path))
    whole = dataclasses.replace(info, identity=identity.to_json(values))
    return whole, values
