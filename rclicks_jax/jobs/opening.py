"""Opens run folders that the user has given."""

import dataclasses
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from etils import epath

from rclicks_jax import errors
from rclicks_jax.jobs import identity
from rclicks_jax.jobs.store import RunFolder, RunInfo

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")


class LabelledRun(NamedTuple):
    """A run folder with the label that the user has given it.

    Attributes:
        label: Label of the run in tables; empty if the user gave none.
        folder: The run folder.
    """

    label: str
    folder: RunFolder


def labelled(text: str) -> LabelledRun:
    """Parses `FOLDER` or `LABEL=FOLDER`; the path of a folder may itself hold `=`."""
    label, is_labelled, path = text.partition("=")
    if not is_labelled or epath.Path(text).exists():
        return LabelledRun("", RunFolder(text))
    return LabelledRun(label, RunFolder(path))


def typed_info(folder: RunFolder, kind: str, cls: type[T]) -> tuple[RunInfo, T]:
    """Returns the content of `run.json`, and the identity of the run as a dataclass.

    Args:
        folder: The run folder.
        kind: The kind of job that the folder must hold.
        cls: The dataclass of the identity.

    Raises:
        RunFolderError: `run.json` is missing or broken, or another kind of job or a
            later release wrote it.
    """
    info = folder.info()
    if info.kind != kind:
        raise errors.RunFolderError(
            f"{folder.path} holds a run of another kind: "
            f"{info.kind.replace('_', ' ')}, not {kind.replace('_', ' ')}. "
            "These tables cannot be made of it."
        )
    values = identity.from_json(cls, info.identity, str(folder.path))
    whole = dataclasses.replace(info, identity=identity.to_json(values))
    return whole, values
