"""What SAM and its successors share: prompts, the decoder's transformer, masks."""
