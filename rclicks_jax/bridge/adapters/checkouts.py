"""Imports from a checkout of a segmenter's repository that is not installed."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

import numpy as np

# A module, class or function of a checkout; its types are not known here.
Foreign = Any

# Names that NumPy 1.24 removed and older checkouts use, with the types they stood for.
_DROPPED = {"int": int, "float": float, "bool": bool, "object": object}


def use(checkout: str, package: str) -> None:
    """Makes a package importable from a checkout.

    Several repositories have a package of the same name. A worker runs one of them.

    Args:
        checkout: Folder that has the package, or has it one folder deeper. If it is
            empty, the package must be installed.
        package: Name of the package, such as `isegm`.

    Raises:
        ValueError: The folder does not have the package.
    """
    for name, meant in _DROPPED.items():
        if name not in np.__dict__:
            setattr(np, name, meant)
    if not checkout:
        return
    for folder in (os.path.join(checkout, package), checkout):
        if os.path.isdir(os.path.join(folder, package)):
            folder = os.path.abspath(folder)
            if folder not in sys.path:
                sys.path.insert(0, folder)
            return
    raise ValueError(
        f"option checkout is {checkout!r}, a folder without {package}/: it must be "
        "a checkout of its repository"
    )


def find(name: str) -> Foreign:
    """Imports `module:attribute` from a package that `use` has made importable.

    Raises:
        ImportError: It is not there, or it needs a package that is not installed.
    """
    module_name, _, attribute = name.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise ImportError(
            f"{module_name} cannot be imported: {error}. Give checkout=FOLDER of its "
            "repository, or install what it lacks: `rclicks-segmenters env NAME` "
            "makes an environment that has all; docs/saliency.md for TranSalNet."
        ) from error
    return getattr(module, attribute) if attribute else module
