"""`rclicks-collect`: flags of its actions."""

from collections.abc import Mapping
from typing import Any

from absl import flags

from rclicks_jax import errors

# Flags by name.
Defined = Mapping[str, flags.FlagHolder[Any]]
# Flags of each action that has any.
OF_ACTIONS = {
    "demo": ("host", "port", "admin_port", "log_requests", "click_models"),
    "init": ("data", "set"),
    "serve": ("host", "port", "admin_port", "log_requests", "behind_proxy", "new_wave"),
    "status": ("code",),
    "export": ("out", "mode", "surplus", "tolerance", "bots", "val_share"),
    "forget": ("all", "erase"),
    "invite": ("address",),
    "masks": ("segmenter", "distortions", "clicks"),
    "plan": ("effect", "click_models", "tasks", "simulations", "seed"),
    "report": ("out", "click_models", "tasks"),
    "simulate": ("out", "url", "set"),
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
            "init: a setting of study.toml, as table.name=value; simulate: one of the "
            "bots, as name=value; several times.",
        ),
        flags.DEFINE_string(
            "out",
            None,
            "export: folder to write; report: the same, `report` in the study if not "
            "given; simulate: copy of the study for bots, STUDY-bots if not given.",
        ),
        flags.DEFINE_string(
            "url",
            "",
            "simulate: address of a server of a study for bots; by default one is "
            "started.",
        ),
        flags.DEFINE_boolean("bots", False, "export: clicks of bots."),
        flags.DEFINE_list(
            "click_models",
            ["UD", "DT"],
            "report, demo: click models that are compared with the clicks: UD, DT, "
            "model folders; plan: one or two that people are assumed to click like; "
            "by default none.",
        ),
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
        flags.DEFINE_float(
            "val_share",
            0.0,
            "export: share of the photographs in val.txt, as a training needs it; the "
            "others are in train.txt. 0 writes neither.",
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
            "",
            "plan: difference to be found: shift:SHARE of the object's box, "
            "spread:FACTOR, pilot for that of the clicks so far, or models for that of "
            "two click models; by default models if two are given, else shift:0.05.",
        ),
        flags.DEFINE_integer(
            "tasks",
            100,
            "plan: click tasks, those of the study if 0; report: tasks of a display "
            "mode on which click models are compared, those with most clicks, all if "
            "0.",
        ),
        flags.DEFINE_integer("simulations", 40, "plan: simulated studies."),
        flags.DEFINE_integer("seed", 0, "plan: seed of the simulated studies."),
        flags.DEFINE_string("host", "127.0.0.1", "serve, demo: address to listen on."),
        flags.DEFINE_integer("port", 8000, "serve, demo: port for participants."),
        flags.DEFINE_integer(
            "admin_port",
            0,
            "serve, demo: port of the owner's pages on 127.0.0.1; 0 for the next one.",
        ),
        flags.DEFINE_boolean(
            "log_requests", False, "serve, demo: a line for each request, without ids."
        ),
        flags.DEFINE_boolean(
            "behind_proxy", False, "serve: a proxy with TLS stands in front."
        ),
        flags.DEFINE_boolean(
            "new_wave", False, "serve: begins a new wave if the study has changed."
        ),
    )
    return {holder.name: holder for holder in holders}


def refuse_unused(defined: Defined, action: str) -> None:
    """Refuses flags of other actions: what a user asks for is not left out."""
    own = [f"--{name}" for name in OF_ACTIONS.get(action, ())]
    for other, names in OF_ACTIONS.items():
        present = [f"--{name}" for name in names if defined[name].present]
        given = [name for name in present if name not in own]
        if given:
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
