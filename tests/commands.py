"""What people type, in a process of its own."""

import subprocess
import sys


def command(name, *arguments, status=0):
    """Runs a command with arguments; returns what it printed."""
    code = f"from rclicks_jax.launch import {name}; {name}.run()"
    ended = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True
    )
    assert ended.returncode == status, ended.stderr[-2000:]
    return ended.stdout + ended.stderr
