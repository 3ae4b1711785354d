"""SAM and its successors in JAX: what users name, and the published checkpoints.

Each is driven as its bridged namesake is, and obeys the same switch of the protocol.

Source: emb-ai/rclicks, isegm/isegm/model/is_sam_model.py, is_sam2_model.py,
is_mobilesam_model.py and is_samhq_model.py.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rclicks_jax.segmenters.native.settings import Settings, read

# JAX takes seconds to import, and lists of segmenters do not need it.
if TYPE_CHECKING:
    from rclicks_jax.bridge.switches import Switches
    from rclicks_jax.segmenters.native import engine


@dataclasses.dataclass(frozen=True)
class Prompted:
    """A method of the family, as the registry names it.

    Attributes:
        summary: What lists say of it.
        METHOD: Its bridged namesake, whose page says where checkpoints come from.
        checkpoint: A published file, for the example of its page.
    """

    summary: str
    METHOD: str
    checkpoint: str

    @property
    def name(self) -> str:
        """Name of the segmenter."""
        return f"jax_{self.METHOD}"

    @property
    def EXAMPLE(self) -> str:  # noqa: N802
        """What a page of the catalogue shows."""
        return f"{self.name}:checkpoint={self.checkpoint}"

    def load(self, options: Mapping[str, str]) -> Settings:
        """Reads the settings from `NAME:key=value:...`, without loading anything.

        Raises:
            BadValueError: A setting is unknown, missing or has a value that is not
                allowed.
            SegmenterError: There is no such checkpoint.
        """
        return read(Settings, self.name, self.METHOD, options)

    def open_segmenter(
        self, settings: Settings, protocol: Switches
    ) -> engine.NativeSegmenter:
        """Loads the network.

        Args:
            settings: What `load` returned.
            protocol: Switches of the run's protocol.

        Raises:
            SegmenterError: The checkpoint cannot be read, or is of another method.
            BadValueError: The host has fewer devices.
        """
        from rclicks_jax.segmenters.native import engine

        package = __name__.rpartition(".")[0]
        module = importlib.import_module(f"{package}.{self.METHOD}_method")
        make = functools.partial(
            module.from_torch, drops_mask_prompt=protocol.drop_mask_prompt
        )
        return engine.open_segmenter(self.name, settings, make)


SAM = Prompted(
    "SAM B, L and H in JAX; the checkpoint is the published one.",
    "sam",
    "sam_vit_b_01ec64.pth",
)
SAM_HQ = Prompted(
    "SAM-HQ B, L and H in JAX; the checkpoint is the published one.",
    "sam_hq",
    "sam_hq_vit_b.pth",
)
MOBILE_SAM = Prompted(
    "MobileSAM in JAX; the checkpoint is the published one.",
    "mobile_sam",
    "mobile_sam.pt",
)
SAM2 = Prompted(
    "SAM 2 and 2.1, T, S, B+ and L, in JAX; the checkpoint is the published one.",
    "sam2",
    "sam2.1_hiera_base_plus.pt",
)
