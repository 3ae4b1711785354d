"""Every error raised on purpose: what was wrong, what came, what is allowed."""

from collections.abc import Iterable


class RClicksError(Exception):
    """Base of every error the project raises on purpose."""


class UnknownNameError(RClicksError, ValueError):
    """A name is not in a catalogue; the message lists what is."""

    def __init__(self, kind: str, name: str | None = None, known: Iterable[str] = ()):
        # pickle and absl make an error anew of its message alone.
        told = f"Unknown {kind} {name!r}. Known: {', '.join(sorted(known))}."
        super().__init__(kind if name is None else told)


class BadValueError(RClicksError, ValueError):
    """A value given by the user or by a plug-in is not allowed."""

    def __init__(self, what: str, got: object = None, allowed: str | None = None):
        told = f"{what}: got {got}; allowed: {allowed}."
        super().__init__(what if allowed is None else told)


class DataError(RClicksError):
    """A file of a dataset is missing, broken or contradicts another one."""


class SegmenterError(RClicksError):
    """A segmenter or another worker failed, or what it returned cannot be used."""


class RunFolderError(RClicksError):
    """A run folder is of another protocol, or cannot be written."""


class TrainingError(RClicksError):
    """Training cannot start or go on: the message says what to change."""
