"""Settings that methods in JAX have in common, and their checks."""

import dataclasses
from collections.abc import Mapping
from typing import TypeVar

from rclicks_jax import errors
from rclicks_jax.segmenters import specs
from rclicks_jax.settings import dicts

_PRECISIONS = ("auto", "float32", "bfloat16")


@dataclasses.dataclass(frozen=True)
class Settings:
    """Settings of a method.

    Attributes:
        checkpoint: File or folder of published weights. Their shapes say which size of
            the method it is.
        precision: Type of features and products, float32 or bfloat16; auto is float32
            on CPU and bfloat16 elsewhere.
        batch: Trajectories in one pass, the only shape that is compiled, whatever
            photographs they are on; 0 for the default of the device.
        devices: Devices of this host, each with photographs of its own; 0 for all.
    """

    checkpoint: str = ""
    precision: str = "auto"
    batch: int = 0
    devices: int = 1


S = TypeVar("S", bound=Settings)


def read(kind: type[S], name: str, method: str, options: Mapping[str, str]) -> S:
    """Reads settings from `NAME:key=value:...`, without loading anything.

    Args:
        kind: The settings.
        name: Name of the segmenter.
        method: Method of the catalogue whose page says where checkpoints come from.
        options: The options.

    Raises:
        BadValueError: A setting is unknown, missing or has a value that is not allowed.
        SegmenterError: There is no such checkpoint.
    """
    settings = dicts.from_config_dict(kind, options, f"Options of {name}")
    if not settings.checkpoint:
        raise errors.BadValueError(
            f"Option checkpoint of {name}",
            "nothing",
            f"a checkpoint file; `rclicks-segmenters show {method}` says where to get "
            "it",
        )
    specs.check_weights("checkpoint", name, method, settings.checkpoint)
    for option in ("batch", "devices"):
        if getattr(settings, option) < 0:
            raise errors.BadValueError(
                f"Option {option} of {name}", getattr(settings, option), "0 or more"
            )
    if settings.precision not in _PRECISIONS:
        raise errors.BadValueError(
            f"Option precision of {name}",
            repr(settings.precision),
            "auto, float32 or bfloat16",
        )
    return settings
