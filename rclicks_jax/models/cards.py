"""A model folder: weights as safetensors, and a card that says what they are."""

import dataclasses
import hashlib
import json
from typing import Any

import flax.traverse_util
import numpy as np
import safetensors
import safetensors.numpy
from etils import epath

from rclicks_jax import config, errors

WEIGHTS_NAME = "weights.safetensors"
CARD_NAME = "card.json"
_FORMAT = 1


@dataclasses.dataclass(frozen=True)
class Card:
    """What a model folder holds and where it comes from.

    Attributes:
        network: Widths and depths.
        size: Side of the square it was trained on, pixels.
        sigma: Of the click maps it was trained on, in units of a 1920x1080 image.
        data: What it was trained on, in words: datasets, counts, kinds of clicks.
        recipe: How it was trained, in words.
        metrics: What it reached on its validation split.
        protocol: Whose training it had: `paper` for the original's.
        checksum: SHA-256 of the weights file.
    """

    network: config.NetworkConfig
    size: int
    sigma: float
    data: str
    recipe: str
    metrics: dict[str, float]
    protocol: str = ""
    checksum: str = ""


def save(folder: epath.PathLike, variables: dict[str, Any], card: Card) -> Card:
    """Writes a model folder; returns the card with its checksum.

    The card is written last, so a folder with a card is whole.
    """
    path = epath.Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    flat = flax.traverse_util.flatten_dict(variables, sep="/")
    # Not `ascontiguousarray`, which gives a scalar an axis.
    arrays = {name: np.asarray(leaf, order="C") for name, leaf in flat.items()}
    encoded = safetensors.numpy.save(arrays)
    card = dataclasses.replace(card, checksum=hashlib.sha256(encoded).hexdigest())
    (path / WEIGHTS_NAME).write_bytes(encoded)
    described = {"format": _FORMAT, **dataclasses.asdict(card)}
    (path / CARD_NAME).write_text(json.dumps(described, indent=2) + "\n")
    return card


def load_card(folder: epath.PathLike) -> Card:
    """Reads the card of a model folder.

    Raises:
        DataError: The folder is none, or its card is broken.
    """
    path = epath.Path(folder) / CARD_NAME
    if not path.exists():
        raise errors.DataError(
            f"{folder} is not a model folder: it has no {CARD_NAME}. "
            "rclicks-train and rclicks-convert make model folders."
        )
    try:
        described = json.loads(path.read_text())
        described.pop("format")
        network = config.from_config_dict(
            config.NetworkConfig, described.pop("network")
        )
        return Card(network=network, **described)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise errors.DataError(f"{path} is not a model card: {error}") from error


def _is_finite(array: np.ndarray) -> bool:
    # Of bfloat16 too, which is of no kind of NumPy's own.
    return array.dtype.kind in "biu" or bool(np.isfinite(array).all())


def load(folder: epath.PathLike) -> tuple[dict[str, Any], Card]:
    """Reads a model folder: the variables and the card.

    Raises:
        DataError: A file is missing or broken, the weights are not the card's, or some
            are not finite.
    """
    card = load_card(folder)
    path = epath.Path(folder) / WEIGHTS_NAME
    if not path.exists():
        raise errors.DataError(f"{folder} has a card but no {WEIGHTS_NAME}.")
    encoded = path.read_bytes()
    checksum = hashlib.sha256(encoded).hexdigest()
    if checksum != card.checksum:
        raise errors.DataError(
            f"{path} has checksum {checksum[:12]}, its card says {card.checksum[:12]}: "
            "one of them was changed or not copied whole."
        )
    try:
        arrays = safetensors.numpy.load(encoded)
    except safetensors.SafetensorError as error:
        raise errors.DataError(f"{path} cannot be read: {error}") from error
    wrong = [name for name, array in arrays.items() if not _is_finite(array)]
    if wrong:
        raise errors.DataError(
            f"{path} has weights that are not finite (NaN or infinite), in "
            f"{len(wrong)} of {len(arrays)} arrays, the first {min(wrong)}: its click "
            "maps would mean nothing. Take another checkpoint of the training."
        )
    return flax.traverse_util.unflatten_dict(arrays, sep="/"), card
