"""rclicks-collect: asks people where they click, on your photographs.

rclicks-collect demo
rclicks-collect init --data=folder:PHOTOS STUDY
rclicks-collect check STUDY
rclicks-collect serve --port=8000 STUDY
rclicks-collect status STUDY
rclicks-collect masks --segmenter=random_walker STUDY
rclicks-collect plan STUDY
rclicks-collect simulate --set=bots=20 STUDY
rclicks-collect report STUDY
rclicks-collect invite --address=https://study.example.org STUDY 50
rclicks-collect export --out=CLICKS STUDY
rclicks-collect forget STUDY NAME

init makes a study of photographs and masks. Its settings are in STUDY/study.toml; --set
gives some of them, as in --set='display.modes=["Object_CutOut", "Silhouette_Mask"]'.
demo opens a study on the sample photographs, for a look; serve opens one for people:
on this machine alone, or with --behind_proxy behind a proxy with TLS (docs/collect.md).
masks adds tasks of later rounds. plan says how many clicks and people are needed.
simulate lets bots take part in a copy of a study, and says whether what they planted is
found. report makes a page with progress, reasons, seconds, and where people clicked, at
any moment. A command may be stopped; the same command goes on.
"""

import pathlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from rclicks_jax.launch import commands, study_flags

from rclicks_jax import errors

if TYPE_CHECKING:
    from rclicks_jax.collection.web import server

_ALLOWED = (
    "demo, init STUDY, serve STUDY, status STUDY, export STUDY, forget STUDY NAME..., "
    "check STUDY, invite STUDY NUMBER, masks STUDY, plan STUDY, simulate STUDY, report "
    "STUDY"
)
_FLAGS = study_flags.define()


def main(arguments: Sequence[str]) -> int:
    """Does what the first argument says; returns the exit status."""
    action, *names = arguments or [""]
    if action not in _ACTIONS or not (names or action == "demo"):
        raise errors.BadValueError(
            "Arguments",
            " ".join(arguments) or "none",
            _ALLOWED,
            errors.meant(action, _ACTIONS),
        )
    if len(names) > 1 and action not in ("forget", "invite"):
        raise errors.BadValueError("Arguments", " ".join(arguments), _ALLOWED)
    study_flags.refuse_unused(_FLAGS, action)
    from rclicks_jax.collection import extras

    extras.require(server=action in ("serve", "demo", "simulate"))
    return _ACTIONS[action](*names)


def _init(study: str) -> int:
    # What the actions import takes time, which --help does without.
    from rclicks_jax.collection import actions

    return actions.init(study, _FLAGS["data"].value, _FLAGS["set"].value)


def _serve(study: str) -> int:
    from rclicks_jax.collection.web import server

    name = server.serve(pathlib.Path(study), _options())
    print(f"Closed by {name}; the same command opens it again.")
    return 0


def _demo(folder: str = "") -> int:
    from rclicks_jax.collection import demo

    return demo.run(folder, _options(), _FLAGS["click_models"].value, _toy)


def _toy() -> str:
    """Returns the folder of the demo's network; empty if it is not at hand."""
    from rclicks_jax.training import toy_model

    return toy_model.if_trained()


def _report(study: str) -> int:
    from rclicks_jax.collection import actions

    out, models, most = _values("out", "click_models", "tasks").values()
    return actions.write_report(study, out or "", models, most_tasks=most)


def _options() -> "server.Options":
    """Returns how a study is served, by the flags."""
    from rclicks_jax.collection.web import server

    return server.Options(**_values(*study_flags.OF_ACTIONS["serve"]))


def _values(*names: str) -> dict[str, Any]:
    return {name: _FLAGS[name].value for name in names}


def _status(study: str) -> int:
    from rclicks_jax.collection import actions

    return actions.show_status(study, _FLAGS["code"].value)


def _export(study: str) -> int:
    from rclicks_jax.collection import actions

    return actions.run_export(
        study,
        study_flags.needed(_FLAGS, "out", "a folder"),
        **_values("mode", "surplus", "tolerance", "bots", "val_share"),
    )


def _forget(study: str, *names: str) -> int:
    from rclicks_jax.collection import actions

    return actions.forget(
        study, names, everyone=_FLAGS["all"].value, erase=_FLAGS["erase"].value
    )


def _check(study: str) -> int:
    from rclicks_jax.collection import actions

    return actions.run_checks(study)


def _invite(study: str, *count: str) -> int:
    from rclicks_jax.collection import actions

    if len(count) != 1 or not count[0].isdecimal():
        raise errors.BadValueError("Arguments", " ".join(count) or "none", _ALLOWED)
    return actions.invite(
        study, int(count[0]), study_flags.needed(_FLAGS, "address", "https://HOST")
    )


def _masks(study: str) -> int:
    from rclicks_jax.collection import masks

    segmenter, distorted, clicks = _values(
        "segmenter", "distortions", "clicks"
    ).values()
    return masks.run(study, segmenter, tuple(distorted), clicks=clicks)


def _plan(study: str) -> int:
    from rclicks_jax.collection.results import plan

    named = _FLAGS["click_models"]
    return plan.run(
        study,
        click_models=named.value if named.present else (),
        **_values("effect", "tasks", "simulations", "seed"),
    )


def _simulate(study: str) -> int:
    from rclicks_jax.collection import simulate

    out, url, settings = _values("out", "url", "set").values()
    return simulate.run(study, out or "", url, settings)


_ACTIONS: dict[str, Callable[..., int]] = {
    "demo": _demo,
    "init": _init,
    "serve": _serve,
    "status": _status,
    "export": _export,
    "forget": _forget,
    "check": _check,
    "invite": _invite,
    "masks": _masks,
    "plan": _plan,
    "simulate": _simulate,
    "report": _report,
}


def run() -> None:
    """Entry point of the command."""
    commands.run(main, __doc__ or "")


if __name__ == "__main__":
    run()
