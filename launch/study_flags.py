"""`rclicks-collect`: flags of its actions."""

from collections.abc import Sequence
from typing import Any

from absl import flags

from rclicks_jax import errors

DATA = flags.DEFINE_string(
    "data", "", "init: photographs and objects: NAME:DIR, folder:DIR, coco:JSON,DIR."
)
SET = flags.DEFINE_multi_string(
    "set", [], "init: a setting of study.toml, as table.name=value; several times."
)
OUT = flags.DEFINE_string("out", None, "export: folder to write.")
MODE = flags.DEFINE_string(
    "mode", "", "export: display mode of clicks.csv; by default the first of the study."
)
SURPLUS = flags.DEFINE_boolean(
    "surplus", False, "export: also accepted clicks beyond those that were wanted."
)
TOLERANCE = flags.DEFINE_float(
    "tolerance", None, "export: judges again with so many click radii."
)
ALL = flags.DEFINE_boolean("all", False, "forget: all names.")
ERASE = flags.DEFINE_boolean("erase", False, "forget: what these people did, too.")
CODE = flags.DEFINE_string("code", "", "status: says whether a code is of the study.")
ADDRESS = flags.DEFINE_string("address", None, "invite: address of the study's page.")
SEGMENTER = flags.DEFINE_string(
    "segmenter",
    "",
    "masks: segmenter that answers first clicks, as a benchmark has it.",
)
DISTORTIONS = flags.DEFINE_list(
    "distortions", [], "masks: dilated, neighbour, shifted or part_lost, with commas."
)
CLICKS = flags.DEFINE_enum(
    "clicks",
    "study",
    ["study", "middle"],
    "masks: the study's accepted first clicks, or the middle of each object.",
)
EFFECT = flags.DEFINE_string(
    "effect",
    "shift:0.05",
    "plan: difference to be found: shift:SHARE of the object's box, spread:FACTOR, or "
    "pilot for that of the clicks so far.",
)
TASKS = flags.DEFINE_integer(
    "tasks", 100, "plan: click tasks; those of the study if 0."
)
SIMULATIONS = flags.DEFINE_integer("simulations", 40, "plan: simulated studies.")
SEED = flags.DEFINE_integer("seed", 0, "plan: seed of the simulated studies.")
HOST = flags.DEFINE_string("host", "127.0.0.1", "serve, demo: address to listen on.")
PORT = flags.DEFINE_integer("port", 8000, "serve, demo: port for participants.")
ADMIN_PORT = flags.DEFINE_integer(
    "admin_port",
    0,
    "serve, demo: port of the owner's pages on 127.0.0.1; 0 for the one after --port.",
)
BEHIND_PROXY = flags.DEFINE_boolean(
    "behind_proxy", False, "serve: a proxy with TLS stands in front."
)
NEW_WAVE = flags.DEFINE_boolean(
    "new_wave",
    False,
    "serve: what participants see has changed, and a new wave may begin.",
)
LOG_REQUESTS = flags.DEFINE_boolean(
    "log_requests", False, "serve, demo: a line for each request, without addresses."
)
# Flags of each action that has any.
OF_ACTIONS: dict[str, Sequence[flags.FlagHolder[Any]]] = {
    "demo": (HOST, PORT, ADMIN_PORT, LOG_REQUESTS),
    "init": (DATA, SET),
    "serve": (HOST, PORT, ADMIN_PORT, BEHIND_PROXY, NEW_WAVE, LOG_REQUESTS),
    "status": (CODE,),
    "export": (OUT, MODE, SURPLUS, TOLERANCE),
    "forget": (ALL, ERASE),
    "invite": (ADDRESS,),
    "masks": (SEGMENTER, DISTORTIONS, CLICKS),
    "plan": (EFFECT, TASKS, SIMULATIONS, SEED),
}


def refuse_unused(action: str) -> None:
    """Refuses flags of other actions: what a user asks for is not left out."""
    own = [f"--{holder.name}" for holder in OF_ACTIONS.get(action, ())]
    for other, holders in OF_ACTIONS.items():
        names = [f"--{holder.name}" for holder in holders if holder.present]
        given = [name for name in names if name not in own]
        if given:
            raise errors.BadValueError(
                f"Flags of {action}",
                f"{', '.join(given)}, which `{other}` takes",
                ", ".join(own) or "none",
            )


def needed(holder: flags.FlagHolder[Any], allowed: str) -> Any:
    """Returns the value of a flag that an action needs.

    Args:
        holder: The flag.
        allowed: What it may be, in words.

    Raises:
        BadValueError: It was not given.
    """
    if holder.value in (None, ""):
        raise errors.BadValueError(f"--{holder.name}", "nothing", allowed)
    return holder.value
