"""Settings that the authors of RITM and of its descendants keep beside weights.

A checkpoint's `config` names the class of the network and the arguments that it was
made with. Some of them change what is computed, and show in no shape.

Source: SamsungLabs/ritm_interactive_segmentation, isegm/utils/serialization.py.
"""

from collections.abc import Mapping

from rclicks_jax import errors
from rclicks_jax.weights import placeholders, state_dicts


class Config:
    """The settings of a checkpoint.

    Attributes:
        named: What the checkpoint is called in messages.
        values: The settings by name.
    """

    def __init__(self, named: str, values: Mapping[object, object]) -> None:
        """Takes the settings by name."""
        self.named = named
        self.values = values

    def value(self, name: str, default: object = None) -> object:
        """Returns a setting; the default of the authors' class if it is not there."""
        return self.values.get(name, default)

    def require(self, expected: Mapping[str, tuple[object, object]]) -> None:
        """Checks settings.

        Args:
            expected: By name, the default of the authors' class, and the only value
                that is supported.

        Raises:
            DataError: One has another value.
        """
        for name, (default, allowed) in expected.items():
            require(self.named, name, self.value(name, default), allowed)


def require(named: str, name: str, value: object, allowed: object) -> None:
    """Checks a setting.

    Raises:
        DataError: It has another value than the one that is allowed.
    """
    if value != allowed:
        raise errors.DataError(
            f"{named} has {name}={value!r} in its config; the published ones have "
            f"{allowed!r}, and no other is supported."
        )


def read(state: state_dicts.State, methods: str, kind: str) -> Config | None:
    """Returns the settings beside weights; None if there are none.

    Args:
        state: The weights.
        methods: Methods that the network may be of, for the message.
        kind: Name of the network's class.

    Raises:
        DataError: The network is of another class.
    """
    named = state_dicts.named(state)
    is_file = isinstance(state, state_dicts.Checkpoint)
    config = placeholders.as_dict(state.beside.get("config") if is_file else None)
    if not config:
        return None
    found = str(config.get("class", ""))
    if found.rpartition(".")[2] != kind:
        raise errors.DataError(
            f"{named} is of {found or 'no class'}; those of {methods} are of {kind}."
        )
    params = placeholders.as_dict(config.get("params"))
    return Config(
        named,
        {
            name: placeholders.as_dict(each).get("value")
            for name, each in params.items()
        },
    )
