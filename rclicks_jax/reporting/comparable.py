"""Differences between runs in settings on which their numbers depend.

Two segmenters (or click models) are compared only if all else is equal: every setting
in the hash of a run, and the images. A difference is refused, and the message has both
values. If the user allows it by name, it becomes part of each run's label and of the
table's title, and runs that differ in it are not ranked.
"""

import dataclasses
import json
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple, cast

from rclicks_jax import errors
from rclicks_jax.settings import protocols
from rclicks_jax.settings.benchmark import BenchmarkConfig
from rclicks_jax.settings.evaluation import EvaluateConfig
from rclicks_jax.types import JsonObject, is_json_object, json_part

# What is compared, and settings that do not change what a number means.
_NO_DIFFERENCE = {
    "segmenter", "click_models", "objects_in_flight", "instances_per_batch",
    "click_model_batch", "devices", "host_processes", "click_model_precision",
    "precision", "pictures", "processes", "shard", "max_failed",
}  # fmt: skip
# Settings that `--allow` accepts, all others; a run need not have all of them. How
# clicks are drawn is no setting of a job, but differs between releases.
SETTINGS = (
    *dict.fromkeys(
        field.name
        for job in (BenchmarkConfig, EvaluateConfig)
        for field in dataclasses.fields(job)
        if field.name not in _NO_DIFFERENCE
    ),
    "click_draws",
)
_STRATEGIES, _CLICK_MODEL, _DATA = "strategies", "click_model", "data"
_NAMED = {"protocol.stop_at": "stop_at"}
# Settings that change the objects or their size, but are in no hash.
_CONFIGURED = ("max_images", "max_side")
# Settings where 0 has a special meaning.
_MEANING_OF_0 = {
    "max_images": "all",
    "max_side": "no limit",
    "protocol.stop_at": "all clicks",
}
# Entries of provenance that can change the last bits of numbers.
_MEANS = ("versions", "backend", "devices", "cores", "batches")
_LONGEST = 60

Settings = dict[str, object]


class Difference(NamedTuple):
    """A setting in which runs differ.

    Attributes:
        setting: Name of the setting for `--allow`.
        key: Dotted key in `run.json`.
        values: The value of each run, as text.
    """

    setting: str
    key: str
    values: tuple[str, ...]


class Comparison(NamedTuple):
    """Labels for runs that may be compared although they differ in allowed settings.

    Attributes:
        labels: Label of each run in tables, with its values of these settings.
        sides: These values alone, for each run; runs with equal values may be ranked.
        head: The settings, for the title of a table; empty if nothing differs.
        note: The settings with all values, as a sentence.
    """

    labels: tuple[str, ...]
    sides: tuple[str, ...]
    head: str
    note: str


def settings_of(
    identity: JsonObject,
    provenance: JsonObject,
    compared: Collection[str],
) -> Settings:
    """Returns all settings on which the numbers of a run depend, by dotted key.

    Args:
        identity: Identity of the run, JSON values.
        provenance: Provenance of the run, JSON values.
        compared: Entries of `identity` that are compared and are left out.
    """
    kept = {key: value for key, value in identity.items() if key not in compared}
    # A switch that an older run does not have had its default.
    defaults = {
        field.name: field.default
        for field in dataclasses.fields(protocols.Protocol)
        if field.default is not dataclasses.MISSING
    }
    kept["protocol"] = {**defaults, **json_part(identity, "protocol")}
    configured = json_part(provenance, "config")
    images = {key: configured[key] for key in _CONFIGURED if key in configured}
    return images | dict(_flat(kept, ""))


def means_note(names: Sequence[str], provenance: Sequence[JsonObject]) -> str:
    """Returns a note on different machines, versions or batches; empty if all agree.

    These are in no hash. They change last bits of click maps, and thereby a share of
    the clicks.

    Args:
        names: A distinct name for each run.
        provenance: Provenance of each run. An entry that a run lacks is not compared.
    """
    entries = [
        dict(_flat({key: values[key] for key in _MEANS if key in values}, ""))
        for values in provenance
    ]
    known = [
        difference
        for difference in differences(entries)
        if all(difference.key in run for run in entries)
    ]
    if not known:
        return ""
    listed = "; ".join(_sentence(difference, names) for difference in known)
    return (
        f"The runs were made by different means: {listed}. "
        "This alone can change last bits of click maps, and thereby some clicks."
    )


def _flat(value: object, name: str) -> Iterator[tuple[str, object]]:
    # A click model is compared as a whole, although it has several entries.
    if is_json_object(value) and value and name != _CLICK_MODEL:
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}" if name else key)
    else:
        yield name, value


def click_model_title(described: JsonObject) -> str:
    """Returns the name of a click model in tables, with all that identifies it.

    Args:
        described: Its description in a run; empty if the run had no click model.
    """
    if not described:
        return "none"
    values = {key: value for key, value in described.items() if key != "name"}
    name = str(described.get("name", ""))
    if "checksum" in values:
        parts = [name, str(values.get("variant", "")), str(values["checksum"])[:8]]
        return " ".join(filter(None, [*parts, str(values.get("precision", ""))]))
    listed = ", ".join(
        f"{key} {_short(value)}" for key, value in sorted(values.items())
    )
    return f"{name} ({listed})" if listed else name


def differences(
    runs: Sequence[Settings], partial: Collection[str] = ()
) -> list[Difference]:
    """Returns the settings in which runs differ, in order of keys.

    Args:
        runs: The settings of each run.
        partial: Settings of which a run may lack entries that others have.
    """
    differing: list[Difference] = []
    for key in sorted(set[str]().union(*runs)):
        setting = _setting_of(key)
        values = [run.get(key) for run in runs]
        known = [run[key] for run in runs if key in run]
        distinct = {
            _exact(value) for value in (known if setting in partial else values)
        }
        if len(distinct) > 1 and not all(_is_implied(run, key) for run in runs):
            texts = tuple(_value_text(key, value) for value in values)
            if len(set(texts)) < len({_exact(value) for value in values}):
                texts = tuple(map(_exact, values))
            differing.append(Difference(setting, key, texts))
    return differing


def _is_implied(run: Settings, key: str) -> bool:
    """Tells whether a switch has the value that the name of its protocol implies."""
    part, _, switch = key.partition(".")
    named = protocols.PROTOCOLS.get(str(run.get("protocol.name")))
    if part != "protocol" or switch == "name" or named is None:
        return False
    return run.get(key) == getattr(named, switch, None)


def _setting_of(key: str) -> str:
    first, _, rest = key.partition(".")
    return _NAMED.get(key, rest if first == _STRATEGIES else first)


def _value_text(key: str, value: object) -> str:
    if key == _CLICK_MODEL:
        return click_model_title(value if is_json_object(value) else {})
    if key.startswith(f"{_DATA}."):
        return str(value)[:12] if value else "not there"
    if value == 0 and key in _MEANING_OF_0:
        return f"0 ({_MEANING_OF_0[key]})"
    return _short(value)


def _short(value: object) -> str:
    if value is None:
        return "not recorded"
    if isinstance(value, list | tuple):
        return ",".join(map(str, cast(Sequence[object], value))) or "none"
    text = value if isinstance(value, str) else _exact(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _exact(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def check(
    names: Sequence[str], differing: Sequence[Difference], allowed: Collection[str]
) -> Comparison:
    """Checks that runs differ only in allowed settings.

    Args:
        names: A distinct name for each run.
        differing: The settings in which they differ.
        allowed: Names of settings that may differ.

    Raises:
        RunFolderError: They differ in another setting.
        UnknownNameError: `allowed` has an unknown setting.
    """
    known = {*SETTINGS, *(difference.setting for difference in differing)}
    for name in allowed:
        if name not in known:
            raise errors.UnknownNameError("setting in --allow", name, sorted(known))
    refused = [
        difference for difference in differing if difference.setting not in allowed
    ]
    if refused:
        settings = ",".join(
            dict.fromkeys(difference.setting for difference in differing)
        )
        listed = "; ".join(_sentence(difference, names) for difference in refused)
        raise errors.RunFolderError(
            "Runs cannot be compared, because they differ in other settings: "
            f"{listed}. Make them with the same settings. "
            f"Or allow the differences: with --allow={settings} tables name them, and "
            "runs that differ in them are not ranked."
        )
    keys = [item.key.partition(".")[2] or item.key for item in differing]
    sides = tuple(
        ", ".join(
            f"{key} {item.values[i]}" for key, item in zip(keys, differing, strict=True)
        )
        for i in range(len(names))
    )
    labels = tuple(
        f"{name} ({side})" if side else name
        for name, side in zip(names, sides, strict=True)
    )
    if not differing:
        return Comparison(labels, sides, "", "")
    head = "runs differ in " + ", ".join(
        dict.fromkeys(difference.setting for difference in differing)
    )
    listed = "; ".join(_sentence(difference, names) for difference in differing)
    note = (
        f"The {head}: {listed}. "
        "Runs that differ in these settings are not ranked or told apart."
    )
    return Comparison(labels, sides, head, note)


def _sentence(difference: Difference, names: Sequence[str]) -> str:
    """Returns a text such as `seed is 0 in a, b and 1 in c`."""
    by_value: dict[str, list[str]] = {}
    for name, value in zip(names, difference.values, strict=True):
        by_value.setdefault(value, []).append(name)
    parts = [f"{value} in {', '.join(runs)}" for value, runs in by_value.items()]
    return f"{difference.key} is {' and '.join(parts)}"
