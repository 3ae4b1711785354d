"""Commands as with an accelerator, which is a simulated one and may fail.

No product code knows of these faults: they are planted in the process of the command.
"""

import os
import pathlib
import tempfile

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
    simulated = f"--xla_force_host_platform_device_count={devices}"
    environment = {**os.environ, "XLA_FLAGS": simulated}
    arguments = started.command(name, *flags)[2:]
    with tempfile.TemporaryDirectory() as folder:
        printed = [pathlib.Path(folder) / part for part in ("stdout", "stderr")]
        process = started.SERVER.Process(
            target=_become,
            args=(arguments, environment, os.getcwd(), printed, fault, memory),
        )
        process.start()
        process.join(300)
        if process.exitcode is None:
            process.kill()
            raise TimeoutError(arguments)
        return process.exitcode, "".join(path.read_text() for path in printed)


def _become(arguments, environment, folder, printed, fault, memory):
    import jax

    from rclicks_jax.networks import batches, passes

    two_convolutions.register()
    jax.default_backend = lambda: "gpu"
    if memory:
        batches.memory = lambda device: memory
    kind, first = fault
    begin, begun = passes.Passes.start, []

    def start(self, *arguments):
        begun.append(None)
        if kind and len(begun) >= first:
            raise jax.errors.JaxRuntimeError(MESSAGES[kind])
        return begin(self, *arguments)

    passes.Passes.start = start
    started.become(arguments, environment, folder, printed)
