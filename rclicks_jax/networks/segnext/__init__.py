"""SegNext: a plain vision transformer encodes a photograph, then clicks are fused."""
