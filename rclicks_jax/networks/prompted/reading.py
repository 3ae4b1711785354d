"""What the shapes of weights show of the sizes of a method of SAM's family."""

import re

from rclicks_jax import errors
from rclicks_jax.networks import kinds
from rclicks_jax.weights import state_dicts

# Where the hub's names are read too.
_HUB = {kinds.SAM: ", or the same parts by the names of the Hugging Face hub"}


class Shown:
    """Shapes of a state dict by the original's names, asked for by key.

    Attributes:
        named: What the weights are called in messages.
    """

    def __init__(self, state: state_dicts.State, kind: str) -> None:
        """Keeps the shapes.

        Args:
            state: The state dict.
            kind: The method that it should be of, by its name in `kinds`.

        Raises:
            DataError: It is of another method.
        """
        self.named = state_dicts.named(state)
        self._shapes = state_dicts.shapes_of(state)
        self._kind = kind
        kinds.check(state, kind)

    def shape(self, key: str, rank: int) -> tuple[int, ...]:
        """Returns the shape of an array.

        Raises:
            DataError: There is no such array, or it has another rank or no numbers.
        """
        found = self._shapes.get(key)
        if found is None:
            raise errors.DataError(
                f"{self.named} lacks {key}, so it is none of {self._kind}. "
                f"A {self._kind} has image_encoder, prompt_encoder and mask_decoder"
                f"{_HUB.get(self._kind, '')}."
            )
        if len(found) != rank or 0 in found:
            raise errors.DataError(
                f"{self.named} has {key} of shape {found}; that of a {self._kind} has "
                f"{rank} sides, none of them 0."
            )
        return found

    def count(self, prefix: str) -> int:
        """Returns how many numbers follow a prefix in the keys."""
        pattern = re.compile(rf"{re.escape(prefix)}(\d{{1,4}})\.")
        found = (pattern.match(key) for key in self._shapes)
        return len({match[1] for match in found if match})
