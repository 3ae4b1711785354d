"""SAM-HQ: SAM with a token and features of its own for a mask of finer borders."""
