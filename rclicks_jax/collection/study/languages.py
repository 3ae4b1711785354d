"""What participants read, in each language of a study.

A language is a file LANG.toml: packaged, or in the study's folder `texts/`, which comes
first. Every file has the keys of the English one, and the same `{names}` in its texts.
"""

import dataclasses
import importlib.resources
import pathlib
import string
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from rclicks_jax import errors
from rclicks_jax.collection.study import platforms

FOLDER = "texts"
_REFERENCE = "en"
Text = str | tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Language:
    """The texts of a language.

    Attributes:
        code: Code, such as `en` or `pt-BR`.
        name: Its name in its own words.
        direction: Direction of writing.
        texts: Texts by key; several paragraphs are a tuple.
    """

    code: str
    name: str
    direction: Literal["ltr", "rtl"]
    texts: Mapping[str, Text]


def load(folder: pathlib.Path, codes: Sequence[str]) -> dict[str, Language]:
    """Reads the languages of a study.

    Args:
        folder: The study.
        codes: Codes of the languages.

    Raises:
        UnknownNameError: A language has no file.
        DataError: A file is no TOML, or its keys or `{names}` are not those of English.
    """
    reference = _read(_packaged(_REFERENCE), _REFERENCE, "packaged en.toml")
    return {code: _load(folder, code, reference) for code in codes}


def chosen(languages: Mapping[str, Language], preferred: str) -> Language:
    """Returns the language for a browser that prefers one, such as `en-GB`."""
    wanted = preferred.casefold()
    by_code = {code.casefold(): language for code, language in languages.items()}
    short = wanted.partition("-")[0]
    first = next(iter(languages.values()))
    near = (item for code, item in by_code.items() if code.partition("-")[0] == short)
    return by_code.get(wanted) or next(near, first)


def _packaged(code: str) -> str:
    folder = importlib.resources.files("rclicks_jax.collection.study") / FOLDER
    return (folder / f"{code}.toml").read_text("utf-8")


def _known(folder: pathlib.Path) -> list[str]:
    packaged = importlib.resources.files("rclicks_jax.collection.study") / FOLDER
    own = folder / FOLDER
    names = [path.name for path in packaged.iterdir()]
    names += [path.name for path in own.iterdir()] if own.is_dir() else []
    suffix = ".toml"
    return sorted({n.removesuffix(suffix) for n in names if n.endswith(suffix)})


def _load(folder: pathlib.Path, code: str, reference: Language) -> Language:
    if code not in _known(folder):
        raise errors.UnknownNameError(
            "language", code, _known(folder), f"{FOLDER}/{code}.toml makes a new one."
        )
    own = folder / FOLDER / f"{code}.toml"
    if own.exists():
        language = _checked(platforms.parse_toml(own), code, str(own))
    else:
        language = _read(_packaged(code), code, f"packaged {code}.toml")
    _compare(language, reference, str(own))
    return language


def _read(text: str, code: str, name: str) -> Language:
    return _checked(tomllib.loads(text), code, name)


def _checked(tables: Mapping[str, Any], code: str, name: str) -> Language:
    """Makes a language of a file's tables, whose names do not matter."""
    texts: dict[str, Text] = {}
    for table in tables.values():
        for key, value in table.items() if isinstance(table, dict) else ():
            paragraphs = value if isinstance(value, list) else [value]
            if not all(isinstance(text, str) and text.strip() for text in paragraphs):
                raise errors.DataError(
                    f"{name}: {key} must be a text or several texts, none empty."
                )
            texts[key] = tuple(value) if isinstance(value, list) else value
    direction = tables.get("direction")
    if direction not in ("ltr", "rtl") or not isinstance(tables.get("language"), str):
        raise errors.DataError(
            f'{name} must begin with language = "its own name" and direction = "ltr" '
            'or "rtl".'
        )
    return Language(code, tables["language"], direction, texts)


def _compare(language: Language, reference: Language, name: str) -> None:
    """Refuses a language whose keys or `{names}` are not those of English."""
    missing = sorted(set(reference.texts) - set(language.texts))
    unknown = sorted(set(language.texts) - set(reference.texts))
    if unknown:
        near = errors.meant(unknown[0], missing or reference.texts)
        raise errors.DataError(f"{name} has an unknown text {unknown[0]}.{near}")
    if missing:
        raise errors.DataError(f"{name} lacks the texts {errors.few(missing, 5)}.")
    for key, text in language.texts.items():
        ours, theirs = _names(text), _names(reference.texts[key])
        if ours != theirs:
            raise errors.DataError(
                f"{name}: {key} has the names {sorted(ours) or 'none'}; the English "
                f"text has {sorted(theirs) or 'none'}."
            )


def _names(text: Text) -> set[str]:
    """Returns the `{names}` in a text."""
    whole = text if isinstance(text, str) else "\n".join(text)
    try:
        return {name for _, name, _, _ in string.Formatter().parse(whole) if name}
    except ValueError as error:
        raise errors.DataError(f"{whole!r}: {error}.") from error
