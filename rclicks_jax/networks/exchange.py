"""Published weights to model folders, and model folders to checkpoints of PyTorch."""

import math

from etils import epath

from rclicks_jax import errors
from rclicks_jax.networks import architectures, cards
from rclicks_jax.settings import networks
from rclicks_jax.weights import foreign, state_dicts, torch_files

PUBLISHED_VARIANT = "b"
PUBLISHED_DATA = "TETRIS train (RClicks, published weights)"


def import_checkpoint(
    checkpoint: str,
    out: str,
    *,
    size: int,
    sigma: float,
    data: str = "",
    torch_python: str = "",
    architecture: str = networks.CLICKABILITY,
) -> cards.Card:
    """Turns a checkpoint of the original into a model folder; returns its card.

    Args:
        checkpoint: A state dict of the original's network.
        out: The model folder; must not be one yet.
        size: Side of the square it was trained on, pixels.
        sigma: Sigma of the click maps it was trained on, in pixels of a 1920x1080
            image.
        data: Description of the training data; the default is that of the published
            weights, where the network is theirs.
        torch_python: An interpreter with PyTorch, for checkpoints that are not read
            here.
        architecture: The kind of network that the checkpoint is of.

    Raises:
        DataError: The checkpoint cannot be read, or has keys that are wrong, missing or
            left over; names them.
        BadValueError: `out` is there already, what goes on the card is no fact, or no
            checkpoints of PyTorch are known of the architecture.
    """
    if (epath.Path(out) / cards.CARD_NAME).exists() or epath.Path(out).is_file():
        raise errors.BadValueError("--out", out, "a folder that is no model yet")
    from_torch = architectures.find(architecture).from_torch
    if from_torch is None:
        raise _without_checkpoints(architecture)
    state = foreign.load(checkpoint, torch_python)
    network, variables = from_torch(state)
    _check_facts(size, sigma, data, network.variant)
    recipe = f"converted from {_source_of(state)}"
    data = data or PUBLISHED_DATA
    card = cards.Card(
        network,
        size,
        sigma,
        data,
        recipe,
        {},
        protocol="paper",
        architecture=architecture,
    )
    return cards.save(out, variables, card)


def export_model(model: str, out: str) -> int:
    """Turns a model folder into a checkpoint of the original; returns its keys' number.

    Raises:
        DataError: The model folder cannot be read.
        BadValueError: `out` is there already or is no name of a checkpoint, or no
            checkpoints of PyTorch are known of the architecture.
    """
    _check_checkpoint_name(out)
    variables, card = cards.load(model)
    to_torch = architectures.find(card.architecture).to_torch
    if to_torch is None:
        raise _without_checkpoints(card.architecture)
    state = to_torch(variables)
    torch_files.write(out, state)
    return len(state)


def rewrite(checkpoint: str, out: str, torch_python: str = "") -> int:
    """Rewrites the state dict of any checkpoint as one of PyTorch, a zip file.

    Returns:
        The number of its keys.

    Raises:
        DataError: The checkpoint cannot be read.
        BadValueError: `out` is there already or is no name of a checkpoint.
    """
    _check_checkpoint_name(out)
    state = foreign.load(checkpoint, torch_python)
    torch_files.write(out, state)
    return len(state)


def _without_checkpoints(architecture: str) -> errors.BadValueError:
    return errors.BadValueError(
        "Architecture of a checkpoint of PyTorch",
        architecture,
        "one that PyTorch has too, as clickability",
    )


def _check_facts(size: int, sigma: float, data: str, variant: str) -> None:
    if size < 1 or not 0 < sigma < math.inf:
        values = f"{size} and {sigma}"
        raise errors.BadValueError("--size and --sigma", values, "positive numbers")
    if not data and variant != PUBLISHED_VARIANT:
        allowed = f"what variant {variant} was trained on, in words"
        raise errors.BadValueError("--data", "nothing", allowed)


def _source_of(checkpoint: state_dicts.Checkpoint) -> str:
    name = epath.Path(checkpoint.source).name
    return f"{name}, SHA-256 {foreign.checksum(checkpoint)}"


def _check_checkpoint_name(out: str) -> None:
    if not out.endswith(torch_files.SUFFIX) or epath.Path(out).exists():
        allowed = f"a file that ends in {torch_files.SUFFIX} and is not there yet"
        raise errors.BadValueError("--out", out, allowed)
