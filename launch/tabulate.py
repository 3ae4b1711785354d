"""rclicks-tabulate: tables and report of run folders, made again from their records.

rclicks-tabulate runs/mine [runs/other ...]
"""

from collections.abc import Sequence

from rclicks_jax.launch import commands

from rclicks_jax import errors
from rclicks_jax.results import formats, publish
from rclicks_jax.runs import store


def main(arguments: Sequence[str]) -> None:
    """Publishes each run folder and prints its summary."""
    if not arguments:
        raise errors.BadValueError("Arguments", "none", "one or more run folders")
    for path in arguments:
        folder = store.RunFolder(path)
        summary, *_ = publish.publish(folder)
        print(f"{path}: {summary.title}\n\n{formats.to_text(formats.turned(summary))}")
        print(f"Report: {folder.path / 'report.html'}\n")


def run() -> None:
    """Entry point of the command."""
    commands.run(main, __doc__ or "")


if __name__ == "__main__":
    run()
