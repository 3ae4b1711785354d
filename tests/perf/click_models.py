"""Times click models that need no network: on the host, and as batches on a device.

    python tests/perf/click_models.py

Batches are UD and DT as JAX would compute them for maps of one size: what the host
functions are kept for.
"""

import cv2
import jax
import jax.numpy as jnp
import numpy as np
import page
from timing import median_ms

from rclicks_jax.clicks import click_models
from rclicks_jax.types import ClickQuery

SHAPES = ((600, 800), (1500, 2000))
TOGETHER = 8
SPECS = ("UD", "DT", "SM:source=spectral_residual", "SI:source=spectral_residual")


def queries_of(height, width):
    """Returns photographs of noise with an ellipse each, of 3 to 28 % of the pixels."""
    random = np.random.default_rng(0)
    image = random.integers(0, 256, (height, width, 3), np.uint8)
    rows, columns = np.indices((height, width))
    made = []
    for _ in range(TOGETHER):
        y, x = random.uniform(0.3, 0.7, 2)
        high, wide = random.uniform(0.1, 0.3, 2)
        region = ((rows / height - y) / high) ** 2 + ((columns / width - x) / wide) ** 2
        made.append(ClickQuery(image, region <= 1, region <= 1))
    return made


def whole(query):
    """Transforms all of the photograph, as the original does."""
    depth = cv2.distanceTransform(
        query.error_mask.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE
    )
    return depth / depth.max()


@jax.jit
@jax.vmap
def uniform(region):
    return region / jnp.maximum(region.max(), 1e-9)


@jax.jit
@jax.vmap
def distance(region):
    """The exact transform: distances along columns, then the nearest of each row."""

    def step(count, row):
        count = jnp.where(row, count + 1, 0)
        return count, count

    far = jnp.full(region.shape[1], 1e4)
    down = jax.lax.scan(step, far, region)[1]
    up = jax.lax.scan(step, far, region, reverse=True)[1]
    along = jnp.arange(region.shape[1], dtype=jnp.float32)
    apart = (along[:, None] - along[None]) ** 2
    squares = jnp.minimum(down, up) ** 2
    depth = jnp.sqrt(jax.lax.map(lambda row: (row[None] + apart).min(axis=1), squares))
    return depth / depth.max()


def rows_of(shape):
    queries = queries_of(*shape)
    regions = [query.error_mask for query in queries]
    batches = {
        "UD": lambda: np.asarray(uniform(np.stack(regions).astype(np.float32))),
        "DT": lambda: np.asarray(distance(np.stack(regions))),
    }
    for spec in SPECS:
        model = click_models.load(spec)
        cells = [median_ms(lambda model=model: model(queries), 5)]
        if spec in batches:
            cells.append(median_ms(batches[spec], 3))
        if spec == "DT":
            cells.append(median_ms(lambda: [whole(query) for query in queries], 5))
            np.testing.assert_allclose(batches[spec]()[0], whole(queries[0]), atol=1e-6)
        shown = [f"{cell / TOGETHER:.2f}" for cell in cells] + ["–"] * (3 - len(cells))
        name = click_models.title(spec)
        yield f"| {name}, {shape[0]}x{shape[1]} | {' | '.join(shown)} |"


def table():
    yield page.machine()
    yield ""
    yield "| a map of | host, ms | a batch by JAX, ms | the original's way, ms |"
    yield "|---|---:|---:|---:|"
    for shape in SHAPES:
        yield from rows_of(shape)


def main():
    page.put("click models", page.printed(table()))


if __name__ == "__main__":
    main()
