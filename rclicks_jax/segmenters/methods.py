"""Methods that run in workers, as `methods.toml` describes them.

This module does not start a worker or import its framework.
"""

import dataclasses
import functools
import hashlib
import pathlib
import tomllib
from collections.abc import Mapping
from typing import Any

from rclicks_jax import errors
from rclicks_jax.bridge import provenance
from rclicks_jax.settings import dicts

_FILE = pathlib.Path(__file__).with_name("methods.toml")
_REQUIREMENTS = pathlib.Path(__file__).with_name("requirements")


@dataclasses.dataclass(frozen=True)
class Option:
    """An option of a method.

    Attributes:
        name: Name, as users write it.
        meaning: What the option sets, in a few words.
        default: Its default in words; empty if there is none.
        needed: Whether it must be given.
        choices: All allowed values; empty if any value is allowed.
        path: Whether it may name a file or folder.
        recorded: Whether it can change a number beyond rounding.
    """

    name: str
    meaning: str
    default: str = ""
    needed: bool = False
    choices: tuple[str, ...] = ()
    path: bool = False
    recorded: bool = True


@dataclasses.dataclass(frozen=True)
class Environment:
    """Packages that a worker needs.

    Attributes:
        name: Name of the requirements file, without suffix.
        requirements: Path of the requirements file.
        imports: Modules that must be importable in the finished environment.
        last: Requirements that are installed after the others, without their own
            dependencies.
    """

    name: str
    requirements: pathlib.Path
    imports: tuple[str, ...] = ()
    last: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """Weights of a method.

    Attributes:
        file: Name of the file, or of a model on the Hugging Face hub.
        variant: Size of the network.
        source: Address from which it can be downloaded.
        size: Size of the file in words; empty if it is not known.
        note: Further remarks.
        rclicks: Published numbers of the paper, by dataset; see `methods.toml`.
        authors: Published numbers of the method's authors, by dataset.
    """

    file: str
    variant: str
    source: str
    size: str = ""
    note: str = ""
    rclicks: Mapping[str, list[float]] = dataclasses.field(default_factory=dict)
    authors: Mapping[str, float] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Method:
    """A method with an adapter.

    Attributes:
        name: Name, as users write it.
        adapter: Module of `bridge.adapters`.
        summary: One line on the method.
        repository: Address of the code that the adapter runs.
        version: Commit or release of that code that the adapter was tested with.
        license: Licence of code and weights.
        caution: Restriction or doubt about the licence; empty if there is none.
        environment: Packages that its worker needs.
        options: Options of the adapter, by name.
        switches: Switches of the run's protocol that it obeys.
        protocol: How RClicks drives it, by aspect.
        checkpoints: The published checkpoints.
    """

    name: str
    adapter: str
    summary: str
    repository: str
    version: str
    license: str
    caution: str
    environment: Environment
    options: Mapping[str, Option]
    switches: tuple[str, ...]
    protocol: Mapping[str, str]
    checkpoints: tuple[Checkpoint, ...]

    @property
    def needs_checkout(self) -> bool:
        """Whether it runs from a checkout of its repository."""
        return "checkout" in self.options


@dataclasses.dataclass(frozen=True)
class Catalogue:
    """The content of `methods.toml`.

    Attributes:
        methods: All methods, by name.
        worker_options: Options that every method has, by name.
        published: Explanation of the published numbers of checkpoints, by their source.
    """

    methods: Mapping[str, Method]
    worker_options: Mapping[str, Option]
    published: Mapping[str, str]


@functools.cache
def catalogue() -> Catalogue:
    """Reads `methods.toml`."""
    data = tomllib.loads(_FILE.read_text("utf-8"))
    shared = {key: _option(key, value) for key, value in data["options"].items()}
    environments = {
        name: dicts.from_config_dict(
            Environment,
            {"name": name, "requirements": _REQUIREMENTS / f"{name}.txt", **value},
        )
        for name, value in data["environments"].items()
    }
    return Catalogue(
        methods={
            name: _method(name, value, shared, environments)
            for name, value in data["methods"].items()
        },
        worker_options={k: _option(k, v) for k, v in data["worker"].items()},
        published=data["published"],
    )


def _option(name: str, value: Mapping[str, Any]) -> Option:
    return dicts.from_config_dict(Option, {"name": name, **value})


def _method(
    name: str,
    value: Mapping[str, Any],
    shared: Mapping[str, Option],
    environments: Mapping[str, Environment],
) -> Method:
    own = {
        key: _option(key, each) for key, each in value.get("own_options", {}).items()
    }
    taken = [own[key] if key in own else shared[key] for key in value["options"]]
    return Method(
        name=name,
        adapter=value.get("adapter", name),
        summary=value["summary"],
        repository=value["repository"],
        version=value["version"],
        license=value["license"],
        caution=value.get("caution", ""),
        environment=environments[value["environment"]],
        options={option.name: option for option in taken},
        switches=tuple(value["switches"]),
        protocol=value["protocol"],
        checkpoints=tuple(Checkpoint(**each) for each in value["checkpoints"]),
    )


def find(name: str) -> Method:
    """Returns a method; raises `UnknownNameError`."""
    known = catalogue().methods
    if name not in known:
        raise errors.UnknownNameError("method", name, known)
    return known[name]


def check_options(method: Method, options: Mapping[str, str]) -> None:
    """Checks all that can be checked before a worker is started.

    Raises:
        UnknownNameError: The method has no such option.
        BadValueError: An option is missing, or has a value that is not allowed.
    """
    known = {**method.options, **catalogue().worker_options}
    for name, value in options.items():
        if name not in known:
            raise errors.UnknownNameError(f"option of {method.name}", name, known)
        choices = known[name].choices
        if choices and value not in choices:
            raise errors.BadValueError(
                f"Option {name} of {method.name}",
                repr(value),
                ", ".join(choices),
                errors.meant(value, choices),
            )
    for option in method.options.values():
        if option.needed and not options.get(option.name):
            raise errors.BadValueError(
                f"Option {option.name} of {method.name}",
                "nothing",
                f"a {option.meaning}; `rclicks-segmenters show {method.name}` says "
                "where to get it",
            )


def describe(method: Method, options: Mapping[str, str]) -> dict[str, Any]:
    """Returns a run's record of a method: its settings, and the content of its files.

    Args:
        method: The method of the run.
        options: The options that the user gave, checked.
    """
    recorded = {}
    for name, value in options.items():
        option = method.options.get(name)
        if option and option.recorded:
            recorded[name] = _content(value) if option.path else value
    return {"name": method.name, "options": recorded, "adapter": method.adapter}


def _content(value: str) -> str:
    """Describes the content of a path; the value itself if nothing is there."""
    path = pathlib.Path(value)
    if not path.is_dir():
        return provenance.describe(value)
    commit = provenance.commit(path)
    return f"commit {commit}" if commit else f"sha256:{_digest(path)[:16]}"


def _digest(folder: pathlib.Path) -> str:
    """Returns the SHA-256 of the names and contents of a folder's files."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        is_ignored = any(part.startswith((".", "__pycache__")) for part in name.parts)
        if path.is_file() and not is_ignored:
            digest.update(f"{name.as_posix()}\n{provenance.checksum(path)}\n".encode())
    return digest.hexdigest()
