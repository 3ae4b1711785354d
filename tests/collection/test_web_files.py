"""The files of the pages: their types, their size, and that they are packaged."""

import pathlib
import shutil
import subprocess
import tomllib

import pytest

from rclicks_jax.collection import web_files

ROOT = pathlib.Path(__file__).parents[2]
WEB = ROOT / "rclicks_jax/collection/web"
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


def test_nothing_of_the_pages_comes_from_elsewhere_or_takes_html():
    for path in [*WEB.glob("*.js"), *WEB.glob("*.css"), WEB / "shell.html.jinja"]:
        text = path.read_text()
        for word in ("innerHTML", "insertAdjacentHTML", "eval(", "http://", "url("):
            assert word not in text, path.name


def test_all_files_are_packaged():
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    patterns = pyproject["tool"]["setuptools"]["package-data"]["rclicks_jax.collection"]
    assert "web/*" in patterns
    assert {"main.js", "style.css", "admin.css", "icon.svg"} <= set(web_files.load())


def test_another_content_has_another_version():
    files = web_files.load()
    changed = files | {"main.js": web_files.WebFile(b"", "text/javascript")}
    assert web_files.version(files) != web_files.version(changed)
