"""Parses `--data`: `NAME`, `NAME:DIR`, `folder:DIR`, `coco:JSON,DIR`, `sample`.

A folder alone means `NAME:DIR` if it has the name and the layout of a dataset of
RClicks, else `folder:DIR`. Paths may have commas and colons: the longest path that
exists is used. Double quotes keep a path with commas together: `folder:"a,b"`.
"""

import dataclasses
import os
import pathlib
from collections.abc import Sequence

from rclicks_jax import errors, registry
from rclicks_jax.data import remote
from rclicks_jax.data.raw import identities

DATA_ROOT_VARIABLE = "RCLICKS_DATA"
RCLICKS_NAMES = ("GrabCut", "Berkeley", "DAVIS", "COCO_MVal", "TETRIS", "VOC_WTP")
KINDS = (*RCLICKS_NAMES, "folder", "coco", "sample")


@dataclasses.dataclass(frozen=True)
class DataSpec:
    """A dataset that the user has named.

    Attributes:
        kind: Name of a dataset of RClicks, `folder`, `coco` or `sample`.
        folder: Folder of its files; for `coco`, of its images; None for `sample`.
        json_path: File of the annotations for `coco`; else None.
        max_side: Limit on the longest side of photographs and masks, pixels; 0 for no
            limit but the dataset's own.
    """

    kind: str
    folder: pathlib.Path | None = None
    json_path: pathlib.Path | None = None
    max_side: int = 0

    def __post_init__(self) -> None:
        """Checks that the limit is not negative."""
        if self.max_side < 0:
            allowed = "0 for no limit, or a number of pixels"
            raise errors.BadValueError("max_side", self.max_side, allowed)

    @property
    def name(self) -> str:
        """Name of the dataset in tables."""
        if self.kind == "folder" and self.folder is not None:
            return identities.shown(self.folder.resolve().name)
        if self.kind == "coco" and self.json_path is not None:
            return identities.shown(self.json_path.stem)
        return self.kind


def parse(text: str, max_side: int = 0) -> list[DataSpec]:
    """Parses the value of `--data`: several datasets are separated by commas.

    Args:
        text: The text of the user.
        max_side: `max_side` of every dataset.

    Raises:
        BadValueError: A dataset is unknown, has no folder, or the text is empty.
        DataError: A folder or file does not exist.
    """
    if not identities.is_text(text):
        allowed = "UTF-8 text: rename the folder"
        raise errors.BadValueError("--data", identities.shown(text), allowed)
    specs = [_spec(token) for token in _tokens(text)]
    if not specs:
        raise errors.BadValueError("--data", "nothing", _allowed())
    names = [spec.name for spec in specs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise errors.BadValueError(
            "--data", f"{', '.join(twice)} more than once", "each dataset once"
        )
    return [dataclasses.replace(spec, max_side=max_side) for spec in specs]


def expanded(path: str) -> pathlib.Path:
    """Returns a path with `~` expanded; `~x` stays if there is no user x."""
    return pathlib.Path(os.path.expanduser(path))


def of_folder(folder: pathlib.Path) -> DataSpec:
    """Returns the spec of a folder: a dataset of RClicks by its name, or a user's."""
    # Readers of masks need OpenCV, which a wrong name is refused without.
    from rclicks_jax.data.raw import layouts

    name = folder.resolve().name
    layout = layouts.LAYOUTS.get(name)
    if layout and all(
        (folder / part).is_dir() for part in (layout.images, layout.masks)
    ):
        return DataSpec(name, folder)
    return DataSpec("folder", folder)


def _tokens(text: str) -> list[str]:
    """Splits a text at the commas between datasets, not at commas within paths."""
    parts = registry.split(text, ",")
    tokens: list[str] = []
    while parts:
        lengths = range(len(parts), 0, -1)
        fitting = (n for n in lengths if _is_there(",".join(parts[:n]).strip()))
        length = next(fitting, 0) or _up_to_the_next(parts)
        tokens.append(",".join(parts[:length]).strip())
        parts = parts[length:]
    return [token for token in tokens if token]


def _is_there(token: str) -> bool:
    """Tells whether a text is one dataset whose files exist."""
    kind, colon, place = token.partition(":")
    if kind not in KINDS or (kind == "sample" and colon):
        return os.path.isdir(os.path.expanduser(registry.unquoted(token)))
    if not colon:
        return True
    return bool(_json_and_folder(place)) if kind == "coco" else _exists(place)


def _exists(place: str) -> bool:
    plain = registry.unquoted(place)
    if remote.is_remote(plain):
        return plain != place or "," not in plain
    return os.path.exists(os.path.expanduser(plain))


def _json_and_folder(place: str) -> tuple[str, str] | None:
    """Splits `JSON,DIR` at the comma for which both exist; None if there is none."""
    parts = registry.split(place, ",")
    for count in range(len(parts) - 1, 0, -1):
        both = ",".join(parts[:count]).strip(), ",".join(parts[count:]).strip()
        if all(map(_exists, both)):
            return both
    return None


def _up_to_the_next(parts: Sequence[str]) -> int:
    """Returns the number of parts before the next part that names a dataset."""
    least = 2 if parts[0].strip().startswith("coco:") else 1
    for count in range(least, len(parts)):
        if parts[count].strip().partition(":")[0] in KINDS:
            return count
    return len(parts)


def _spec(token: str) -> DataSpec:
    kind, colon, place = token.partition(":")
    if kind not in KINDS or (kind == "sample" and colon):
        path = expanded(registry.unquoted(token))
        if os.path.isdir(path):
            return of_folder(path)
        if "/" in token and not colon:
            raise errors.DataError(f"{path} is not a folder.{_hint(path)}")
        near = errors.meant(kind, KINDS) or _hint(path)
        raise errors.BadValueError("--data", repr(token), _allowed(), near)
    if kind == "sample":
        return DataSpec(kind)
    if kind == "coco":
        return _coco(place)
    if not place and kind in RCLICKS_NAMES and DATA_ROOT_VARIABLE in os.environ:
        place = str(pathlib.Path(os.environ[DATA_ROOT_VARIABLE]) / kind)
    if not place:
        raise errors.BadValueError(
            "--data",
            f"{kind!r} without a folder",
            f"{kind}:DIR, or ${DATA_ROOT_VARIABLE} set to the folder above {kind}",
        )
    return DataSpec(kind, _existing(place, folder=True))


def _coco(place: str) -> DataSpec:
    json_text, comma, folder_text = place.partition(",")
    if (both := _json_and_folder(place)) is not None:
        json_text, folder_text = both
    if not comma:
        raise errors.BadValueError(
            "--data", repr(f"coco:{place}"), "coco:INSTANCES.json,IMAGE_FOLDER"
        )
    json_path = _existing(json_text, folder=False)
    return DataSpec("coco", _existing(folder_text, folder=True), json_path)


def _existing(place: str, *, folder: bool) -> pathlib.Path:
    """Returns a path after checking that it is a folder, or a file."""
    plain = registry.unquoted(place.strip())
    if remote.is_remote(plain):
        return remote.local_copy(plain)
    path = expanded(plain)
    if not os.path.exists(path):
        raise errors.DataError(f"{path} does not exist.{_hint(path)}")
    if os.path.isdir(path) != folder:
        what = "a folder" if folder else "a file"
        raise errors.DataError(f"{path} is not {what}.")
    if folder and not path.resolve().name:
        raise errors.DataError(f"{path} has no name that tables could call it.")
    return path


def _hint(path: pathlib.Path) -> str:
    """Returns a hint on what a path that does not exist may mean."""
    turned = pathlib.Path(str(path).replace("\\", "/"))
    if turned != path and os.path.exists(turned):
        return f" There is {turned}."
    try:
        names = os.listdir(path.parent)
    except OSError:
        return "" if os.path.exists(path.parent) else f" Nor does {path.parent}."
    return errors.meant(
        path.name, names, lambda name: identities.shown(str(path.parent / name))
    )


def _allowed() -> str:
    names = ", ".join(RCLICKS_NAMES)
    return (
        f"NAME:DIR with NAME one of {names}; folder:DIR, or DIR alone; "
        "coco:INSTANCES.json,IMAGE_FOLDER; sample; several with commas"
    )
