"""Commands of the documentation: what each line runs, and whether it could be run."""

import ast
import contextlib
import dataclasses
import io
import itertools
import os
import re
import shlex
import tomllib

from doc_pages import ROOT

PREFIX = "rclicks-"
_PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# What a page leaves out.
ELIDED = "..."
# What is not ours, and is not checked.
FOREIGN = {"cd", "export", "git", "wget"}


def programs():
    """Returns the names of our commands."""
    return list(_PROJECT["scripts"])


def lines_of(block):
    """Yields commands, each with what it prints as a `console` block shows it."""
    code = block.code.replace("\\\n", " ")
    if block.language != "console":
        for line in code.splitlines():
            yield line, None
        return
    for session in re.split(r"^\$ ", code, flags=re.MULTILINE)[1:]:
        line, _, printed = session.partition("\n")
        yield line, printed


def commands_of(block):
    """Yields the words of each command, without comments, and what it prints."""
    for line, printed in lines_of(block):
        words = shlex.split(line, comments=True)
        for is_separator, group in itertools.groupby(words, lambda word: word == "&&"):
            if not is_separator:
                yield list(group), printed


def problem_of(words):
    """Returns what is wrong with a command that is not ours; empty if all is well."""
    program, *arguments = words
    if program == "make":
        rules = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        return ", ".join(set(arguments) - set(rules))
    if program == "pip":
        wanted = re.findall(r"\[(.*?)\]", " ".join(arguments))
        extras = {extra for each in wanted for extra in each.split(",")}
        return ", ".join(extras - set(_PROJECT["optional-dependencies"]))
    if program == "python":
        return "" if (ROOT / arguments[0]).is_file() else f"no file {arguments[0]}"
    if (ROOT / program).is_file():
        known = re.findall(r"\w+", (ROOT / program).read_text())
        return "" if arguments[0] in known else f"{program} knows no {arguments[0]}"
    return "" if program in FOREIGN else f"unknown program {program}"


def own(words):
    """Returns the part of a command that is one of ours, which others may start."""
    starts = [i for i, word in enumerate(words) if word in programs()]
    return words[starts[0] :] if starts else []


def examples_of_help():
    """Yields the words of each command that `--help` shows, and the file it is in."""
    for path in sorted(ROOT.glob("launch/*.py")):
        text = ast.get_docstring(ast.parse(path.read_text())) or ""
        if text.startswith(PREFIX):
            # A line that begins with a flag goes on with the one before.
            text = re.sub(r"\s*\\?\n +(?=--)", " ", text)
            for line in text.splitlines()[1:]:
                command, _, _ = line.strip().partition("  ")
                if command.startswith(PREFIX):
                    yield [word.strip("[]") for word in command.split()], path


def problems_of(program, several):
    """Checks commands of one program without doing what they say.

    Flags, settings, variants, values, and names of data, segmenters and click models
    and of their options must be known. Files need not be there. It is to be called in
    a process of its own, since all flags are defined in one place.

    Args:
        program: Its name, `rclicks-...`.
        several: A folder and arguments for each command.

    Returns:
        What is wrong with each, empty where nothing is; and the names of all flags.
    """
    import importlib

    from rclicks_jax.launch import commands, usage

    given = {}
    commands.run = lambda main, text, **options: given.update(options, main=main)
    name = program.removeprefix(PREFIX).replace("-", "_")
    module = importlib.import_module(f"rclicks_jax.launch.{name}")
    module.run()
    # A server waits for people.
    actions = getattr(module, "_ACTIONS", {})
    actions |= dict.fromkeys(actions.keys() & {"demo", "serve"}, lambda *names: 0)
    told = []
    for folder, arguments in several:
        os.chdir(folder)
        told.append(_problem(program, module, given, arguments))
    return told, [flag.name for flag in usage._own_flags()]


def _problem(program, module, given, arguments):
    from absl import flags
    from absl.testing import flagsaver
    from rclicks_jax.launch import usage

    from rclicks_jax import errors

    missing = (errors.DataError, errors.RunFolderError, errors.SegmenterError)
    filled = [word for word in arguments if not word.endswith(ELIDED)]
    # What is left out may be the only flag that must be there.
    is_given = any(word.startswith("--workdir") for word in filled)
    if ELIDED in arguments and "workdir" in flags.FLAGS and not is_given:
        filled.append("--workdir=elided")
    if "env" in filled:
        filled.append("--dry_run")
    with flagsaver.flagsaver():
        flags.FLAGS.unparse_flags()
        try:
            _, *rest = usage.parse([program, *filled])
            _check(module, given, rest)
        except missing:
            # What is not on this machine.
            return ""
        except errors.RClicksError as error:
            return str(error)
    return ""


def _check(module, given, rest):
    from absl import flags
    from rclicks_jax.launch import config_file

    if given.get("settings") is None:
        if rest:
            with contextlib.redirect_stdout(io.StringIO()):
                given["main"](rest)
        return
    assert not rest, rest
    holders = [
        each
        for each in vars(module).values()
        if isinstance(each, config_file.ConfigFlag)
    ]
    settings = dict(holders[0].value) if holders else {}
    names = [field.name for field in dataclasses.fields(given["settings"])]
    short = {
        name: flags.FLAGS[name].value
        for name in names
        if name in flags.FLAGS and flags.FLAGS[name].present
    }
    _check_names(module.from_config_dict(given["settings"], {**settings, **short}))


def _check_names(config):
    """Checks what settings name, as jobs do before they work."""
    from rclicks_jax import errors
    from rclicks_jax.clicks import click_models
    from rclicks_jax.data import specs as data_specs
    from rclicks_jax.segmenters import specs as segmenter_specs

    def check(function, spec):
        if "://" not in spec:
            with contextlib.suppress(errors.DataError, errors.SegmenterError):
                function(spec)

    check(data_specs.parse, config.data)
    if segmenter := getattr(config, "segmenter", ""):
        check(segmenter_specs.check, segmenter)
    models = getattr(config, "click_models", ())
    for name in ("click_model", "model"):
        models = (*models, getattr(config, name, ""))
    for model in filter(None, models):
        check(click_models.check, model)
