"""What runs differ in beside what is compared, which their numbers depend on.

Numbers of two runs stand side by side as those of two segmenters (or click models) only
if all else is equal: every setting that is part of a run's hash, and which images were
taken. What differs is refused with both values; where it is allowed by name, it becomes
part of each run's label and of the table's head, and nothing is ranked across it.
"""

import dataclasses
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from rclicks_jax import errors
from rclicks_jax.settings import protocols
from rclicks_jax.settings.benchmark import BenchmarkConfig
from rclicks_jax.settings.evaluation import EvaluateConfig

# What is compared, and settings that are no difference between numbers.
_NO_DIFFERENCE = {
    "segmenter", "click_models", "instances_per_batch", "click_model_batch",
    "click_model_precision", "precision", "pictures", "processes", "shard",
    "max_failed",
}  # fmt: skip
# What `--allow` takes, whichever of them a run has: all other settings.
SETTINGS = tuple(
    dict.fromkeys(
        field.name
        for job in (BenchmarkConfig, EvaluateConfig)
        for field in dataclasses.fields(job)
        if field.name not in _NO_DIFFERENCE
    )
)
_STRATEGIES, _CLICK_MODEL, _DATA = "strategies", "click_model", "data"
_NAMED = {"protocol.stop_at": "stop_at"}
# Settings that change which objects there are, or how large, and are in no hash.
_CONFIGURED = ("max_images", "max_side")
# Settings of which 0 is no number.
_MEANING_OF_0 = {
    "max_images": "all",
    "max_side": "no limit",
    "protocol.stop_at": "all clicks",
}
# What of a machine and its releases can change last bits.
_MEANS = ("versions", "backend", "devices", "cores", "batches")
_LONGEST = 60

Settings = dict[str, Any]


class Difference(NamedTuple):
    """What runs differ in.

    Attributes:
        setting: What `--allow` calls it.
        key: Where `run.json` has it.
        values: As text, by run.
    """

    setting: str
    key: str
    values: tuple[str, ...]


class Checked(NamedTuple):
    """What runs that may be set side by side differ in.

    Attributes:
        labels: What tables call each run: its label and its side of what differs.
        sides: That side alone, by run; runs of equal sides may be ranked.
        head: What differs, for the head of a table; empty if nothing does.
        note: The same with all values, in a sentence.
    """

    labels: tuple[str, ...]
    sides: tuple[str, ...]
    head: str
    note: str


def settings_of(
    identity: Mapping[str, Any],
    provenance: Mapping[str, Any],
    compared: Collection[str],
) -> Settings:
    """Returns all that a run's numbers depend on, by key, but what is compared.

    Args:
        identity: What the run recorded as its identity.
        provenance: What it noted beside.
        compared: Entries of `identity` that may differ.
    """
    taken = {key: value for key, value in identity.items() if key not in compared}
    # A switch that an older run did not have was what it is by default.
    defaults = {
        field.name: field.default
        for field in dataclasses.fields(protocols.Protocol)
        if field.default is not dataclasses.MISSING
    }
    taken["protocol"] = {**defaults, **taken.get("protocol", {})}
    configured = provenance.get("config", {})
    images = {key: configured[key] for key in _CONFIGURED if key in configured}
    return images | dict(_flat(taken, ""))


def means_note(names: Sequence[str], provenance: Sequence[Mapping[str, Any]]) -> str:
    """Says by which other means runs were made; empty if by the same.

    Releases, devices and batches are in no hash. They change last bits of click maps,
    and with them a share of the clicks.

    Args:
        names: What tells the runs apart.
        provenance: What each noted; what one did not note is not compared.
    """
    every = [
        dict(_flat({key: each[key] for key in _MEANS if key in each}, ""))
        for each in provenance
    ]
    found = [
        one for one in differences(every) if all(one.key in each for each in every)
    ]
    if not found:
        return ""
    told = "; ".join(_sentence(one, names) for one in found)
    return (
        f"Made by different means: {told}. "
        "Last bits of click maps, and with them some clicks, can differ for that alone."
    )


def _flat(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    # A click model is one thing, though it is recorded in several entries.
    if isinstance(value, Mapping) and value and name != _CLICK_MODEL:
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}" if name else str(key))
    else:
        yield name, value


def click_model_title(described: Mapping[str, Any]) -> str:
    """Returns what tables call a recorded click model: all that tells it from others.

    Args:
        described: What a run recorded of it; empty if it had none.
    """
    if not described:
        return "none"
    rest = {key: value for key, value in described.items() if key != "name"}
    name = str(described.get("name", ""))
    if "checksum" in rest:
        parts = [name, str(rest.get("variant", "")), str(rest["checksum"])[:8]]
        return " ".join(filter(None, [*parts, str(rest.get("precision", ""))]))
    inside = ", ".join(f"{key} {_short(value)}" for key, value in sorted(rest.items()))
    return f"{name} ({inside})" if inside else name


def differences(
    runs: Sequence[Settings], partial: Collection[str] = ()
) -> list[Difference]:
    """Returns what runs differ in, in order of keys.

    Args:
        runs: What each depends on.
        partial: Settings of which a run may lack an entry that others have.
    """
    found = []
    for key in sorted(set().union(*runs)):
        setting = _setting_of(key)
        values = [run.get(key) for run in runs]
        known = [run[key] for run in runs if key in run]
        distinct = {_exact(each) for each in (known if setting in partial else values)}
        if len(distinct) > 1 and not all(_is_implied(run, key) for run in runs):
            said = tuple(_said(key, value) for value in values)
            if len(set(said)) < len({_exact(value) for value in values}):
                said = tuple(map(_exact, values))
            found.append(Difference(setting, key, said))
    return found


def _is_implied(run: Settings, key: str) -> bool:
    """Tells whether a switch is what the name of the protocol says."""
    part, _, switch = key.partition(".")
    named = protocols.PROTOCOLS.get(str(run.get("protocol.name")))
    if part != "protocol" or switch == "name" or named is None:
        return False
    return run.get(key) == getattr(named, switch, None)


def _setting_of(key: str) -> str:
    first, _, rest = key.partition(".")
    return _NAMED.get(key, rest if first == _STRATEGIES else first)


def _said(key: str, value: Any) -> str:
    if key == _CLICK_MODEL:
        return click_model_title(value or {})
    if key.startswith(f"{_DATA}."):
        return str(value)[:12] if value else "not there"
    if value == 0 and key in _MEANING_OF_0:
        return f"0 ({_MEANING_OF_0[key]})"
    return _short(value)


def _short(value: Any) -> str:
    if value is None:
        return "not recorded"
    if isinstance(value, list | tuple):
        return ",".join(map(str, value)) or "none"
    text = value if isinstance(value, str) else _exact(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _exact(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def check(
    names: Sequence[str], found: Sequence[Difference], allowed: Collection[str]
) -> Checked:
    """Makes sure that runs differ only in what may differ.

    Args:
        names: What tells the runs apart.
        found: What they differ in.
        allowed: Settings that may differ; each is then named.

    Raises:
        RunFolderError: They differ in something else.
        UnknownNameError: There is no such setting.
    """
    known = {*SETTINGS, *(one.setting for one in found)}
    for name in allowed:
        if name not in known:
            raise errors.UnknownNameError("setting in --allow", name, sorted(known))
    refused = [one for one in found if one.setting not in allowed]
    if refused:
        settings = ",".join(dict.fromkeys(one.setting for one in found))
        raise errors.RunFolderError(
            "Runs cannot be compared, they differ in more than what is compared: "
            f"{'; '.join(_sentence(one, names) for one in refused)}. Make them with "
            f"the same settings. Or --allow={settings} sets them side by side with "
            "these differences named, and ranks nothing across them."
        )
    sides = tuple(
        ", ".join(f"{one.key.partition('.')[2] or one.key} {one.values[i]}"
                  for one in found)
        for i in range(len(names))
    )  # fmt: skip
    labels = tuple(
        f"{name} ({side})" if side else name
        for name, side in zip(names, sides, strict=True)
    )
    if not found:
        return Checked(labels, sides, "", "")
    head = "runs differ in " + ", ".join(dict.fromkeys(one.setting for one in found))
    told = "; ".join(_sentence(one, names) for one in found)
    note = (
        f"The {head}: {told}. Nothing is ranked or told apart across these differences."
    )
    return Checked(labels, sides, head, note)


def _sentence(one: Difference, names: Sequence[str]) -> str:
    """Says which runs have which value: `seed is 0 in a, b and 1 in c`."""
    by_value: dict[str, list[str]] = {}
    for name, value in zip(names, one.values, strict=True):
        by_value.setdefault(value, []).append(name)
    told = [f"{value} in {', '.join(of)}" for value, of in by_value.items()]
    return f"{one.key} is {' and '.join(told)}"
