"""What the site has beyond docs/: pages of the root, the notebook, links out of docs/.

Pages are written for a reader of the repository, and so are their links. In the site, a
link to a Python file leads to its page of the API, one to a folder to its README, and
one to any other file to a copy of it. Modules that are named in backticks, as in
`clicks.groups`, become links to their pages.
"""

import json
import logging
import pathlib
import posixpath
import re

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

_ROOT = pathlib.Path(__file__).resolve().parents[2]
_DOCS = "docs"
_API = "api"
_PACKAGE = "rclicks_jax"
# Of pages by their place in the repository.
_FROM_ROOT = {
    "README.md": "index.md",
    "CHANGELOG.md": "CHANGELOG.md",
    "CONTRIBUTING.md": "CONTRIBUTING.md",
}
_ASSET = re.compile(
    r"<(?:img|script|link)\b[^>]*\b(?:src|href)=\"?(?:https?:)?//[^>]*>"
)
_BLOCK = re.compile(r"(^ *```.*?^ *```$)", re.MULTILINE | re.DOTALL)
_MODULE = re.compile(r"(?<![`\[])`(?:rclicks_jax[./])?([a-z]\w*(?:[./]\w+)+)`(?![`\]])")
_LINK = re.compile(r"(\]\()([^)\s#]+)([^)\s]*\))")


def on_startup(command: str, dirty: bool) -> None:
    """Leaves out of a build's output what is no warning; there is a line a module.

    With --quiet, mkdocs would not count warnings, and --strict would let them pass.
    """
    if command == "build":
        for handler in logging.getLogger("mkdocs").handlers:
            handler.setLevel(logging.WARNING)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages of the root, and notebooks as pages."""
    for place, uri in _FROM_ROOT.items():
        content = (_ROOT / place).read_text()
        files.append(File.generated(config, uri, content=content))
    for notebook in [file for file in files if file.src_uri.endswith(".ipynb")]:
        files.remove(notebook)
        uri = posixpath.splitext(notebook.src_uri)[0] + ".md"
        content = _page_of(json.loads(notebook.content_string))
        files.append(File.generated(config, uri, content=content))
    return files


def on_page_markdown(
    markdown: str, page: Page, config: MkDocsConfig, files: Files
) -> str:
    """Turns links of the repository into those of the site."""
    uri = page.file.src_uri
    places = {of_site: place for place, of_site in _FROM_ROOT.items()}
    place = places.get(uri, f"{_DOCS}/{uri}")

    def turned(match: re.Match[str]) -> str:
        before, link, after = match.groups()
        target = posixpath.normpath(posixpath.join(posixpath.dirname(place), link))
        if "://" in link or not (_ROOT / target).exists():
            return match[0]
        found = _in_site(target)
        if files.get_file_from_path(found) is None:
            source = str(_ROOT / target)
            files.append(File.generated(config, found, abs_src_path=source))
        return before + _relative(found, uri) + after

    def named(match: re.Match[str]) -> str:
        module = match[1].removesuffix(".py").replace(".", "/")
        # The last part may be what a module defines.
        for each in (module, posixpath.dirname(module)):
            target = f"{_PACKAGE}/{each}.py"
            if each and (_ROOT / target).is_file():
                return f"[{match[0]}]({_relative(target, place)})"
        return match[0]

    parts = _BLOCK.split(markdown)
    parts[::2] = [_LINK.sub(turned, _MODULE.sub(named, part)) for part in parts[::2]]
    return "".join(parts)


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> None:
    """Refuses what a reader without a network would not see."""
    if found := _ASSET.search(output):
        raise PluginError(f"{page.file.src_uri} takes from the network: {found[0]}")


def _relative(target: str, page: str) -> str:
    """Returns a path as a link of a page; both from the same folder."""
    return posixpath.relpath(target, posixpath.dirname(page) or ".")


def _in_site(target: str) -> str:
    """Returns where the site has a file of the repository."""
    if (_ROOT / target).is_dir():
        index = "__init__.py" if (_ROOT / target / "__init__.py").exists() else ""
        target = posixpath.join(target, index or "README.md")
    if target in _FROM_ROOT:
        return _FROM_ROOT[target]
    stem, suffix = posixpath.splitext(target)
    if suffix == ".py" and target.startswith(f"{_PACKAGE}/"):
        name = re.sub("__init__$", "index", stem)
        return f"{_API}/{name}.md"
    if suffix == ".ipynb":
        target = f"{stem}.md"
    return target.removeprefix(f"{_DOCS}/")


def _page_of(notebook: dict) -> str:
    """Returns the cells of a notebook as Markdown."""
    cells = []
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        cells.append(text if cell["cell_type"] != "code" else f"```python\n{text}\n```")
    return "\n\n".join(cells)
