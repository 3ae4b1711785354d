"""What `--click_model` means: `NAME[:key=value...]`, or a model folder.

UD or DT; SI or SM with a saliency model; a model folder, which is CM; or `toy`, the
folder of a small network that is trained on first use. Nothing here loads a model, so
that a wrong name is refused before JAX is imported, which takes seconds.
"""

import os
import pathlib
from collections.abc import Mapping, Sequence

from rclicks_jax import errors, registry

FUNCTIONS = ("UD", "DT")
SALIENCY = ("SI", "SM")
# Saliency models that need no worker.
CLASSICAL = ("spectral_residual",)
DEFAULT_ADAPTER = "transalnet"
_NAMES = (*FUNCTIONS, *SALIENCY, "toy")
_SALIENCY_FORMS = (
    "{0}:checkout=DIR:checkpoint=FILE:python=INTERPRETER for TranSalNet, "
    "{0}:adapter=FILE:python=INTERPRETER for another saliency model, or "
    "{0}:source=spectral_residual, which needs neither"
)


def parse(spec: str) -> tuple[str, dict[str, str]]:
    """Splits a spec into name and options, and makes sure that there is such a model.

    Raises:
        UnknownNameError: There is no such click model.
        DataError: There is no such model folder.
        BadValueError: Nothing was named, or an option is not allowed.
    """
    if not spec:
        raise errors.BadValueError(
            "Click model",
            "none",
            "a model folder (--click_model=DIR, or --model=DIR of rclicks-click-maps), "
            "which rclicks-convert makes of the published weights (docs/weights.md); "
            "UD or DT; SI or SM with a saliency model (docs/saliency.md); or toy, a "
            "small network trained on the sample dataset",
        )
    name, options = _split(spec)
    known = name in (*FUNCTIONS, *SALIENCY, *registry.CLICK_MODELS)
    if not known and not is_there(spec):
        if "/" in spec or "\\" in spec:
            raise errors.DataError(
                f"There is no model folder {spec}. rclicks-train and rclicks-convert "
                "make one."
            )
        more = "Or a model folder; there is none of this name."
        raise errors.UnknownNameError("click model", spec, _NAMES, more)
    return name, options


def check(spec: str) -> None:
    """Makes sure of all that can be known of a click model before it is loaded.

    Args:
        spec: What the user named; `toy` is always there.

    Raises:
        UnknownNameError: There is no such click model, model folder or saliency source.
        DataError: It is a folder of something else.
        BadValueError: Nothing was named, or an option is not allowed.
        SegmenterError: A file or an interpreter of a saliency model is missing.
    """
    if spec in registry.CLICK_MODELS:
        return
    name, options = parse(spec)
    if name in SALIENCY:
        _check_saliency(name, options)
    elif name not in FUNCTIONS:
        from rclicks_jax.networks import cards

        cards.load_card(spec)


def title(spec: str, depth: int = 1) -> str:
    """Returns what tables call a click model; folders are told apart by their names.

    Args:
        spec: What the user named.
        depth: How many folders of its path name a network.

    Raises:
        BadValueError: An option is not allowed.
        UnknownNameError: There is no such saliency source.
    """
    name, options = _split(spec)
    if name in FUNCTIONS:
        return name
    if name in SALIENCY:
        return _saliency_title(name, options)
    parts = [part for part in spec.rstrip("/").split("/") if part != "model"]
    return " ".join(["CM", "/".join(parts[-depth:])]).rstrip()


def titles(specs: Sequence[str]) -> dict[str, str]:
    """Returns click models by title; folders with equal names get more of their path.

    Raises:
        BadValueError: One comes twice, or two cannot be told apart.
        UnknownNameError: There is no such saliency source.
    """
    for depth in range(1, 8):
        named = {title(spec, depth): spec for spec in specs}
        if len(named) == len(specs):
            return named
    raise errors.BadValueError(
        "Click models", ", ".join(specs), "different names for each"
    )


def is_there(folder: str) -> bool:
    """Tells whether a folder exists, on a disk or in a bucket."""
    if "://" not in folder:
        return os.path.exists(folder)
    from etils import epath

    return epath.Path(folder).exists()


def classical_source(name: str, options: Mapping[str, str]) -> str | None:
    """Returns the saliency model that needs no worker, if one is named.

    Args:
        name: `SI` or `SM`.
        options: The options of the spec.

    Raises:
        BadValueError: There are no options, or some that exclude each other.
        UnknownNameError: There is no such source.
    """
    if not options:
        raise errors.BadValueError(
            f"Click model {name}", "no saliency model", _SALIENCY_FORMS.format(name)
        )
    source = options.get("source")
    if source is None:
        return None
    if source not in CLASSICAL:
        raise errors.UnknownNameError("saliency source", source, CLASSICAL)
    others = ", ".join(key for key in options if key != "source")
    if others:
        raise errors.BadValueError(
            f"Click model {name}:source={source}", f"options {others} too", "none"
        )
    return source


def with_adapter(options: Mapping[str, str]) -> dict[str, str]:
    """Returns options of a saliency model; the adapter is TranSalNet's if none is."""
    default = {} if options.get("command") else {"adapter": DEFAULT_ADAPTER}
    return {**default, **options}


def _split(spec: str) -> tuple[str, dict[str, str]]:
    """Splits a spec into name and options; a folder's name may have colons."""
    if spec.partition(":")[0] not in (*FUNCTIONS, *SALIENCY):
        return spec, {}
    name, options = registry.parse_spec(spec)
    if name in FUNCTIONS and options:
        raise errors.BadValueError(
            f"Click model {name}", f"options {', '.join(options)}", "none"
        )
    return name, options


def _check_saliency(name: str, options: Mapping[str, str]) -> None:
    """Makes sure of what can be known before a worker is started."""
    if classical_source(name, options) is None:
        from rclicks_jax.bridge import client

        client.check(with_adapter(options))


def _saliency_title(name: str, options: Mapping[str, str]) -> str:
    """Returns what tables call the model: the paper's name is TranSalNet's alone."""
    source = classical_source(name, options)
    if source is None:
        given = with_adapter(options)
        code = given.get("adapter") or given["command"].split()[0]
        if code == DEFAULT_ADAPTER:
            return name
        source = pathlib.PurePath(code).stem
    return f"{name} ({source.replace('_', ' ')})"
