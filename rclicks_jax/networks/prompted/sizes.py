"""Sizes that the shared parts of SAM and its successors ask for."""

from typing import Protocol

# No shape of weights shows it; all published networks have it.
DECODER_HEADS = 8


class Sizes(Protocol):
    """Widths and depths of prompts and of the decoder's transformer."""

    @property
    def variant(self) -> str:
        """Name of the size."""
        ...

    @property
    def side(self) -> int:
        """Side of the square that the encoder sees, pixels."""
        ...

    @property
    def grid(self) -> int:
        """Places of the embedding along a side of the square."""
        ...

    @property
    def channels(self) -> int:
        """Channels of the embedding and of the decoder."""
        ...

    @property
    def mask_channels(self) -> int:
        """Channels of a mask prompt before the last convolution."""
        ...

    @property
    def layers(self) -> int:
        """Layers of the decoder's transformer."""
        ...

    @property
    def decoder_hidden(self) -> int:
        """Channels within the feed-forward part of such a layer."""
        ...
