"""What shapes and settings of a file show of a plain transformer that sees clicks.

The number of heads shows in no shape. It is among the settings that the authors of
SimpleClick, CFR-ICL and SegNext save beside the weights.
"""

import dataclasses
from collections.abc import Mapping
from typing import cast

from rclicks_jax import errors
from rclicks_jax.networks import isegm_config, kinds
from rclicks_jax.weights import placeholders, state_dicts

# Radius of the disks around clicks, pixels of the square.
RADIUS = 5
_BLOCK = "backbone.blocks."
_CLASS = "PlainVitModel"


@dataclasses.dataclass(frozen=True)
class Widths:
    """Widths and depths that shapes show; see `sizes.SimpleClickSizes`."""

    patch: int
    learnt: int
    dim: int
    depth: int
    hidden: int
    pyramid: tuple[int, int, int, int]


def inner(settings: Mapping[object, object], name: str) -> dict[object, object]:
    """Returns settings within a setting."""
    return placeholders.as_dict(settings.get(name))


def as_tuples(value: object) -> object:
    """Returns a value in which lists have become tuples."""
    if isinstance(value, (list, tuple)):
        items = cast("list[object] | tuple[object, ...]", value)
        return tuple(map(as_tuples, items))
    return value


class Shown:
    """Shapes and settings of a state dict, asked for by name.

    Attributes:
        named: What the weights are called in messages.
        settings: Values by the names of the arguments that the network was made with;
            empty if its file has none.
    """

    def __init__(self, state: state_dicts.State, kind: str, has: str) -> None:
        """Reads shapes and settings.

        Args:
            state: The state dict.
            kind: The method that it should be of, by its name in `kinds`.
            has: The parts of such a network, in words.

        Raises:
            DataError: It is of another method, or its settings of another class.
        """
        kinds.check(state, kind)
        self.named = state_dicts.named(state)
        self._shapes = state_dicts.shapes_of(state)
        self._kind, self._has = kind, has
        config = isegm_config.read(state, kind, _CLASS)
        self.settings: Mapping[object, object] = {} if config is None else config.values

    def shape(self, key: str, rank: int) -> tuple[int, ...]:
        """Returns the shape of an array.

        Raises:
            DataError: There is no such array, or it has another rank or no numbers.
        """
        found = self._shapes.get(key)
        if found is None:
            raise errors.DataError(
                f"{self.named} lacks {key}, so it is none of {self._kind}, whose "
                f"parts are {self._has}."
            )
        if len(found) != rank or 0 in found:
            raise errors.DataError(
                f"{self.named} has {key} of shape {found}; that of {self._kind} has "
                f"{rank} sides, none of them 0."
            )
        return found

    def count(self, prefix: str) -> int:
        """Returns how many numbers follow a prefix in the keys."""
        names = (
            key[len(prefix) :].split(".")[0]
            for key in self._shapes
            if key.startswith(prefix)
        )
        return sum(name.isdigit() for name in set(names))

    def has(self, part: str) -> bool:
        """Tells whether a key contains a text."""
        return any(part in key for key in self._shapes)

    def widths(self) -> Widths:
        """Returns what shapes show of transformer and neck.

        Raises:
            DataError: Keys are missing, or positions are none of a square of patches.
        """
        dim, _, patch, _ = self.shape("backbone.patch_embed.proj.weight", 4)
        places = self.shape("backbone.pos_embed", 3)[1] - 1
        learnt = round(max(places, 0) ** 0.5)
        if learnt == 0 or learnt**2 != places:
            raise errors.DataError(
                f"{self.named} has positions of {places} patches; {self._kind} has a "
                "square of patches."
            )
        neck = "neck.down_"
        return Widths(
            patch=patch,
            learnt=learnt,
            dim=dim,
            depth=self.count(_BLOCK),
            hidden=self.shape(f"{_BLOCK}0.mlp.fc1.weight", 2)[0],
            pyramid=(
                self.shape(f"{neck}4.5.weight", 4)[0],
                self.shape(f"{neck}8.2.weight", 4)[0],
                self.shape(f"{neck}16.0.weight", 4)[0],
                self.shape(f"{neck}32.2.weight", 4)[0],
            ),
        )

    def heads(self, known: Mapping[int, int], dim: int) -> int:
        """Returns the number of heads, by the settings or else by the width.

        Args:
            known: Heads of published networks by their channels.
            dim: Channels.

        Raises:
            DataError: Neither tells it, or it does not divide the channels.
        """
        if not self.settings:
            if dim not in known:
                raise errors.DataError(
                    f"{self.named} has no config, and a width of {dim} channels, which "
                    "tells the number of heads only if it is one of "
                    f"{', '.join(map(str, known))}. The authors' files have a config."
                )
            return known[dim]
        heads = self.number(self.inner("backbone_params"), "num_heads")
        if dim % heads:
            raise errors.DataError(
                f"{self.named} has {dim} channels with {heads} heads; the heads of "
                f"{self._kind} divide its channels."
            )
        return heads

    def inner(self, name: str) -> dict[object, object]:
        """Returns settings within a setting."""
        return inner(self.settings, name)

    def number(self, settings: Mapping[object, object], name: str) -> int:
        """Returns a setting that is a number from 1.

        Raises:
            DataError: It is not.
        """
        value = settings.get(name)
        # A bool is no number here.
        if type(value) is not int or value < 1:
            raise errors.DataError(
                f"{self.named} has {name}={value!r} in its config; a number from 1 is "
                "due."
            )
        return value

    def require(self, expected: Mapping[str, tuple[object, object]]) -> None:
        """Checks settings that show in no shape.

        Args:
            expected: What each is, and the only value that is supported.

        Raises:
            DataError: Another value; names the first.
        """
        for name, (value, allowed) in expected.items():
            isegm_config.require(self.named, name, value, allowed)
