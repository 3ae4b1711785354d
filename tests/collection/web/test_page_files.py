"""The files of the pages: their types, their size, and that they are packaged."""

import pathlib
import re
import shutil
import subprocess
import tomllib

import pytest

from rclicks_jax.collection import messages
from rclicks_jax.collection.web import page_files

ROOT = pathlib.Path(__file__).parents[3]
WEB = ROOT / "rclicks_jax/collection/web/page"
_TSC = "node_modules/.bin/tsc"


def checker():
    """Returns TypeScript's compiler; skips without."""
    found = shutil.which("tsc") or shutil.which(str(ROOT / "build/node" / _TSC))
    if found is None or shutil.which("node") is None:
        pytest.skip("tsc or node is missing: make test-browser installs tsc")
    return found


def test_types_of_the_modules_hold():
    options = (
        "--noEmit --allowJs --checkJs --strict --target es2022 --module es2022 "
        "--moduleResolution bundler --lib es2022,dom,dom.iterable"
    )
    modules = sorted(map(str, WEB.glob("*.js")))
    command = [checker(), *options.split(), *modules]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_modules_have_fewer_than_1500_lines():
    lines = [len(path.read_text().splitlines()) for path in WEB.glob("*.js")]
    assert sum(lines) < 1500


def test_no_modules_import_each_other_in_a_circle():
    imports = {
        path.name: set(re.findall(r'["(]\./(\w+\.js)"', path.read_text()))
        for path in WEB.glob("*.js")
    }
    assert imports["player.js"] >= {"live.js", "turner.js"}
    while ends := {name for name, needed in imports.items() if not needed & {*imports}}:
        for name in ends:
            del imports[name]
    assert not imports


def test_nothing_of_the_pages_comes_from_elsewhere_or_takes_html():
    for path in [*WEB.glob("*.js"), *WEB.glob("*.css"), WEB / "shell.html.jinja"]:
        text = path.read_text()
        for word in ("innerHTML", "insertAdjacentHTML", "eval(", "http://", "url("):
            assert word not in text, path.name


def test_all_files_are_packaged():
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    data = pyproject["tool"]["setuptools"]["package-data"]
    patterns = data["rclicks_jax.collection.web"]
    assert "page/*" in patterns
    assert {"main.js", "style.css", "admin.css", "icon.svg"} <= set(page_files.load())


def test_another_content_has_another_version():
    files = page_files.load()
    changed = files | {"main.js": page_files.WebFile(b"", "text/javascript")}
    assert page_files.version(files) != page_files.version(changed)


def test_types_of_the_pages_have_the_fields_of_the_messages():
    folder = pathlib.Path(page_files.__file__).parent / "page"
    text = (folder / "types.js").read_text()
    found = {
        name: set(re.findall(r"(\w+): ", re.sub(r"kind: \"\w+\", ", "", fields)))
        for fields, name in re.findall(r"@typedef \{\{(.*)\}\} (\w+)", text)
    }
    assert found
    for name, fields in found.items():
        assert fields == set(getattr(messages, name).__struct_fields__), name
