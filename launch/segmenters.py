"""rclicks-segmenters: the segmenters that come with the package.

rclicks-segmenters list
"""

from collections.abc import Sequence

from rclicks_jax.launch import commands

from rclicks_jax import catalogue, errors


def main(arguments: Sequence[str]) -> None:
    """Lists the catalogue."""
    if list(arguments) != ["list"]:
        raise errors.BadValueError("Arguments", " ".join(arguments) or "none", "list")
    for name, summary in catalogue.describe(catalogue.SEGMENTERS).items():
        print(f"{name:15}{summary}")


def run() -> None:
    """Entry point of the command."""
    commands.run(main, __doc__ or "")


if __name__ == "__main__":
    run()
