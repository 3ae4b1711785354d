"""One of several named settings."""

from collections.abc import Mapping
from typing import TypeVar

from rclicks_jax import errors

T = TypeVar("T")


def variant(kind: str, variants: Mapping[str, T], name: str) -> T:
    """Returns one of several named settings; raises `UnknownNameError`."""
    if name not in variants:
        raise errors.UnknownNameError(f"variant of the {kind}", name, variants)
    return variants[name]
