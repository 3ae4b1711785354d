"""MobileSAM: a small image encoder with convolutions, and the decoder of SAM."""
