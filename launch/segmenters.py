"""rclicks-segmenters: what can be benchmarked, and what each needs.

rclicks-segmenters list
rclicks-segmenters show sam
rclicks-segmenters env sam --wheels=cpu
rclicks-segmenters check sam:checkpoint=sam_vit_b_01ec64.pth:checkout=segment-anything
"""

from collections.abc import Sequence

from absl import flags
from rclicks_jax.launch import commands

from rclicks_jax import errors, registry

_ALLOWED = "list, show NAME, env NAME, or check SPEC, with SPEC as --segmenter takes it"
_WHEELS = flags.DEFINE_string(
    "wheels",
    "default",
    "env: where PyTorch comes from: default (pip's index), cpu, cu126, cu128, or the "
    "address of an index.",
)
_PYTHON = flags.DEFINE_string("python", "", "env: interpreter to make it with.")
_DIR = flags.DEFINE_string("dir", "", "env: its folder, instead of one in the cache.")
_PIN = flags.DEFINE_list(
    "pin", [], "env: more requirements, such as torch==2.13.0, with commas between."
)
_DRY_RUN = flags.DEFINE_boolean("dry_run", False, "env: only print the commands.")
_SEED = flags.DEFINE_integer("seed", 0, "check: seed of the synthetic photographs.")
_LARGE = flags.DEFINE_boolean("large", False, "check: also one of 1500x2000.")
_PROTOCOL = flags.DEFINE_string(
    "protocol", "paper", "check: whose switches the segmenter is told: paper or strict."
)
# The argument of each action that a flag sets, by the action.
_FLAGS = {
    "env": {
        "wheels": _WHEELS,
        "python": _PYTHON,
        "folder": _DIR,
        "pins": _PIN,
        "dry_run": _DRY_RUN,
    },
    "check": {"seed": _SEED, "large": _LARGE, "protocol": _PROTOCOL},
}


def main(arguments: Sequence[str]) -> int:
    """Does what the first argument says."""
    action, *names = arguments or [""]
    if action not in registry.SEGMENTER_ACTIONS or len(names) != (action != "list"):
        raise errors.BadValueError("Arguments", " ".join(arguments) or "none", _ALLOWED)
    for other, holders in _FLAGS.items():
        given = [f"--{each.name}" for each in holders.values() if each.present]
        if given and other != action:
            own = [f"--{each.name}" for each in _FLAGS.get(action, {}).values()]
            raise errors.BadValueError(
                f"Flags of {action}",
                f"{', '.join(given)}, which `{other}` takes",
                ", ".join(own) or "none",
            )
    settings = {key: one.value for key, one in _FLAGS.get(action, {}).items()}
    act = registry.find("action", registry.SEGMENTER_ACTIONS, action)
    return act(*names, **settings)


def run() -> None:
    """Entry point of the command."""
    commands.run(main, __doc__ or "")


if __name__ == "__main__":
    run()
