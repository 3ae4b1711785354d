import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rclicks_jax.ops import depthwise, row_blocks


@pytest.mark.parametrize("rows", [1, 2, 6])
def test_blocks_with_their_halo_give_what_the_whole_gives(rows):
    keys = jax.random.split(jax.random.key(0), 2)
    images = jax.random.normal(keys[0], (2, 6, 5, 3))
    kernel = jax.random.normal(keys[1], (3, 3, 1, 3))

    def function(block, inside):
        # What is 0 outside of the images must be so after a bias.
        return depthwise.conv_of_rows(jnp.where(inside, block + 1, 0), kernel)

    ours = row_blocks.map_rows(function, images, rows, halo=1)
    whole = depthwise.depthwise_conv(images + 1, kernel, "lax")
    np.testing.assert_allclose(ours, whole, atol=1e-5)


@pytest.mark.parametrize(
    ("height", "row", "rows"), [(104, 1 << 20, 26), (26, 1 << 20, 26), (7, 1 << 30, 1)]
)
def test_a_block_is_the_largest_divisor_that_fits(height, row, rows):
    assert row_blocks.rows_of_block(height, row, halo=1) == rows
