"""Files of the pages: modules, style, and the shell that loads them.

They are read once, and served from a table by their names.
"""

import hashlib
import importlib.resources
from collections.abc import Mapping
from typing import NamedTuple

import jinja2

from rclicks_jax.collection.study.languages import Language

_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_PACKAGE = "rclicks_jax.collection.web"
_FOLDER = "page"


class WebFile(NamedTuple):
    """A file for browsers.

    Attributes:
        content: What it holds.
        media_type: What it is.
    """

    content: bytes
    media_type: str


def load() -> dict[str, WebFile]:
    """Reads the packaged files, by name."""
    files: dict[str, WebFile] = {}
    for item in (importlib.resources.files(_PACKAGE) / _FOLDER).iterdir():
        suffix = "." + item.name.rpartition(".")[2]
        if suffix in _TYPES:
            files[item.name] = WebFile(item.read_bytes(), _TYPES[suffix])
    return files


def version(files: Mapping[str, WebFile]) -> str:
    """Returns a hash of files, for addresses that stand for one content for ever."""
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(f"{name}:{len(files[name].content)}:".encode())
        digest.update(files[name].content)
    return digest.hexdigest()[:12]


def render(template: str, **values: object) -> str:
    """Returns a page of a packaged template; whatever comes in is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(_PACKAGE, _FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(**values)


def shell(title: str, language: Language, files_version: str) -> str:
    """Returns the page that loads the modules.

    Args:
        title: Title of the study.
        language: Language until the browser has said which it prefers.
        files_version: Version of the files.
    """
    return render(
        "shell.html.jinja",
        title=title,
        language=language,
        base=f"/w/{files_version}",
    )
