"""Checks the specs of segmenters as far as possible without loading a segmenter."""

import ast
import pathlib
import re
from collections.abc import Iterable, Mapping

from rclicks_jax import errors, files, registry
from rclicks_jax.segmenters import environments, methods

_FUNCTIONS = ("load", "encode", "predict")
_FORMS = (
    "Your own is FILE.py, or bridge:adapter=FILE.py:python=INTERPRETER in another "
    "environment."
)
# Suffixes of files with weights; a value without one may name a model of a hub.
_WEIGHTS = (".pth", ".pt", ".pkl", ".ckpt", ".bin", ".safetensors", ".yaml", ".yml")


def check(spec: str) -> None:
    """Checks all of a segmenter that can be checked before it is loaded.

    Names and options must be known, and files must exist. Adapters must be Python with
    the three functions. Interpreters must exist.

    Args:
        spec: `name:key=value:...`, as `load.load` takes it.

    Raises:
        UnknownNameError: There is no such segmenter, or it has no such option.
        BadValueError: An option is missing or has a value that is not allowed.
        SegmenterError: A file or an environment is missing.
    """
    name, options = parse(spec)
    if name == "bridge":
        _check_bridge(options)
    elif name.endswith(".py"):
        check_file(pathlib.Path(name))
    elif name in methods.catalogue().methods:
        _check_method(methods.find(name), options)
    elif name in registry.NATIVE_SEGMENTERS:
        registry.find("segmenter", registry.NATIVE_SEGMENTERS, name).load(options)
    elif name in registry.SEGMENTERS:
        _check_native(name, options)
    else:
        raise unknown(name)


def parse(spec: str) -> tuple[str, dict[str, str]]:
    """Splits a spec into the name and its options, for a segmenter of any kind.

    Raises:
        BadValueError: It is not a spec, or has an option `protocol`. With that option,
            the protocol of the segmenter would differ from the one that a run records.
    """
    name, options = registry.parse_spec(spec)
    if "protocol" in options:
        raise errors.BadValueError(
            f"Option protocol of {name}",
            repr(options["protocol"]),
            "no such option: a segmenter gets the protocol of the run, which "
            "--config.protocol sets. An adapter of your own gets the switches as "
            "load(options, protocol)",
        )
    return name, options


def check_all(specs: Iterable[str]) -> None:
    """Checks several segmenters; see `check`.

    Raises:
        BadValueError: `specs` is empty.
        RClicksError: Some of them cannot be loaded; the message lists each.
    """
    wrong, several = [], list(specs)
    if not several:
        raise errors.BadValueError("Segmenters", "none", "one or more")
    for spec in several:
        try:
            check(spec)
        except errors.RClicksError as error:
            if len(several) == 1:
                raise
            wrong.append(f"{spec}: {error}")
    if wrong:
        count = f"{len(wrong)} of {len(several)} segmenters"
        raise errors.SegmenterError("\n".join([f"{count} cannot be loaded.", *wrong]))


def unknown(name: str) -> errors.UnknownNameError:
    """Returns the error for a segmenter that does not exist, with a similar name."""
    of_process = (*registry.SEGMENTERS, *registry.NATIVE_SEGMENTERS)
    known = sorted((*of_process, *methods.catalogue().methods))
    return errors.UnknownNameError("segmenter", name, known, _FORMS)


def check_file(path: pathlib.Path) -> None:
    """Checks that an adapter's file is Python and has the three functions.

    Raises:
        SegmenterError: It does not exist, is not Python, or lacks a function.
    """
    if not path.is_file():
        what = "is not a Python file" if path.exists() else "does not exist"
        raise errors.SegmenterError(f"{path} {what}.{_near(path)}")
    try:
        text = path.read_bytes()
    except OSError as error:
        raise errors.SegmenterError(files.explain(error)) from error
    try:
        tree = ast.parse(text, str(path))
    except (SyntaxError, ValueError) as error:
        line = f" (line {error.lineno})" if isinstance(error, SyntaxError) else ""
        raise errors.SegmenterError(f"{path} is not Python{line}: {error}.") from error
    # A function may be defined in any way, but its name must occur in the text, unless
    # the file imports all names of another module.
    words = set(re.findall(rb"\w+", text))
    stars = any(
        isinstance(node, ast.ImportFrom) and node.names[0].name == "*"
        for node in ast.walk(tree)
    )
    lacking = [each for each in _FUNCTIONS if each.encode() not in words]
    if lacking and not stars and b"saliency" not in words:
        raise errors.SegmenterError(
            f"{path} lacks {', '.join(lacking)}: an adapter has load(options), "
            "encode(model, image) and predict(model, features, clicks, state)."
        )


def _check_native(name: str, options: Mapping[str, str]) -> None:
    # Imported here because NumPy takes time to import; lists of names do not need it.
    from rclicks_jax.bridge import adapter
    from rclicks_jax.bridge.switches import PAPER

    functions = registry.find("segmenter", registry.SEGMENTERS, name)
    adapter.load_model(functions.load, options, PAPER)


def _check_bridge(options: Mapping[str, str]) -> None:
    # Imported here because workers need NumPy; lists and unknown names do not.
    from rclicks_jax.bridge import client
    from rclicks_jax.segmenters import bridged

    rest = dict(options)
    bridged.split_environments(rest)
    adapter = options.get("adapter", "")
    known = {method.adapter for method in methods.catalogue().methods.values()}
    if adapter.endswith(".py"):
        check_file(pathlib.Path(adapter))
    elif adapter and adapter not in known:
        more = "The name of a file of your own must end in .py."
        raise errors.UnknownNameError("adapter", adapter, known, more)
    client.check(rest)


def _check_method(method: methods.Method, options: Mapping[str, str]) -> None:
    from rclicks_jax.bridge import client
    from rclicks_jax.segmenters import bridged

    methods.check_options(method, options)
    rest = dict(options)
    bridged.split_environments(rest)
    python = interpreter(method, rest)
    client.check({**rest, "adapter": method.adapter, "python": python})
    for name, value in options.items():
        option = method.options.get(name)
        if option is None or not option.path or pathlib.Path(value).exists():
            continue
        if value.startswith(("/", ".", "~")) or value.endswith(_WEIGHTS):
            check_weights(name, method.name, method.name, value)


def check_weights(option: str, segmenter: str, method: str, value: str) -> None:
    """Checks that a file that an option names is there.

    Args:
        option: Name of the option.
        segmenter: Name of the segmenter that has it.
        method: Method whose page says where such files come from.
        value: The path.

    Raises:
        SegmenterError: It is not there.
    """
    path = pathlib.Path(value).expanduser()
    if not path.exists():
        raise errors.SegmenterError(
            f"Option {option} of {segmenter}: there is no {value}.{_near(path)} "
            f"`rclicks-segmenters show {method}` says where it comes from."
        )


def interpreter(method: methods.Method, options: Mapping[str, str]) -> str:
    """Returns the interpreter of a method's worker.

    Raises:
        SegmenterError: The options name none, and the environment was not made.
    """
    python = options.get("python") or environments.find(method.environment)
    if python is None:
        raise errors.SegmenterError(
            f"{method.name} runs in an environment of its own, which is not in "
            f"{environments.default_folder(method.environment)}: make it by "
            f"`rclicks-segmenters env {method.name}`, or give python=INTERPRETER of "
            "another environment with the same packages."
        )
    return str(python)


def _near(path: pathlib.Path) -> str:
    """Returns a sentence with a file of a similar name; empty if there is none."""
    try:
        there = [each.name for each in path.parent.iterdir()]
    except OSError:
        return f" There is no folder {path.parent}." if path.parent.name else ""
    return errors.meant(path.name, there, path.parent.joinpath)
