"""rclicks-data: packages datasets, and says what is wrong with them.

rclicks-data prepare GrabCut:datasets/GrabCut
rclicks-data doctor datasets/GrabCut

--max_side=2048 packages or examines large photographs at the size of a run with
--config.max_side=2048.
"""

from collections.abc import Sequence

from absl import flags
from rclicks_jax.launch import commands

from rclicks_jax import errors

_ALLOWED = "prepare DATA, with DATA as --data takes it, or doctor DIR"
_CLICK_DISTANCE = flags.DEFINE_float(
    "max_click_distance",
    1.0,
    "doctor counts clicks farther than this from their region, in click radii.",
)

_MAX_SIDE = flags.DEFINE_integer(
    "max_side", 0, "Limit on the longest side of photographs, pixels; 0 for none."
)


def main(arguments: Sequence[str]) -> int:
    """Does what the first argument says; returns the exit status."""
    if len(arguments) != 2 or arguments[0] not in ("prepare", "doctor"):
        raise errors.BadValueError("Arguments", " ".join(arguments) or "none", _ALLOWED)
    action, target = arguments
    return _prepare(target) if action == "prepare" else _examine(target)


def _prepare(data: str) -> int:
    """Packages datasets; returns the exit status."""
    # What it needs takes time to import, which --help does without; so below.
    from rclicks_jax.data import specs

    parsed = specs.parse(data, _MAX_SIDE.value)
    # JAX takes seconds to import, which wrong names are refused without.
    from rclicks_jax.data import packages

    for spec in parsed:
        for line in packages.prepare_all(spec):
            print(errors.printable(line))
    return 0


def _examine(target: str) -> int:
    """Prints what the doctor says of a folder; returns the exit status."""
    from rclicks_jax.data import doctor

    diagnosis = doctor.examine(target, _CLICK_DISTANCE.value, _MAX_SIDE.value)
    print(errors.printable(diagnosis.text()))
    return 0 if diagnosis.healthy else 1


def run() -> None:
    """Entry point of the command."""
    commands.run(main, __doc__ or "")


if __name__ == "__main__":
    run()
