"""Both sides of a comparison in float64, where rounding does not hide mistakes.

Code that says float32 is given float64 under that name: its own lines stay as they are.
"""

import sys

# Ours that compute, and what plays clicks with them.
OURS = (
    "rclicks_jax.networks",
    "rclicks_jax.ops",
    "rclicks_jax.segmenters.native",
    "ritm_player",
    "sam2_player",
    "sam_player",
)


class Names:
    """The names of a module, of which `float32` is another type."""

    def __init__(self, module, float64):
        self._module, self.float32 = module, float64

    def __getattr__(self, name):
        return getattr(self._module, name)


def replace(*prefixes):
    """Has modules mean float64 by `np.float32` and `jnp.float32` from now on.

    Args:
        *prefixes: How their names begin. Only those that are imported already.
    """
    for name, module in list(sys.modules.items()):
        if not name.startswith(prefixes):
            continue
        for alias in ("np", "jnp"):
            known = getattr(module, alias, None)
            if known is not None and not isinstance(known, Names):
                setattr(module, alias, Names(known, known.float64))


def ours():
    """Has our networks and what plays with them compute in float64; returns the type.

    To be called after they are imported and before they are used.
    """
    import jax

    jax.config.update("jax_enable_x64", True)
    replace(*OURS)
    return "float64"


def theirs():
    """Has PyTorch, and what is made with it from now on, compute in float64.

    To be called after adapters of the bridge are imported and before a network is made.
    """
    import torch

    torch.float = torch.float32 = torch.float64
    torch.Tensor.float = torch.Tensor.double
    torch.set_default_dtype(torch.float64)
    replace("rclicks_jax.bridge.adapters")
