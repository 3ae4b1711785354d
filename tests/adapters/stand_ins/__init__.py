"""The few names of absent packages that checkouts import, for tests only.

Each module of this folder is a package by the name it has here; `install` makes
importable those that are not installed. What none of them needs to do at inference
raises when it is called.
"""

import importlib
import importlib.util
import pathlib
import sys
import types

FOLDER = pathlib.Path(__file__).parent


def install() -> None:
    """Puts stand-ins where `import` finds them, for packages that are not there."""
    for path in sorted(FOLDER.glob("*.py")):
        name = path.stem
        if name == "__init__" or importlib.util.find_spec(name) is not None:
            continue
        module = importlib.import_module(f"stand_ins.{name}")
        module.__path__ = []
        module.__spec__ = importlib.util.spec_from_loader(name, None)
        sys.modules[name] = module
        for inner, names in getattr(module, "MODULES", {}).items():
            made = types.ModuleType(f"{name}.{inner}")
            made.__path__ = []
            vars(made).update(names)
            sys.modules[f"{name}.{inner}"] = made
            parent, _, last = f"{name}.{inner}".rpartition(".")
            # A function may hide the module that it is in, as roi_align does.
            vars(sys.modules[parent]).setdefault(last, made)


class Absent:
    """Stands for what only training needs."""

    def __init__(self, *arguments, **options):
        raise NotImplementedError("a stand-in cannot do this")


def nothing(*arguments, **options):
    """Does nothing: a decorator, a registration, a logger."""
    return lambda made: made
