"""SAM 2 and 2.1 for photographs: an image encoder of several scales, and a decoder."""
