"""A model folder: weights as safetensors, and a card that says what they are.

Two files cannot be replaced at once. So both are written beside those that they
replace, and are then renamed: first the weights, then the card. If only the weights
were renamed, the card that still lies beside is theirs.
"""

import dataclasses
import hashlib
import json
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy
from etils import epath

from rclicks_jax import errors, files, registry
from rclicks_jax.networks import architectures
from rclicks_jax.networks.architectures import Variables
from rclicks_jax.settings import dicts, networks
from rclicks_jax.weights import state_dicts

WEIGHTS_NAME = "weights.safetensors"
CARD_NAME = "card.json"
# Cards of format 1 name no architecture: there was only the clickability network.
_FORMAT = 2
# SHA-256 of the rest of a card: a size or a width that changed changes click maps.
_SEAL = "card_checksum"
# Name of a file that is complete but not renamed yet.
_NEXT = "{}.next"


@dataclasses.dataclass(frozen=True)
class Card:
    """Facts about a model: which network it is, and where it comes from.

    Attributes:
        network: Widths and depths, of the architecture's type.
        size: Side of the square it was trained on, pixels.
        sigma: Sigma of the click maps it was trained on, in pixels of a 1920x1080
            image.
        data: Description of the training data: datasets, counts, kinds of clicks.
        recipe: Description of the training.
        metrics: Metrics on the validation split of its training.
        protocol: Name of the recipe it was trained by: `paper` for the original's.
        checksum: SHA-256 of the weights file.
        architecture: Name of the kind of network.
    """

    network: architectures.Config
    size: int
    sigma: float
    data: str
    recipe: str
    metrics: dict[str, float]
    protocol: str = ""
    checksum: str = ""
    architecture: str = networks.CLICKABILITY


def save(folder: epath.PathLike, variables: Variables, card: Card) -> Card:
    """Writes a model folder; returns the card with its checksum.

    A model that is there stays whole until the new one replaces it. One that is equal
    is not written again.

    Raises:
        OSError: It cannot be written.
    """
    path = epath.Path(folder)
    if "://" not in str(path):
        # Each is as large as the model.
        files.remove_leftovers(pathlib.Path(path))
    # Not `ascontiguousarray`, which gives a scalar an axis.
    arrays = {
        "/".join(leaf_path): np.asarray(leaf, order="C")
        for leaf_path, leaf in architectures.flatten(variables).items()
    }
    encoded = safetensors.numpy.save(arrays)
    card = dataclasses.replace(card, checksum=hashlib.sha256(encoded).hexdigest())
    facts = {"format": _FORMAT, **dataclasses.asdict(card)}
    text = json.dumps({**facts, _SEAL: _seal(facts)}, indent=2) + "\n"
    if not _holds(path, encoded, text):
        _replace(path, encoded, text)
    return card


def _seal(facts: Mapping[str, object]) -> str:
    """Returns the SHA-256 of what a card says, however its JSON is laid out."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _holds(path: epath.Path, encoded: bytes, text: str) -> bool:
    """Tells whether a folder holds this model already, undamaged."""
    names = (WEIGHTS_NAME, CARD_NAME)
    if not all((path / name).exists() for name in names) or _is_between(path):
        return False
    return (path / CARD_NAME).read_bytes() == text.encode() and (
        path / WEIGHTS_NAME
    ).read_bytes() == encoded


def _replace(path: epath.Path, encoded: bytes, text: str) -> None:
    """Writes both files beside those that are there, then renames them."""
    weights, card = path / WEIGHTS_NAME, path / CARD_NAME
    next_weights, next_card = (
        path / _NEXT.format(name) for name in (WEIGHTS_NAME, CARD_NAME)
    )
    if _is_between(path):
        next_card.replace(card)
    try:
        # In this order: a card beside without weights beside is that of the weights.
        files.write_atomically(next_weights, encoded)
        files.write_atomically(next_card, text)
    except OSError:
        next_card.unlink(missing_ok=True)
        next_weights.unlink(missing_ok=True)
        raise
    next_weights.replace(weights)
    next_card.replace(card)


def _is_between(path: epath.Path) -> bool:
    """Tells whether the weights were replaced and their card was not yet."""
    next_weights, next_card = (
        path / _NEXT.format(name) for name in (WEIGHTS_NAME, CARD_NAME)
    )
    return next_card.exists() and not next_weights.exists()


def load_card(folder: epath.PathLike) -> Card:
    """Reads the card of a model folder.

    A card without a checksum of its own, as another program or an earlier release
    writes it, is not checked for changes.

    Raises:
        DataError: The folder is none; or its card is broken, was changed, or names an
            architecture that is not known.
    """
    path = epath.Path(folder) / CARD_NAME
    if _is_between(path.parent):
        path = path.parent / _NEXT.format(CARD_NAME)
    if not path.exists():
        raise errors.DataError(
            f"{folder} is not a model folder: it has no {CARD_NAME}. "
            "rclicks-train and rclicks-convert make model folders."
        )
    try:
        facts = json.loads(path.read_text())
        if facts["format"] > _FORMAT:
            raise errors.DataError(
                f"{path} is of format {facts['format']}; this release reads "
                f"formats up to {_FORMAT}. Read it with the release that made it."
            )
        seal = facts.pop(_SEAL, None)
        if seal not in (None, _seal(facts)):
            raise ValueError(
                "it was changed after it was written; if that was meant, take the "
                f"line {_SEAL} out of it"
            )
        del facts["format"]
        return _card_of(facts, path)
    except OSError as error:
        raise errors.DataError(files.explain(error)) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise errors.DataError(
            f"{path} is not a model card: {error}. Copy or make the model again."
        ) from error


def _card_of(facts: dict[str, Any], path: epath.Path) -> Card:
    """Returns the card whose facts a file holds.

    Raises:
        DataError: The architecture is not known, or takes no squares of that size.
        ValueError: A value is wrong; `KeyError` and `TypeError` mean the same.
    """
    name = facts.setdefault("architecture", networks.CLICKABILITY)
    if name not in registry.ARCHITECTURES:
        known = sorted(registry.ARCHITECTURES)
        raise errors.DataError(
            f"{path} is of a network of architecture {name!r}, which this release does "
            f"not have.{errors.meant(str(name), known)} Known: {', '.join(known)}. "
            "Read it with the release that made it."
        )
    architecture = architectures.find(name)
    network = dicts.from_config_dict(architecture.config, facts.pop("network"))
    card = Card(network=network, **facts)
    if not architecture.sides.holds(card.size):
        raise errors.DataError(
            f"{path} says that the network takes squares of {card.size} pixels; the "
            f"architecture {name} takes sides of {architecture.sides.allowed}."
        )
    return card


def load(folder: epath.PathLike) -> tuple[Variables, Card]:
    """Reads a model folder: the variables and the card.

    Weights are not compared with a card that has no checksum of them, as another
    program may write it.

    Raises:
        DataError: A file is missing or broken, the weights are not the card's, or some
            are not finite.
    """
    card = load_card(folder)
    path = epath.Path(folder) / WEIGHTS_NAME
    if not path.exists():
        raise errors.DataError(f"{folder} has a card but no {WEIGHTS_NAME}.")
    try:
        encoded = path.read_bytes()
    except OSError as error:
        raise errors.DataError(files.explain(error)) from error
    checksum = hashlib.sha256(encoded).hexdigest()
    if card.checksum != checksum:
        # Another process may just have replaced both.
        card = load_card(folder)
    if card.checksum not in ("", checksum):
        raise errors.DataError(
            f"{path} has checksum {checksum[:12]}, its card says {card.checksum[:12]}: "
            "one of them was changed or not copied whole."
        )
    try:
        arrays = safetensors.numpy.load(encoded)
    except safetensors.SafetensorError as error:
        raise errors.DataError(f"{path} cannot be read: {error}") from error
    state_dicts.check_finite(str(path), arrays.items())
    leaves = {tuple(name.split("/")): array for name, array in arrays.items()}
    return architectures.unflatten(leaves), card
