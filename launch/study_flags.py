"""`rclicks-collect`: flags of its actions."""

from collections.abc import Mapping
from typing import Any

from absl import flags

from rclicks_jax import errors

# Flags by name.
Defined = Mapping[str, flags.FlagHolder[Any]]
# Flags of each action that has any.
OF_ACTIONS = {
    "init": ("data", "set"),
    "status": ("code",),
    "export": ("out", "mode", "surplus", "tolerance"),
    "forget": ("all", "erase"),
    "invite": ("address",),
    "masks": ("segmenter", "distortions", "clicks"),
    "plan": ("effect", "tasks", "simulations", "seed"),
}


def define() -> Defined:
    """Defines the flags of the command, and returns them by name.

    They have names that other commands use as well, so this module must not define them
    when it is imported.
    """
    holders = (
        flags.DEFINE_string(
            "data",
            "",
            "init: photographs and objects: NAME:DIR, folder:DIR, coco:JSON,DIR.",
        ),
        flags.DEFINE_multi_string(
            "set",
            [],
            "init: a setting of study.toml, as table.name=value; several times.",
        ),
        flags.DEFINE_string("out", None, "export: folder to write."),
        flags.DEFINE_string(
            "mode",
            "",
            "export: display mode of clicks.csv; by default the first of the study.",
        ),
        flags.DEFINE_boolean(
            "surplus",
            False,
            "export: also accepted clicks beyond those that were wanted.",
        ),
        flags.DEFINE_float(
            "tolerance", None, "export: judges again with so many click radii."
        ),
        flags.DEFINE_boolean("all", False, "forget: all names."),
        flags.DEFINE_boolean("erase", False, "forget: what these people did, too."),
        flags.DEFINE_string("code", "", "status: says whether a code is of the study."),
        flags.DEFINE_string("address", None, "invite: address of the study's page."),
        flags.DEFINE_string(
            "segmenter",
            "",
            "masks: segmenter that answers first clicks, as a benchmark has it.",
        ),
        flags.DEFINE_list(
            "distortions",
            [],
            "masks: dilated, neighbour, shifted or part_lost, with commas.",
        ),
        flags.DEFINE_enum(
            "clicks",
            "study",
            ["study", "middle"],
            "masks: the study's accepted first clicks, or the middle of each object.",
        ),
        flags.DEFINE_string(
            "effect",
            "shift:0.05",
            "plan: difference to be found: shift:SHARE of the object's box, "
            "spread:FACTOR, or pilot for that of the clicks so far.",
        ),
        flags.DEFINE_integer(
            "tasks", 100, "plan: click tasks; those of the study if 0."
        ),
        flags.DEFINE_integer("simulations", 40, "plan: simulated studies."),
        flags.DEFINE_integer("seed", 0, "plan: seed of the simulated studies."),
    )
    return {holder.name: holder for holder in holders}


def refuse_unused(defined: Defined, action: str) -> None:
    """Refuses flags of other actions: what a user asks for is not left out."""
    for other, names in OF_ACTIONS.items():
        given = [f"--{name}" for name in names if defined[name].present]
        if given and other != action:
            own = [f"--{name}" for name in OF_ACTIONS.get(action, ())]
            raise errors.BadValueError(
                f"Flags of {action}",
                f"{', '.join(given)}, which `{other}` takes",
                ", ".join(own) or "none",
            )


def needed(defined: Defined, name: str, allowed: str) -> Any:
    """Returns the value of a flag that an action needs.

    Args:
        defined: What `define` returned.
        name: The flag.
        allowed: What it may be, in words.

    Raises:
        BadValueError: It was not given.
    """
    if defined[name].value in (None, ""):
        raise errors.BadValueError(f"--{name}", "nothing", allowed)
    return defined[name].value
