"""Where the parameters of a training start."""

from typing import Any

from etils import epath

from rclicks_jax import errors
from rclicks_jax.networks import cards, clickability, convert
from rclicks_jax.settings import networks
from rclicks_jax.settings.training import TrainConfig
from rclicks_jax.weights import state_dicts, torch_files


def initial_variables(settings: TrainConfig) -> dict[str, Any]:
    """Returns the variables of the network before the first step.

    Args:
        settings: `variant`, `seed` and `init`: empty for fresh variables; a model
            folder for all of its; a `.pth` file for the encoder alone.

    Returns:
        `params`, `batch_stats` and `constants`, as NumPy arrays.

    Raises:
        DataError: The file or folder cannot be read or is of another size.
    """
    network = networks.network(settings.variant)
    fresh = clickability.init_variables(network, settings.seed)
    if not settings.init:
        return fresh
    place = epath.Path(settings.init)
    if not place.exists():
        raise errors.DataError(
            f"--config.init={settings.init} does not exist; it takes a model folder or "
            "an ImageNet checkpoint of MSCAN (mscan_b_*.pth)."
        )
    if not place.is_dir():
        saved = state_dicts.state_dict(torch_files.read(place))
        return convert.encoder_from_torch(saved, fresh)
    variables, card = cards.load(place)
    if card.network != network:
        raise errors.DataError(
            f"{place} holds a network of variant {card.network.variant}, the training "
            f"is of variant {network.variant}: set --config.variant or take another "
            "--config.init."
        )
    # A converted model has counters that training does not take.
    return {name: variables[name] for name in fresh}
