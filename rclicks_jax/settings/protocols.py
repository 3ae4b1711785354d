"""Protocols: the switches that can change a number, and two constants of them.

Whoever obeys a switch is given its value. Segmenters are told those that
`bridge.switches.Switches` names.
"""

import dataclasses
from typing import Annotated, Literal

from rclicks_jax import errors
from rclicks_jax.settings import checks


@dataclasses.dataclass(frozen=True)
class Protocol:
    """Switches that can change a number. `docs/deviations.md` explains each.

    Attributes:
        name: What tables and records call it.
        max_clicks: Clicks a trajectory may have.
        group_cut: `value`: groups are cut at click-map values, both ends inclusive, so
            ties sit in two groups (the original); `mass`: by exact tenths of the mass
            in order of (value, pixel).
        empty_map: Where the click falls if the map has no mass in the error region: at
            the `baseline` click (the original) or `uniform` in the region.
        clicks_after_perfect: Whether a click is still made when nothing is left to
            mend. The original puts a negative one at (0, 0).
        nof_counts_last_click: Whether an object solved exactly at the last click counts
            as failed (the original).
        drop_mask_prompt: Whether SAM-like segmenters lose their mask prompt at click 2
            if that click is negative (the original).
        empty_mask_keeps_crop: Whether segmenters that zoom put their answer into the
            last crop when the last mask was empty, though they then look at the whole
            photograph (the original).
        mask_evaluated_maps: Whether click-model evaluation masks maps to the error
            region.
        nss_epsilon: Added to the deviation that NSS divides by, of a map that sums to
            one (the original's 1e-9).
        stop_at: IoU in percent at which a trajectory ends, when only NoC up to there is
            wanted; 0 plays all clicks.
    """

    name: str
    max_clicks: Annotated[int, checks.at_least(1)] = 20
    group_cut: Literal["value", "mass"] = "value"
    empty_map: Literal["baseline", "uniform"] = "baseline"
    clicks_after_perfect: bool = True
    nof_counts_last_click: bool = True
    drop_mask_prompt: bool = True
    empty_mask_keeps_crop: bool = True
    mask_evaluated_maps: bool = False
    nss_epsilon: Annotated[float, checks.within(0, 1)] = 1e-9
    stop_at: Annotated[int, checks.within(0, 100)] = 0

    def __post_init__(self) -> None:
        """Refuses what no run could play."""
        checks.check(self, "Protocol.")


PAPER = Protocol(name="paper")


STRICT = Protocol(
    name="strict",
    group_cut="mass",
    empty_map="uniform",
    clicks_after_perfect=False,
    nof_counts_last_click=False,
    drop_mask_prompt=False,
    empty_mask_keeps_crop=False,
    mask_evaluated_maps=True,
    nss_epsilon=0.0,
)


PROTOCOLS = {"paper": PAPER, "strict": STRICT}


def protocol(name: str) -> Protocol:
    """Returns the protocol called `name`; raises `UnknownNameError`."""
    if name not in PROTOCOLS:
        raise errors.UnknownNameError("protocol", name, PROTOCOLS)
    return PROTOCOLS[name]
