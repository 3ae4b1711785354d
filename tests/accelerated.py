"""Commands as with an accelerator, which is a simulated one and may fail.

No product code knows of these faults: they are planted in the process of the command.
"""

import functools

import compiled
import started
import two_convolutions

# What XLA says, by kind of fault.
MESSAGES = {
    "memory": "RESOURCE_EXHAUSTED: Out of memory while trying to allocate 9 bytes.",
    "lost": "INTERNAL: the device fell off the bus\nstack of calls",
}


def command(name, *flags, fault=("", 0), memory=0, devices=1):
    """Runs a command; returns its status, and what it printed.

    Args:
        name: The command.
        *flags: Its flags.
        fault: Kind of fault, and the pass from which on each fails in this way.
        memory: Memory that each device says it has, bytes; 0 if it does not say.
        devices: Number of devices.
    """
    simulated = compiled.flags(devices)
    prepare = functools.partial(_simulate, *fault, memory)
    done = started.forked(name, *flags, prepare=prepare, XLA_FLAGS=simulated)
    return done.returncode, done.stdout + done.stderr


def _simulate(kind, first, memory):
    """Makes the devices of this process accelerators, which may fail."""
    import jax

    from rclicks_jax.networks import batches, passes

    two_convolutions.register()
    jax.default_backend = lambda: "gpu"
    if memory:
        batches.memory = lambda device: memory
    begin, begun = passes.Passes.start, []

    def start(self, *arguments):
        begun.append(None)
        if kind and len(begun) >= first:
            raise jax.errors.JaxRuntimeError(MESSAGES[kind])
        return begin(self, *arguments)

    passes.Passes.start = start
