import numpy as np
import pytest
from helpers import disk
from skimage.segmentation import random_walker as reference

from rclicks_jax import errors
from rclicks_jax.segmenters import random_walker, walks
from rclicks_jax.types import Clicks


def clicks_of(*trajectories):
    """Each trajectory is a list of (y, x, positive)."""
    most = max(map(len, trajectories))
    yx = np.zeros((len(trajectories), most, 2), np.int32)
    positive = np.zeros((len(trajectories), most), bool)
    for row, given in enumerate(trajectories):
        for column, (y, x, sign) in enumerate(given):
            yx[row, column], positive[row, column] = (y, x), sign
    return Clicks(yx, positive, np.array([len(t) for t in trajectories], np.int32))


def photo(shape=(40, 40), seed=0):
    """A noisy disk on a noisy ground."""
    image = np.random.default_rng(seed).integers(0, 60, (*shape, 3), dtype=np.uint8)
    image[disk(shape, (shape[0] // 2, shape[1] // 2), min(shape) // 3)] += 120
    return image


def loaded(**options):
    plain = {"grid": "40", "leak": "0", "seed_radius": "0", "tolerance": "1e-6"}
    return random_walker.load({**plain, **{k: str(v) for k, v in options.items()}})


SEEDS = [(20, 20, True), (18, 25, True), (2, 3, False), (37, 30, False)]


@pytest.mark.parametrize("beta", [1, 10, 30])
def test_potentials_equal_scikit_images(beta):
    image = photo()
    model = loaded(beta=beta, max_iterations=3000, batch=1)
    features = random_walker.encode(model, image)
    _, ours = random_walker.predict(model, features, clicks_of(SEEDS), None)
    labels = np.zeros((40, 40), int)
    for y, x, positive in SEEDS:
        labels[y, x] = 1 if positive else 2
    expected = reference(
        image / 255,
        labels,
        beta=beta,
        mode="bf",
        return_full_prob=True,
        channel_axis=-1,
    )[0]
    np.testing.assert_allclose(ours[0], expected, atol=1e-4)


def test_edge_weights_equal_scikit_images():
    image = photo()
    graph = random_walker.encode(loaded(beta=25), image).graph
    values = image.astype(np.float32) / 255
    scale = 25 / (10 * values.std() * np.sqrt(3))
    right = np.exp(-scale * (np.diff(values, axis=1) ** 2).sum(axis=-1))
    np.testing.assert_allclose(graph.right[:, :-1], right, rtol=1e-4, atol=1e-9)
    assert not np.asarray(graph.right[:, -1]).any()
    assert not np.asarray(graph.down[-1]).any()


@pytest.mark.parametrize("shape", [(40, 40), (60, 33), (21, 90), (1, 50)])
def test_masks_have_native_size_and_hold_their_clicks(shape):
    image = photo(shape)
    model = random_walker.load({"grid": "48", "batch": "3"})
    middle = (shape[0] // 2, shape[1] // 2)
    given = [[(*middle, True)], [(*middle, True), (0, 0, False)]]
    features = random_walker.encode(model, image)
    masks, state = random_walker.predict(model, features, clicks_of(*given), None)
    assert masks.shape == (2, *shape)
    assert masks.dtype == bool
    assert state.shape == (2, 48, 48)
    assert masks[:, middle[0], middle[1]].all()
    assert not masks[1, 0, 0]


def test_it_finds_the_disk():
    shape = (60, 80)
    model = random_walker.load({})
    features = random_walker.encode(model, photo(shape))
    masks, _ = random_walker.predict(model, features, clicks_of([(30, 40, True)]), None)
    target = disk(shape, (30, 40), 20)
    assert (masks[0] & target).sum() / (masks[0] | target).sum() > 0.9


def test_trajectories_of_a_batch_do_not_touch_each_other():
    image = photo((50, 50))
    model = random_walker.load({"grid": "40", "batch": "4"})
    features = random_walker.encode(model, image)
    random = np.random.default_rng(1)
    given = [
        [
            (int(y), int(x), bool(s))
            for y, x, s in zip(*random.integers(0, 2, (3, 5)), strict=True)
        ]
        + [(int(random.integers(50)), int(random.integers(50)), True)]
        for _ in range(9)
    ]
    together, _ = random_walker.predict(model, features, clicks_of(*given), None)
    for row, one in enumerate(given):
        alone, _ = random_walker.predict(model, features, clicks_of(one), None)
        np.testing.assert_array_equal(alone[0], together[row])


def test_the_state_saves_steps_and_changes_next_to_nothing():
    model = random_walker.load({"tolerance": "1e-5"})
    features = random_walker.encode(model, photo((50, 50)))
    first, second = (
        clicks_of([(25, 25, True)]),
        clicks_of([(25, 25, True), (3, 3, False)]),
    )
    _, state = random_walker.predict(model, features, first, None)
    _, warm = random_walker.predict(model, features, second, state)
    _, cold = random_walker.predict(model, features, second, None)
    np.testing.assert_allclose(warm, cold, atol=2e-3)


def test_later_clicks_win_but_not_over_the_centre_of_another():
    yx = np.array([[5, 5], [5, 6], [9, 9]], np.int32)
    positive = np.array([True, False, True])
    seeded, value = walks.seeds(yx, positive, np.int32(2), (12, 12), 1.0)
    assert bool(seeded[5, 5])
    assert value[5, 5] == 1
    assert value[5, 6] == 0
    assert bool(seeded[5, 7])
    assert not bool(seeded[9, 9])


def test_clicks_at_the_border_fall_into_the_grid():
    from rclicks_jax.ops import letterbox

    box = letterbox.fit((100, 37), 48)
    corners = np.array([[0, 0], [99, 36], [0, 36]])
    cells = random_walker.to_grid(corners, box)
    y0, y1, x0, x1 = box.box
    assert cells.tolist() == [[y0, x0], [y1 - 1, x1 - 1], [y0, x1 - 1]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gird": "3"}, "gird; allowed:.*grid"),
        ({"beta": "much"}, "beta: got 'much'"),
    ],
)
def test_wrong_options_are_named(options, message):
    with pytest.raises(errors.BadValueError, match=message):
        random_walker.load(options)
