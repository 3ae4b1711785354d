"""SAM: an image encoder, and a decoder that turns clicks and a last mask into masks."""
