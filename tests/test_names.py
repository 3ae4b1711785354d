"""What files that no type checker reads take from the package exists there.

pyright cannot see attributes across the folders that the package maps, and reads no
tests; programs and measurements are run seldom, and would break unseen.
"""

import ast
import importlib
import pathlib
import types

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
FILES = [
    path
    for folder in ("launch", "configs", "tests/perf", "tests/programs", "tests/soak")
    for path in sorted((ROOT / folder).glob("*.py"))
]


def imported(tree):
    """Yields the name in the file and the path of all that is taken of the package."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                if node.module.split(".")[0] == "rclicks_jax":
                    yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def find(path):
    """Returns a module, or what a module holds."""
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError as error:
        if error.name != path:
            raise
        module, _, name = path.rpartition(".")
        return getattr(importlib.import_module(module), name)


def missing(text):
    """Yields what a file takes of the package that is not there.

    A name that stands for something else as well, somewhere in the file, is left out.
    """
    tree = ast.parse(text)
    modules = {}
    for name, path in imported(tree):
        try:
            value = find(path)
        except ModuleNotFoundError as error:
            # An adapter's framework need not be installed here.
            if error.name is None or error.name.startswith("rclicks_jax"):
                yield path
            continue
        except AttributeError:
            yield path
            continue
        if isinstance(value, types.ModuleType):
            modules.setdefault(name, []).append(value)
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            modules.pop(node.arg, None)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            modules.pop(node.id, None)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            known = modules.get(node.value.id, ())
            if known and not any(hasattr(module, node.attr) for module in known):
                yield f"{node.value.id}.{node.attr}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_file_takes_of_the_package_is_there(path):
    assert not list(missing(path.read_text()))


def test_what_is_missing_is_found():
    text = (
        "from rclicks_jax import errors, hosts\n"
        "from rclicks_jax.networks import exchange\n"
        "errors.DataError, exchange.SUFFIX, exchange.rewrite\n"
    )
    assert list(missing(text)) == ["rclicks_jax.hosts", "exchange.SUFFIX"]
