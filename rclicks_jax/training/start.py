"""Where the parameters of a training start."""

from etils import epath

from rclicks_jax import errors
from rclicks_jax.networks import architectures, cards
from rclicks_jax.networks.architectures import Variables
from rclicks_jax.settings.training import TrainConfig
from rclicks_jax.weights import foreign


def initial_variables(settings: TrainConfig) -> Variables:
    """Returns the variables of the network before the first step.

    Args:
        settings: `architecture`, `variant`, `seed` and `init`: empty for fresh
            variables; a model folder for all of its; a `.pth` file for the encoder
            alone.

    Returns:
        Variables of the architecture, as NumPy arrays.

    Raises:
        DataError: The file or folder cannot be read or is of another network.
        UnknownNameError: The architecture has no such variant.
    """
    architecture = architectures.find(settings.architecture)
    network = architecture.variant(settings.variant)
    fresh = architecture.init(network, settings.seed)
    if not settings.init:
        return fresh
    place = epath.Path(settings.init)
    if not place.exists():
        raise errors.DataError(
            f"--config.init={settings.init} does not exist; it takes a model folder or "
            "an ImageNet checkpoint of MSCAN (mscan_b_*.pth)."
        )
    if not place.is_dir():
        if architecture.encoder_from_torch is None:
            raise errors.DataError(
                f"{place} is no model folder, and of the architecture "
                f"{settings.architecture} no other checkpoints are known."
            )
        return architecture.encoder_from_torch(foreign.load(place), fresh)
    variables, card = cards.load(place)
    if card.architecture != settings.architecture:
        raise errors.DataError(
            f"{place} holds a network of architecture {card.architecture}, the "
            f"training is of architecture {settings.architecture}: set "
            "--config.architecture or take another --config.init."
        )
    if card.network != network:
        raise errors.DataError(
            f"{place} holds a network of variant {card.network.variant}, the training "
            f"is of variant {network.variant}: set --config.variant or take another "
            "--config.init."
        )
    # A converted model has counters that training does not take.
    return {name: variables[name] for name in fresh}
