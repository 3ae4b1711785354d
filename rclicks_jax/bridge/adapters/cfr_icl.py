"""CFR-ICL: SimpleClick's network, with further passes over its own answer.

Checkout: https://github.com/TitorX/CFR-ICL-Interactive-Segmentation (CC BY-NC 4.0:
not for commercial use), or the one of RClicks.

RClicks gives the first click two passes (`cascade=1`). The authors give it up to five
(`cascade=4:adaptive=yes`), and stop when a mask hardly differs from the last.

Source: emb-ai/rclicks, isegm/isegm/inference/predictors/cfr.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch

from rclicks_jax.bridge.adapter import Clicks
from rclicks_jax.bridge.adapters import isegm_frame, simpleclick
from rclicks_jax.bridge.adapters import options as options_lib

THRESHOLD = simpleclick.THRESHOLD
# An adaptive cascade stops when at most so many pixels of the mask change.
_STILL = 20


class Model(NamedTuple):
    """A network, the frame of its passes, and their number.

    Attributes:
        network: The network.
        frame: How the input of a pass is prepared.
        cascade: Passes after the first.
        adaptive: Whether a trajectory stops when its mask hardly changes any more.
        cascade_clicks: Clicks that have a cascade; later ones have a single pass.
        device: Device of the network.
    """

    network: options_lib.Network
    frame: isegm_frame.Frame
    cascade: int = 1
    adaptive: bool = False
    cascade_clicks: int = 1
    device: torch.device = torch.device("cpu")

    @property
    def once(self) -> isegm_frame.Model:
        """The model of a single pass."""
        return isegm_frame.Model(self.network, self.frame, self.device)


def load(options: Mapping[str, str]) -> Model:
    """Loads a checkpoint."""
    given = options_lib.Options(options)
    cascade = given.number("cascade", 1, least=0)
    adaptive = given.switch("adaptive", False)
    cascade_clicks = given.number("cascade_clicks", 1, least=0)
    network, frame, device = simpleclick.load_given(given)
    return Model(network, frame, cascade, adaptive, cascade_clicks, device)


encode = simpleclick.encode


def predict(
    model: Model,
    features: torch.Tensor,
    clicks: Clicks,
    state: isegm_frame.State | None,
) -> tuple[torch.Tensor, isegm_frame.State]:
    """Answers the newest click of each trajectory."""
    _, state = simpleclick.predict(model.once, features, clicks, state)
    rows = np.flatnonzero(clicks.count <= model.cascade_clicks)
    for _ in range(model.cascade):
        if not len(rows):
            break
        changed = _look_again(model, features, clicks, state, rows)
        if model.adaptive:
            rows = rows[changed.cpu().numpy() > _STILL]
    return state["probabilities"], state


def _look_again(
    model: Model,
    features: torch.Tensor,
    clicks: Clicks,
    state: isegm_frame.State,
    rows: np.ndarray,
) -> torch.Tensor:
    """Sends trajectories through the network again and updates their state.

    Args:
        model: The model.
        features: Features of the photograph, from `encode`.
        clicks: Clicks of all trajectories.
        state: State of all trajectories; it is changed in place.
        rows: Numbers of the trajectories that go through again.

    Returns:
        Number of pixels that have changed in each of their masks, `i64[r]`.
    """
    part = Clicks(clicks.yx[rows], clicks.positive[rows], clicks.count[rows])
    chosen = torch.from_numpy(rows)
    before = {key: value[chosen] for key, value in state.items()}
    newer, after = simpleclick.predict(model.once, features, part, before)
    with torch.inference_mode():
        for key, value in after.items():
            state[key][chosen] = value
        older = before["probabilities"]
        return ((newer > THRESHOLD) != (older > THRESHOLD)).sum(dim=(1, 2))
