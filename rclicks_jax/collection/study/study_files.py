"""The settings of a study: its folder, `study.toml`, and the hash of its protocol."""

import dataclasses
import hashlib
import inspect
import json
import os
import pathlib
import typing
from collections.abc import Mapping
from typing import Any

from rclicks_jax import errors, files
from rclicks_jax.collection.study import languages, platforms, tokens
from rclicks_jax.settings import dicts, docs
from rclicks_jax.settings.collection import CollectionConfig

SETTINGS = "study.toml"
SECRET = "secret"
DATABASE = "study.db"
ASSETS = "assets"
PRIVATE = "private"
# Settings that no participant sees; they may change during a study. The others make up
# its protocol.
_UNSEEN = {
    "study": {"data", "platforms"},
    "assignment": {"clicks", "devices", "lease_s", "seed"},
    "judgement": None,
    "live": {"seats", "timeout_s"},
    "limits": None,
}
# Settings of later releases: with these values, participants see what they saw before.
_AS_BEFORE = {("live", "first_clicks"): 0.0}


@dataclasses.dataclass(frozen=True)
class Study:
    """A study as its files describe it.

    Attributes:
        folder: Its folder.
        config: Its settings.
        languages: Its languages, by code; the first is the usual one.
        platforms: Its platforms, by name.
        secret: Its secret.
    """

    folder: pathlib.Path
    config: CollectionConfig
    languages: Mapping[str, languages.Language]
    platforms: Mapping[str, platforms.Platform]
    secret: bytes = dataclasses.field(repr=False)

    @property
    def database(self) -> pathlib.Path:
        """The file of the database."""
        return self.folder / DATABASE

    def asset(self, asset_id: str) -> pathlib.Path:
        """The file of a picture for browsers."""
        return self.folder / ASSETS / f"{asset_id}.webp"

    def private(self, kind: str, name: str) -> pathlib.Path:
        """A file that is never served: of `photographs`, `masks`, `regions`, ...."""
        return self.folder / PRIVATE / kind / name


def create(folder: pathlib.Path, config: CollectionConfig) -> Study:
    """Makes the files of a new study, or opens those that are there.

    Args:
        folder: The study.
        config: Settings of a new study.

    Raises:
        DataError: The folder has other files.
    """
    if not (folder / SETTINGS).exists():
        if folder.exists() and any(folder.iterdir()):
            raise errors.DataError(
                f"{folder} has other files than a study's: choose a new folder."
            )
        files.write_output(folder / SETTINGS, to_toml(config))
    secret = folder / SECRET
    if not secret.exists():
        descriptor = os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as file:
            file.write(tokens.new_secret())
    for name in (ASSETS, PRIVATE):
        (folder / name).mkdir(exist_ok=True)
    return read(folder)


def read(folder: pathlib.Path) -> Study:
    """Opens the files of a study.

    Raises:
        DataError: The folder is no study.
        BadValueError: A setting is unknown or wrong.
    """
    path = folder / SETTINGS
    if not path.exists():
        raise errors.DataError(
            f"{folder} is no study: it has no {SETTINGS}. rclicks-collect init makes "
            "one."
        )
    config = read_settings(path)
    try:
        secret = (folder / SECRET).read_bytes()
    except OSError as error:
        raise errors.DataError(
            f"{folder / SECRET} cannot be read: {errors.reason(error)}. Without the "
            "study's secret no session can go on."
        ) from error
    if len(secret) != tokens.SECRET_BYTES:
        raise errors.DataError(f"{folder / SECRET} was changed.")
    return Study(
        folder,
        config,
        languages.load(folder, config.study.languages),
        platforms.load(folder, config.study.platforms),
        secret,
    )


def read_settings(path: pathlib.Path) -> CollectionConfig:
    """Reads `study.toml`; what is left out has its default.

    Raises:
        BadValueError: A table or setting is unknown, with the nearest name; or a value
            is wrong.
        DataError: The file is no TOML.
    """
    return from_tables(platforms.parse_toml(path), str(path))


def from_tables(tables: Mapping[str, Any], name: str) -> CollectionConfig:
    """Makes settings of the tables of a file.

    Args:
        tables: Values by the names of settings, by the names of tables.
        name: What messages call the file.
    """
    hints = typing.get_type_hints(CollectionConfig)
    for key, table in tables.items():
        if key not in hints or not isinstance(table, Mapping):
            raise errors.BadValueError(
                f"Tables of {name}",
                key,
                ", ".join(f"[{known}]" for known in hints),
                errors.meant(key, hints, "[{}]".format),
            )
    return CollectionConfig(
        **{
            key: dicts.from_config_dict(hints[key], table, f"[{key}] of {name}")
            for key, table in tables.items()
        }
    )


def to_toml(config: CollectionConfig) -> str:
    """Writes settings as `study.toml`, each with its meaning."""
    lines = ["# Settings of a study in which people click. `rclicks-collect --help`."]
    for field in dataclasses.fields(config):
        section = getattr(config, field.name)
        (meaning, *_) = inspect.cleandoc(section.__doc__ or "").splitlines()
        lines += ["", f"# {meaning}", f"[{field.name}]"]
        for setting in docs.describe(type(section)):
            value = _toml(getattr(section, setting.name))
            lines += [f"# {setting.text}", f"{setting.name} = {value}"]
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    # Texts, numbers and truth values of JSON are those of TOML.
    return json.dumps(value, ensure_ascii=False)


def protocol(study: Study) -> dict[str, Any]:
    """Returns all that participants see but the tasks, as JSON values by name."""
    seen: dict[str, Any] = {}
    for field in dataclasses.fields(study.config):
        unseen = _UNSEEN.get(field.name, set())
        if unseen is not None:
            values = dataclasses.asdict(getattr(study.config, field.name))
            kept = {
                name: value
                for name, value in values.items()
                if name not in unseen
                and _AS_BEFORE.get((field.name, name), ...) != value
            }
            seen[field.name] = kept
    seen["texts"] = {
        code: [language.name, language.direction, _seen_by_all(language.texts)]
        for code, language in study.languages.items()
    }
    return json.loads(json.dumps(seen))


def _seen_by_all(texts: Mapping[str, languages.Text]) -> dict[str, languages.Text]:
    """Returns the texts of a study that goes well; others change nothing in a task."""
    return {k: text for k, text in texts.items() if not k.startswith("problem_")}


def protocol_hash(seen: Mapping[str, Any], tasks_digest: str) -> str:
    """Returns the hash of a protocol.

    Args:
        seen: What `protocol` returns.
        tasks_digest: Digest of the study's tasks and their pictures.
    """
    content = json.dumps([seen, tasks_digest], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def display_hash(config: CollectionConfig) -> str:
    """Returns the hash of the settings by which pictures are made."""
    content = json.dumps(dataclasses.asdict(config.display), sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Names the settings in which two protocols differ: `display.grey`."""
    different: list[str] = []
    for table in sorted(set(old) | set(new)):
        one, other = old.get(table, {}), new.get(table, {})
        names = sorted(set(one) | set(other))
        different += [f"{table}.{n}" for n in names if one.get(n) != other.get(n)]
    return different
