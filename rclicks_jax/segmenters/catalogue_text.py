"""Texts about segmenters: a list, a page for each, and a table for the docs."""

import dataclasses
import textwrap
import typing
from collections.abc import Iterator, Mapping
from typing import Any

from rclicks_jax import registry
from rclicks_jax.segmenters import environments, methods, specs
from rclicks_jax.segmenters.methods import Checkpoint, Method, Option
from rclicks_jax.settings import docs

_WIDTH = 88


def listing() -> str:
    """Returns the list of all segmenters, with a line for each."""
    own = registry.describe(registry.SEGMENTERS)
    native = registry.describe(registry.NATIVE_SEGMENTERS)
    known = methods.catalogue().methods.values()
    names = (*own, *native, *(method.name for method in known))
    width = max(map(len, names)) + 2
    lines = ["Segmenters that run in this process:"]
    lines += [f"  {name:{width}}{summary}" for name, summary in own.items()]
    lines += ["", "The paper's segmenters in JAX, in this process, on all its devices:"]
    lines += [f"  {name:{width}}{summary}" for name, summary in native.items()]
    lines += ["", "In workers with PyTorch: licence, number of checkpoints, summary"]
    lines += [
        f"  {m.name:{width}}{m.license:14}{len(m.checkpoints):<4}{m.summary}"
        for m in known
    ]
    lines += [
        "",
        "`rclicks-segmenters show NAME` prints repository, checkpoints and their",
        "source, environment, options, protocol, published numbers. `env NAME` makes",
        "the environment.",
    ]
    own_forms = "FILE.py, or bridge:adapter=FILE.py:python=INTERPRETER"
    lines += ["", f"A segmenter of your own: {own_forms}."]
    return "\n".join(lines)


def page(name: str) -> str:
    """Returns the page of a segmenter: all facts of the catalogue.

    Raises:
        UnknownNameError: There is no such segmenter.
    """
    known = methods.catalogue().methods
    if name in known:
        return "\n".join(_page(known[name]))
    tables = (registry.SEGMENTERS, registry.NATIVE_SEGMENTERS)
    table = next((each for each in tables if name in each), None)
    if table is None:
        raise specs.unknown(name)
    return "\n".join(_own_page(table, name))


def table() -> str:
    """Returns the table of methods in Markdown, for docs/segmenters.md."""
    lines = ["| name | what | repository | licence | environment | checkpoints |"]
    lines += ["| --- | --- | --- | --- | --- | --- |"]
    for method in methods.catalogue().methods.values():
        owner_and_name = method.repository.removeprefix("https://github.com/")
        licence = f"{method.license} ({method.caution})" if method.caution else ""
        cells = (
            f"`{method.name}`",
            method.summary.rstrip("."),
            f"[{owner_and_name}]({method.repository})",
            licence or method.license,
            f"`{method.environment.name}`",
            ", ".join(f"`{_shown(each)}`" for each in method.checkpoints),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _own_page(table: Mapping[str, str], name: str) -> Iterator[str]:
    """Yields the lines of a segmenter that runs in this process."""
    yield f"{name}: {registry.describe({name: table[name]})[name]}"
    adapter = registry.load_object(table[name])
    described = _settings(adapter)
    if described:
        yield from ("", "Options")
        yield from _facts(described)
    first = next(iter(described), "")
    example = getattr(adapter, "EXAMPLE", "")
    method = getattr(adapter, "METHOD", "")
    if method:
        page = f"rclicks-segmenters show {method}"
        yield from ("", "Checkpoints", f"  {page} says where they come from.")
    yield from ("", "A benchmark", _example(example or name))
    if first and not example:
        value = described[first].partition("; default: ")[2]
        yield from ("", f"Options come after colons: {name}:{first}={value}.")


def _settings(adapter: Any) -> dict[str, str]:
    """Describes the settings of an adapter: meaning and default, by name.

    `load` of the adapter returns them, a dataclass whose docstring explains each.
    """
    settings = typing.get_type_hints(adapter.load).get("return")
    if not isinstance(settings, type) or not dataclasses.is_dataclass(settings):
        return {}
    return {
        each.name: each.text.rstrip(".")
        + (f"; default: {each.default}" if each.default else "")
        for each in docs.describe(settings)
    }


def _shown(checkpoint: Checkpoint) -> str:
    """Returns a checkpoint's file name; the variant if all files have the same name."""
    if checkpoint.file == "last_checkpoint.pth":
        return checkpoint.variant
    return checkpoint.file


def _page(method: Method) -> Iterator[str]:
    yield f"{method.name}: {method.summary}"
    yield ""
    licence = (
        f"{method.license}, {method.caution}" if method.caution else method.license
    )
    interpreter = environments.find(method.environment)
    place = interpreter or f"not made: run rclicks-segmenters env {method.name}"
    facts = {
        "repository": method.repository,
        "tested at": method.version,
        "licence": licence,
        "environment": f"{method.environment.name} ({place})",
    }
    yield from _facts(facts)
    yield from ("", "Checkpoints")
    for checkpoint in method.checkpoints:
        yield from _checkpoint(checkpoint)
    published = {
        source: meaning
        for source, meaning in methods.catalogue().published.items()
        if any(getattr(each, source) for each in method.checkpoints)
    }
    if published:
        yield from ("", "Published numbers")
        yield from _facts(published)
    yield from ("", "How it is driven")
    obeyed = ", ".join(method.switches) or "none"
    switches = f"switches of the run's protocol that it obeys: {obeyed}"
    yield from _facts({**method.protocol, "switches": switches})
    yield from ("", "Options")
    yield from _facts(_options(method.options))
    yield from ("", "Options of every worker")
    yield from _facts(_options(methods.catalogue().worker_options))
    yield from ("", "A benchmark", _example(_spec(method)))


def _checkpoint(checkpoint: Checkpoint) -> Iterator[str]:
    size = f", {checkpoint.size}" if checkpoint.size else ""
    yield f"  {checkpoint.file} ({checkpoint.variant}{size})"
    yield f"    {checkpoint.source}"
    if checkpoint.note:
        yield f"    {checkpoint.note}"
    if checkpoint.authors:
        numbers = ", ".join(f"{k} {v:.2f}" for k, v in checkpoint.authors.items())
        yield from _wrapped(f"authors: {numbers}")
    if checkpoint.rclicks:
        numbers = "; ".join(
            f"{k} {mean:.2f} ± {std:.2f}, +{base:.2f} %, +{groups:.2f} %"
            for k, (mean, std, base, groups) in checkpoint.rclicks.items()
        )
        yield from _wrapped(f"rclicks: {numbers}")


def _options(options: Mapping[str, Option]) -> dict[str, str]:
    described = {}
    for option in options.values():
        words = [option.meaning]
        if option.choices:
            words.append(f"one of {', '.join(option.choices)}")
        if option.needed:
            words.append("needed")
        if option.default:
            words.append(f"default: {option.default}")
        described[option.name] = "; ".join(words)
    return described


def _spec(method: Method) -> str:
    """Returns a spec of a method with its first checkpoint, for the example."""
    first = method.checkpoints[0]
    values = {"checkpoint": first.file}
    if method.needs_checkout:
        values["checkout"] = method.repository.rpartition("/")[2]
    variant = method.options.get("variant")
    if variant and variant.default not in ("auto", first.variant):
        values["variant"] = first.variant
    return ":".join([method.name, *(f"{k}={v}" for k, v in values.items())])


def _example(spec: str) -> str:
    return (
        f"  rclicks-benchmark --segmenter={spec} \\\n"
        "      --data=sample --click_model=DT --workdir=runs/mine\n"
        "  For numbers about people, give your own --data. As --click_model, give the\n"
        "  folder that rclicks-convert makes of published weights (docs/weights.md)."
    )


def _facts(facts: Mapping[str, str]) -> Iterator[str]:
    width = max(map(len, facts)) + 4
    for name, value in facts.items():
        yield from textwrap.wrap(
            value,
            _WIDTH,
            initial_indent=f"  {name:{width - 2}}",
            subsequent_indent=" " * width,
            break_long_words=False,
            break_on_hyphens=False,
        )


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent="    ", subsequent_indent="      "
    )
