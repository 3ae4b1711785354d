"""rclicks-segmenters: what can be benchmarked, and what each needs.

rclicks-segmenters list
rclicks-segmenters show sam
rclicks-segmenters env sam --wheels=cpu
rclicks-segmenters check sam:checkpoint=sam_vit_b_01ec64.pth:checkout=segment-anything
"""

from collections.abc import Callable, Sequence
from typing import Any

from absl import flags
from rclicks_jax.launch import commands

from rclicks_jax import errors

_ALLOWED = "list, show NAME, env NAME, or check SPEC, with SPEC as --segmenter takes it"
_WHEELS = flags.DEFINE_string(
    "wheels",
    "default",
    "env: where PyTorch comes from: default (pip's index), cpu, cu126, cu128, or the "
    "address of an index.",
)
_PYTHON = flags.DEFINE_string(
    "python", "", "env: interpreter that makes the environment."
)
_DIR = flags.DEFINE_string(
    "dir", "", "env: folder of the environment, instead of one in the cache."
)
_PIN = flags.DEFINE_list(
    "pin", [], "env: more requirements, such as torch==2.13.0, with commas between."
)
_DRY_RUN = flags.DEFINE_boolean("dry_run", False, "env: only print the commands.")
_SEED = flags.DEFINE_integer("seed", 0, "check: seed of the synthetic photographs.")
_LARGE = flags.DEFINE_boolean(
    "large", False, "check: also a photograph of 1500x2000 pixels."
)
_PROTOCOL = flags.DEFINE_string(
    "protocol", "paper", "check: whose switches the segmenter is told: paper or strict."
)


def main(arguments: Sequence[str]) -> int:
    """Does what the first argument says; returns the exit status."""
    action, *names = arguments or [""]
    if action not in _ACTIONS or len(names) != (action != "list"):
        raise errors.BadValueError("Arguments", " ".join(arguments) or "none", _ALLOWED)
    _refuse_unused(action)
    return _ACTIONS[action](*names)


def _refuse_unused(action: str) -> None:
    """Refuses flags of other actions: what a user asks for is not left out."""
    for other, holders in _FLAGS.items():
        given = [f"--{holder.name}" for holder in holders if holder.present]
        if given and other != action:
            own = [f"--{holder.name}" for holder in _FLAGS.get(action, ())]
            raise errors.BadValueError(
                f"Flags of {action}",
                f"{', '.join(given)}, which `{other}` takes",
                ", ".join(own) or "none",
            )


def _list() -> int:
    # What the actions import takes time, which --help does without.
    from rclicks_jax.segmenters import actions

    return actions.show_list()


def _show(name: str) -> int:
    from rclicks_jax.segmenters import actions

    return actions.show(name)


def _env(name: str) -> int:
    from rclicks_jax.segmenters import actions

    return actions.make_environment(
        name,
        wheels=_WHEELS.value,
        python=_PYTHON.value,
        folder=_DIR.value,
        pins=tuple(_PIN.value),
        dry_run=_DRY_RUN.value,
    )


def _check(spec: str) -> int:
    from rclicks_jax.segmenters import actions

    return actions.check(
        spec, seed=_SEED.value, large=_LARGE.value, protocol=_PROTOCOL.value
    )


_ACTIONS: dict[str, Callable[..., int]] = {
    "list": _list,
    "show": _show,
    "env": _env,
    "check": _check,
}
# Flags of each action that has any.
_FLAGS: dict[str, Sequence[flags.FlagHolder[Any]]] = {
    "env": (_WHEELS, _PYTHON, _DIR, _PIN, _DRY_RUN),
    "check": (_SEED, _LARGE, _PROTOCOL),
}


def run() -> None:
    """Entry point of the command."""
    commands.run(main, __doc__ or "")


if __name__ == "__main__":
    run()
