"""What people type, in a process of its own."""

from started import forked


def command(name, *arguments, status=0):
    """Runs a command with arguments; returns what it printed."""
    ended = forked(name, *arguments)
    assert ended.returncode == status, ended.stderr[-2000:]
    return ended.stdout + ended.stderr
