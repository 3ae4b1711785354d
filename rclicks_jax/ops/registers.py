"""Sizes of a TPU's registers, which say how arrays should lie there.

Source: docs.jax.dev, Pallas TPU. A register has 8 rows of 128 numbers of 32 bits.
"""

# Numbers of a row, along which channels lie, and sides of the units for products.
LANES = 128
# Rows, along which the images of a batch lie where channels are last.
ROWS = 8
