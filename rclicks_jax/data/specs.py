"""What `--data` means: `NAME`, `NAME:DIR`, `folder:DIR`, `coco:JSON,DIR`, `sample`."""

import dataclasses
import os
import pathlib

from rclicks_jax import errors
from rclicks_jax.data import remote

DATA_ROOT_VARIABLE = "RCLICKS_DATA"
RCLICKS_NAMES = ("GrabCut", "Berkeley", "DAVIS", "COCO_MVal", "TETRIS", "VOC_WTP")
KINDS = (*RCLICKS_NAMES, "folder", "coco", "sample")


@dataclasses.dataclass(frozen=True)
class DataSpec:
    """One dataset a user asked for.

    Attributes:
        kind: A dataset of RClicks by name, `folder`, `coco` or `sample`.
        folder: Where its files are; for `coco` where the images are; None for `sample`.
        json_path: The annotations of `coco`.
    """

    kind: str
    folder: pathlib.Path | None = None
    json_path: pathlib.Path | None = None

    @property
    def name(self) -> str:
        """What tables call the dataset."""
        if self.kind == "folder" and self.folder is not None:
            return self.folder.resolve().name
        if self.kind == "coco" and self.json_path is not None:
            return self.json_path.stem
        return self.kind


def parse(text: str) -> list[DataSpec]:
    """Parses the value of `--data`: several datasets are parted by commas.

    Raises:
        BadValueError: A dataset is unknown, has no folder, or the text is empty.
    """
    specs = []
    for token in _tokens(text):
        kind, colon, place = token.partition(":")
        if kind not in KINDS:
            raise errors.BadValueError("--data", repr(token), _allowed())
        specs.append(_spec(kind, place if colon else ""))
    if not specs:
        raise errors.BadValueError("--data", "nothing", _allowed())
    names = [spec.name for spec in specs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise errors.BadValueError(
            "--data", f"{', '.join(twice)} more than once", "each dataset once"
        )
    return specs


def _tokens(text: str) -> list[str]:
    """Splits at commas, but keeps the comma between a COCO file and its images."""
    tokens: list[str] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        starts_dataset = part.partition(":")[0] in KINDS
        if tokens and not starts_dataset and tokens[-1].startswith("coco:"):
            tokens[-1] += "," + part
        else:
            tokens.append(part)
    return tokens


def _spec(kind: str, place: str) -> DataSpec:
    if kind == "sample":
        return DataSpec(kind)
    if kind == "coco":
        json_text, comma, folder_text = place.partition(",")
        if not comma:
            raise errors.BadValueError(
                "--data", repr(f"coco:{place}"), "coco:INSTANCES.json,IMAGE_FOLDER"
            )
        return DataSpec(kind, _existing(folder_text), _existing(json_text))
    if not place and kind in RCLICKS_NAMES and DATA_ROOT_VARIABLE in os.environ:
        place = str(pathlib.Path(os.environ[DATA_ROOT_VARIABLE]) / kind)
    if not place:
        raise errors.BadValueError(
            "--data",
            f"{kind!r} without a folder",
            f"{kind}:DIR, or ${DATA_ROOT_VARIABLE} set to the folder above {kind}",
        )
    return DataSpec(kind, _existing(place))


def _existing(place: str) -> pathlib.Path:
    if remote.is_remote(place):
        return remote.local_copy(place)
    path = pathlib.Path(place).expanduser()
    if not path.exists():
        raise errors.DataError(f"{path} does not exist.")
    return path


def _allowed() -> str:
    names = ", ".join(RCLICKS_NAMES)
    return (
        f"NAME:DIR with NAME one of {names}; folder:DIR; "
        "coco:INSTANCES.json,IMAGE_FOLDER; sample; several with commas"
    )
