"""A segmenter for comparisons: the same bits in any environment, in whole numbers.

The photograph is shrunk to a grid. The length of a path between two cells is the sum
of squared differences of colour along it. A cell belongs to the object if its nearest
positive click is nearer than its nearest negative one, and near at all. All of these
are sums of int32, so NumPy 1 and 2 give the same masks.

Only NumPy is imported: the original's environment imports this file as well.
"""

import numpy as np

# Cells along the longer side of a photograph.
GRID = 120
# Length of a step between cells of one colour, and of a path that is not near.
STEP, LIMIT = 5, 2000
_FAR = np.int32(2**30)


def load(options):
    """Takes no options."""
    if options:
        raise ValueError(f"nearest_click takes no options; it was given {options}.")


def encode(model, image):
    """Returns the lengths of steps, `i32[r c]` each, and the cell of each pixel."""
    height, width = image.shape[:2]
    rows, columns = (
        np.arange(side) * GRID // max(height, width) for side in (height, width)
    )
    tops, lefts = (
        np.flatnonzero(np.diff(cells, prepend=-1)) for cells in (rows, columns)
    )
    sums = np.add.reduceat(image.astype(np.int64), tops, axis=0)
    sums = np.add.reduceat(sums, lefts, axis=1)
    sizes = np.outer(np.diff(tops, append=height), np.diff(lefts, append=width))
    cells = (sums // sizes[..., None]).astype(np.int32)
    return {
        "down": _steps(cells, axis=0),
        "right": _steps(cells, axis=1),
        # From places among all cells to places among those that have a pixel.
        "rows": np.searchsorted(rows[tops], rows),
        "columns": np.searchsorted(columns[lefts], columns),
    }


def _steps(cells, axis):
    apart = np.abs(np.diff(cells, axis=axis)).sum(axis=-1, dtype=np.int32)
    return STEP + apart**2 // 16


def start(features):
    """Returns what is known before the first click: all clicks are far."""
    shape = len(features["down"]) + 1, features["right"].shape[1] + 1
    return np.full((2, *shape), _FAR)


def add_click(features, nearest, y, x, positive):
    """Takes a click into `nearest`, `i32[2 r c]`: of negative and positive clicks."""
    field = nearest[int(positive)]
    field[features["rows"][y], features["columns"][x]] = 0
    down, right = features["down"], features["right"]
    while True:
        before = field.copy()
        np.minimum(field[1:], field[:-1] + down, out=field[1:])
        np.minimum(field[:-1], field[1:] + down, out=field[:-1])
        np.minimum(field[:, 1:], field[:, :-1] + right, out=field[:, 1:])
        np.minimum(field[:, :-1], field[:, 1:] + right, out=field[:, :-1])
        if np.array_equal(field, before):
            return


def mask_of(features, nearest):
    """Returns the mask, `bool[h w]`."""
    cells = (nearest[1] < nearest[0]) & (nearest[1] < LIMIT)
    return cells[features["rows"][:, None], features["columns"]]


def predict(model, features, clicks, state):
    """Answers every trajectory; the state is what it knows and of how many clicks."""
    trajectories = len(clicks.count)
    if state is None:
        nearest = np.stack([start(features)] * trajectories)
        done = np.zeros(trajectories, np.int32)
    else:
        nearest, done = state["nearest"].copy(), state["done"]
    masks = []
    for row, count in enumerate(clicks.count):
        for click in range(int(done[row]), int(count)):
            (y, x), positive = clicks.yx[row, click], clicks.positive[row, click]
            add_click(features, nearest[row], y, x, positive)
        masks.append(mask_of(features, nearest[row]))
    return np.stack(masks), {"nearest": nearest, "done": clicks.count.copy()}
