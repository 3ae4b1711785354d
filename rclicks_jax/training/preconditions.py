"""What can be known of the settings of a training before anything is loaded.

Nothing here needs JAX, so a command refuses a wrong name before it takes seconds to
start.
"""

import functools

from rclicks_jax import errors
from rclicks_jax.data import specs
from rclicks_jax.settings import networks
from rclicks_jax.settings.training import TrainConfig
from rclicks_jax.training import recipes


def check(config: TrainConfig) -> None:
    """Makes sure that network, recipe and data exist, as far as specs say.

    Raises:
        RClicksError: A spec names nothing, or an option is wrong; the message has each.
    """
    errors.check_all(
        [
            functools.partial(_check_variant, config),
            functools.partial(recipes.parse, config.recipe),
            functools.partial(specs.parse, config.data, config.max_side),
        ]
    )


def _check_variant(config: TrainConfig) -> None:
    # Other architectures name their variants in modules that need JAX: the training
    # refuses those.
    if config.architecture == TrainConfig.architecture:
        networks.network(config.variant)
