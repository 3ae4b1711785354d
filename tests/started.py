"""Commands as users start them, one process or two, for several tests."""

import os
import socket
import subprocess
import sys


def command(name, *flags):
    return [sys.executable, "-m", f"rclicks_jax.launch.{name}", *map(str, flags)]


def run(name, *flags, **environment):
    return subprocess.run(
        command(name, *flags),
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "XLA_FLAGS": "", **environment},
    )


def run_together(cache, *flags):
    """Runs a command as two processes that know of each other."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "XLA_FLAGS": "", "RCLICKS_CACHE": cache}
    place = [f"--coordinator=localhost:{port}", "--process_count=2"]
    processes = [
        subprocess.Popen(
            command(*flags, *place, f"--process_id={number}"),
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for number in range(2)
    ]
    outputs = [process.communicate(timeout=200)[0].decode() for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    assert "Report:" in outputs[0]
    assert "Report:" not in outputs[1]
