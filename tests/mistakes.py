"""Networks that make deliberate mistakes, which a comparison must show.

All mistakes of a network are in one program, and traced numbers choose: it is compiled
once, not once for each.
"""

import contextlib
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np


class Mistaken:
    """A network that makes the mistake which its variables name.

    Attributes:
        sizes: Widths and depths of the network.
    """

    def __init__(self, net, **patches):
        """Keeps a network and what may be wrong in it.

        Args:
            net: A Flax module.
            **patches: For each method of the network its mistakes: by its name a place,
                the name of an attribute there, and a number or a function to use
                instead.
        """
        self.sizes = net.sizes
        self._net, self._patches = net, patches

    def choose(self, variables, mistake=None):
        """Returns the variables with which a mistake is made, or none is."""
        names = {name for patches in self._patches.values() for name in patches}
        assert mistake is None or mistake in names
        return variables, {name: np.bool_(name == mistake) for name in sorted(names)}

    def apply(self, variables, *given, method, **options):
        """Calls a method of the network with what `choose` returns."""
        variables, chosen = variables
        with contextlib.ExitStack() as stack:
            for name, patch in self._patches.get(method, {}).items():
                place, attribute, wrong = patch
                either = _either(chosen[name], wrong, getattr(place, attribute))
                stack.enter_context(mock.patch.object(place, attribute, either))
            return self._net.apply(variables, *given, method=method, **options)


def _either(is_wrong, wrong, right):
    if not callable(wrong):
        return jnp.where(is_wrong, wrong, right)

    def called(*given, **options):
        return jax.tree.map(
            lambda one, other: jnp.where(is_wrong, one, other),
            wrong(*given, **options),
            right(*given, **options),
        )

    return called
