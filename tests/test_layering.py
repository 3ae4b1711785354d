"""The plan of the house: which package may import which. docs/overview.md draws it."""

import ast
import pathlib
import tomllib

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Packages that stand at the top level of the checkout.
_MOVED = tuple(f"rclicks_jax.{name}" for name in ("configs", "datasets", "launch"))
LEAVES = {
    "settings",
    "errors", "types",
    "registry", "file_signatures", "files", "cache", "waits", "allocator",
    "coordination",
    "distributed", "hashing", "signals", "signs_of_life",
    "__init__",
}  # fmt: skip
# What each package may import, apart from itself and the leaves.
ALLOWED = {
    "settings": set(),
    "ops": set(),
    "bridge": set(),
    "data": {"ops"},
    "weights": {"bridge"},
    "networks": {"ops", "weights"},
    "metrics": {"ops"},
    "reporting": {"ops", "metrics"},
    "clicks": {"ops", "networks", "bridge"},
    "segmenters": {"ops", "bridge", "networks", "weights"},
    "jobs": {"data"},
    "training": {"ops", "data", "networks", "weights", "metrics", "jobs"},
    "benchmark": {
        "ops", "bridge", "jobs", "data", "clicks", "metrics", "segmenters",
        "reporting",
    },
    "click_maps": {"ops", "jobs", "data", "clicks", "networks", "reporting"},
    "results": {
        "ops", "jobs", "benchmark", "clicks", "metrics", "segmenters", "reporting"
    },
    "evaluation": {
        "ops", "jobs", "data", "clicks", "metrics", "reporting"
    },
    "collection": {
        "bridge", "ops", "data", "clicks", "segmenters", "metrics", "reporting",
        "evaluation",
    },
    "api": {
        "benchmark", "clicks", "data", "jobs", "results", "segmenters",
    },
    "launch": {
        "benchmark", "click_maps", "collection", "configs", "data", "evaluation",
        "jobs", "networks", "reporting", "results", "segmenters", "training",
        "weights",
    },
    "configs": set(),
    "datasets": {"data"},
}  # fmt: skip
# The rooms of a package, from below: each may import those before it, and itself.
ROOMS = {
    "collection": (
        "words", "extras", "messages", "study", "store", "tasks", "service",
        "results", "web", "simulation", "checks", "actions", "masks", "demo",
        "simulate",
    ),
}  # fmt: skip
BRIDGE_LEAVES = {"errors"}
LEAF_IMPORTS = {
    "errors": set(),
    "types": set(),
    "registry": {"errors"},
    "file_signatures": set(),
    "files": {"errors"},
    "cache": {"errors", "waits"},
    "waits": set(),
    "allocator": set(),
    "coordination": {"errors", "waits"},
    "distributed": {
        "allocator",
        "cache",
        "coordination",
        "errors",
        "hashing",
        "signs_of_life",
        "waits",
    },
    "hashing": set(),
    "signals": set(),
    "signs_of_life": set(),
    # What programs may rely on, imported when it is first used.
    "__init__": {"api"},
}
FOLDERS = {
    name: ROOT
    / ("" if name in ("launch", "configs", "datasets") else "rclicks_jax")
    / name
    for name in ALLOWED
}


def imported_parts(path, package=""):
    """Yields the first part of all that a file imports, below `rclicks_jax`.

    Given one of its packages, the first part below that.
    """
    root = ["rclicks_jax", package] if package else ["rclicks_jax"]
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[: len(root)] == root and len(parts) > len(root):
                yield parts[len(root)]


def top_level_imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


def test_every_package_is_in_the_table():
    folders = {
        p.name for p in (ROOT / "rclicks_jax").iterdir() if (p / "__init__.py").exists()
    }
    assert folders == set(ALLOWED) - {"launch", "configs", "datasets"}


def test_every_package_is_in_the_wheel():
    found = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for path in (ROOT / "rclicks_jax").glob("**/__init__.py")
    }
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    listed = set(project["tool"]["setuptools"]["packages"])
    assert found == {name for name in listed if not name.startswith(_MOVED)}


def test_tests_stand_in_the_folder_of_what_they_test():
    # Its variants are settings, and its files are read by every command's tests.
    elsewhere = {"configs"}
    folders = {path.parent.name for path in ROOT.glob("tests/*/test_*.py")}
    assert folders - {"adapters", "soak", "tpu"} == set(ALLOWED) - elsewhere
    # At the top are leaves, and what is about the whole house.
    top = {path.stem.removeprefix("test_") for path in ROOT.glob("tests/test_*.py")}
    house = {"layering", "names", "protocol", "docs", "doc_blocks", "doc_links"}
    assert top - house <= LEAVES


@pytest.mark.parametrize("package", ALLOWED)
def test_packages_import_only_what_lies_below(package):
    leaves = BRIDGE_LEAVES if package == "bridge" else LEAVES
    for path in FOLDERS[package].rglob("*.py"):
        beyond = set(imported_parts(path)) - ALLOWED[package] - leaves - {package}
        assert not beyond, f"{path.relative_to(ROOT)} imports {sorted(beyond)}"


@pytest.mark.parametrize("package", ROOMS)
def test_rooms_import_only_rooms_below(package):
    folder = FOLDERS[package]
    rooms = {path.stem for path in folder.iterdir() if path.suffix in ("", ".py")}
    assert rooms - {"__init__", "__pycache__"} == set(ROOMS[package])
    for path in folder.rglob("*.py"):
        room = path.relative_to(folder).parts[0].removesuffix(".py")
        if room == "__init__":
            continue
        below = ROOMS[package][: ROOMS[package].index(room) + 1]
        beyond = set(imported_parts(path, package)) - set(below)
        assert not beyond, f"{path.relative_to(ROOT)} imports {sorted(beyond)}"


@pytest.mark.parametrize("leaf", LEAF_IMPORTS)
def test_leaves_import_only_leaves(leaf):
    path = ROOT / "rclicks_jax" / f"{leaf}.py"
    assert set(imported_parts(path)) <= LEAF_IMPORTS[leaf]


def test_arrows_make_no_circle():
    order, left = [], dict(ALLOWED)
    while left:
        free = [name for name, needs in left.items() if needs <= set(order)]
        assert free, f"a circle among {sorted(left)}"
        order += free
        for name in free:
            del left[name]


def test_the_bridge_needs_only_numpy_and_the_standard_library():
    allowed = {"numpy", "rclicks_jax", "__future__"}
    import sys

    for path in FOLDERS["bridge"].rglob("*.py"):
        others = set(top_level_imports(path)) - allowed - set(sys.stdlib_module_names)
        assert not others or "adapters" in path.parts, (
            f"{path} imports {sorted(others)}"
        )


@pytest.mark.parametrize("library", ["tensorflow_datasets", "grain"])
def test_only_data_and_the_builders_use(library):
    homes = (FOLDERS["data"], FOLDERS["datasets"])
    for path in (*ROOT.glob("rclicks_jax/**/*.py"), *ROOT.glob("launch/*.py")):
        if not any(path.is_relative_to(home) for home in homes):
            assert library not in set(top_level_imports(path)), path


def test_pmap_is_in_one_file():
    users = [
        p for p in ROOT.glob("rclicks_jax/**/*.py") if "jax.pmap(" in p.read_text()
    ]
    assert [p.name for p in users] == ["devices.py"]


def test_nothing_is_unpickled():
    for folder in FOLDERS.values():
        for path in folder.rglob("*.py"):
            used = set(top_level_imports(path)) & {"pickle", "dill", "joblib", "shelve"}
            assert not used, f"{path} imports {used}"
            assert "allow_pickle=True" not in path.read_text(), path


@pytest.mark.parametrize("folder", [*FOLDERS.values(), ROOT / "rclicks_jax"])
def test_modules_have_one_subject(folder):
    """Past some 300 lines ask whether it is two; past 400 it is."""
    for path in folder.rglob("*.py"):
        assert len(path.read_text().splitlines()) <= 400, path


def test_launchers_are_short():
    for path in FOLDERS["launch"].glob("*.py"):
        assert len(path.read_text().splitlines()) <= 200, path
