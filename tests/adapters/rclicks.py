"""Drives segmenters by the predictors of the RClicks checkout, one click at a time."""

import sys
import types

import kit
import numpy as np
import stand_ins
import torch

from rclicks_jax.bridge.adapters import checkouts

_DATASETS = (
    "GrabCutDataset BerkeleyDataset DavisDataset SBDEvaluationDataset "
    "PascalVocDataset TETRISDataset"
)


def use() -> None:
    """Makes the checkout's `isegm` importable, without its readers of data sets."""
    stand_ins.install()
    without_data_sets()
    checkouts.use(str(kit.checkout("rclicks")), "isegm")


def without_data_sets() -> None:
    """Keeps `isegm.data`, which needs many packages and is not needed, from import."""
    for name in ("isegm.data", "isegm.data.datasets"):
        module = types.ModuleType(name)
        module.__path__ = []
        vars(module).update(dict.fromkeys(_DATASETS.split(), stand_ins.Absent))
        sys.modules[name] = module


def predictor(net, zoom, **more):
    """Returns RClicks's predictor of a network of its package `isegm`.

    Args:
        net: The network, or one of RClicks's classes around it.
        zoom: How it zooms; None if it does not.
        **more: Further arguments.
    """
    make = checkouts.find("isegm.inference.predictors:get_predictor")
    return make(net, "NoBRS", torch.device("cpu"), zoom_in_params=zoom, **more)


def answers(predictor, image, trajectory) -> np.ndarray:
    """Returns what a predictor says after each click.

    Args:
        predictor: Of `isegm.inference.predictors`.
        image: `u8[h w 3]`.
        trajectory: `(y, x, positive)` of each click.

    Returns:
        `f32[rounds h w]`.
    """
    clicker_module = checkouts.find("isegm.inference.clicker")
    clicker = clicker_module.Clicker(gt_mask=np.zeros(image.shape[:2]), image=image)
    maps = []
    with torch.no_grad():
        predictor.set_input_image(image)
        for y, x, positive in trajectory:
            click = clicker_module.Click(is_positive=positive, coords=(y, x))
            clicker.add_click(click)
            maps.append(np.array(predictor.get_prediction(clicker), np.float32))
    return np.stack(maps)
