"""How the programs of tests are compiled: fast, or as users have them.

Most programs of tests are large and run a few times. Without most of what makes
programs fast they are compiled in a quarter of the time. Parity is tested on programs
as users have them.
"""

import contextlib
import os
from unittest import mock

# Options of XLA: fast, and what they are by default.
_OPTIONS = {
    "xla_backend_optimization_level": (0, 3),
    "xla_cpu_use_fusion_emitters": (False, True),
    "xla_cpu_parallel_codegen_split_count": (1, 32),
}
_FAST = " ".join(f"--{name}={fast}".lower() for name, (fast, _) in _OPTIONS.items())


def flags(devices=1):
    """Returns `XLA_FLAGS` of a process whose programs are compiled fast.

    Args:
        devices: Number of fake devices.
    """
    return f"{_FAST} --xla_force_host_platform_device_count={devices}"


def environment(devices=1, **further):
    """Returns the variables of a process whose programs are compiled fast.

    Args:
        devices: Number of fake devices.
        **further: Further variables.
    """
    return {**os.environ, "XLA_FLAGS": flags(devices), **further}


def for_users():
    """Compiles as users' programs are, in a context."""
    return _with({name: usual for name, (_, usual) in _OPTIONS.items()})


def fast():
    """Compiles fast within `for_users`, in a context."""
    return _with({name: fast for name, (fast, _) in _OPTIONS.items()})


@contextlib.contextmanager
def _with(options):
    # JAX has no setting for all programs but `XLA_FLAGS`, which is read once.
    from jax._src import compiler

    right = compiler.get_compile_options

    def with_options(*args, **kwargs):
        found = right(*args, **kwargs)
        found.env_option_overrides = [*found.env_option_overrides, *options.items()]
        return found

    with mock.patch.object(compiler, "get_compile_options", with_options):
        yield
