"""What can be known of the settings of click maps before anything is loaded.

Nothing here needs JAX, so a command refuses a wrong name before it takes seconds to
start.
"""

import functools

from rclicks_jax import errors
from rclicks_jax.clicks import specs as click_model_specs
from rclicks_jax.data import specs as data_specs
from rclicks_jax.settings import protocols
from rclicks_jax.settings.click_maps import ClickMapsConfig


def check(config: ClickMapsConfig) -> None:
    """Makes sure that protocol, data and click model exist, as far as specs say.

    Raises:
        RClicksError: A spec names nothing, or an option is wrong; the message has each.
    """
    errors.check_all(
        [
            functools.partial(protocols.protocol, config.protocol),
            functools.partial(data_specs.parse, config.data, config.max_side),
            functools.partial(click_model_specs.check, config.model),
        ]
    )
