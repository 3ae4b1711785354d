"""What can be known of an evaluation's settings before anything is loaded or packaged.

Nothing here needs JAX, so a command refuses a wrong name before it takes seconds to
start.
"""

import functools

from rclicks_jax import errors
from rclicks_jax.clicks import specs as click_model_specs
from rclicks_jax.data import specs as data_specs
from rclicks_jax.settings import protocols
from rclicks_jax.settings.evaluation import EvaluateConfig


def check(config: EvaluateConfig) -> None:
    """Makes sure that protocol, data and click models exist, as far as specs say.

    Raises:
        RClicksError: A spec names nothing, or an option is wrong; the message has each.
    """
    check_model = click_model_specs.check
    errors.check_all(
        [
            functools.partial(protocols.protocol, config.protocol),
            functools.partial(data_specs.parse, config.data, config.max_side),
            *(functools.partial(check_model, spec) for spec in config.click_models),
        ]
    )
