"""SimpleClick xT, B, L and H in JAX; the checkpoint is the published one.

It is driven as the bridged `simpleclick` is.

Source: emb-ai/rclicks, scripts/evaluate_model_simpleclick.py.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, TypeVar

from rclicks_jax import errors
from rclicks_jax.segmenters.native.settings import Settings, read

# JAX takes seconds to import, and lists of segmenters do not need it.
if TYPE_CHECKING:
    from rclicks_jax.bridge.switches import Switches
    from rclicks_jax.segmenters.native import engine

NAME = "jax_simpleclick"
# What a page of the catalogue shows.
EXAMPLE = "jax_simpleclick:checkpoint=cocolvis_vit_base.pth"
# Its page says where checkpoints come from.
METHOD = "simpleclick"
_SIDE, _SIDE_OF_DAVIS = 448, 672


@dataclasses.dataclass(frozen=True)
class SimpleClick(Settings):
    """Settings of SimpleClick.

    Attributes:
        dataset: Data set, as the original tells them apart: DAVIS has larger squares.
        target: Side of the square that crops are resized to, pixels; 0 for that of the
            data set, 448 or 672.
        zoom: Whether the network sees a crop around the object, or the whole
            photograph.
        flip: Whether logits are the mean of those of a crop and of its mirror image.
    """

    dataset: str = "other"
    target: int = 0
    zoom: Literal["yes", "no"] = "yes"
    flip: Literal["yes", "no"] = "yes"

    @property
    def side(self) -> int:
        """Side of the square, pixels."""
        of_dataset = _SIDE_OF_DAVIS if self.dataset == "DAVIS" else _SIDE
        return self.target or of_dataset


S = TypeVar("S", bound=SimpleClick)


def load(options: Mapping[str, str]) -> SimpleClick:
    """Reads the settings of `jax_simpleclick:key=value:...`, without loading anything.

    Raises:
        BadValueError: A setting is unknown, missing or has a value that is not allowed.
        SegmenterError: There is no such checkpoint.
    """
    return read_settings(SimpleClick, NAME, METHOD, options)


def read_settings(
    kind: type[S],
    name: str,
    method: str,
    options: Mapping[str, str],
    datasets: Sequence[str] = ("DAVIS",),
) -> S:
    """Reads settings; other arguments and errors are those of `settings.read`.

    Args:
        kind: The settings.
        name: Name of the segmenter.
        method: Method of the catalogue.
        options: The options.
        datasets: Data sets that change something.
    """
    settings = read(kind, name, method, options)
    meant = settings.dataset.upper()
    if settings.dataset != meant and meant in datasets:
        raise errors.BadValueError(
            f"Option dataset of {name}",
            repr(settings.dataset),
            f"{meant}, in capital letters, or the name of another data set",
        )
    if settings.target < 0:
        raise errors.BadValueError(
            f"Option target of {name}", settings.target, "0, or a side in pixels"
        )
    return settings


def open_segmenter(settings: SimpleClick, protocol: Switches) -> engine.NativeSegmenter:
    """Loads the network.

    Args:
        settings: What `load` returned.
        protocol: Switches of the run's protocol, of which none has an effect.

    Raises:
        SegmenterError: The checkpoint cannot be read, or is none of SimpleClick.
        BadValueError: The host has fewer devices, or the network takes no such squares.
    """
    from rclicks_jax.segmenters.native import engine, simpleclick_method

    del protocol
    frame = simpleclick_method.Frame(
        settings.side, zoom=settings.zoom == "yes", flip=settings.flip == "yes"
    )
    make = functools.partial(simpleclick_method.from_torch, frame=frame)
    return engine.open_segmenter(NAME, settings, make, dataclasses.asdict(frame))
