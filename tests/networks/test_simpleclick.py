"""SimpleClick beside its authors' answers, and mistakes that these would show."""

import pathlib
from unittest import mock

import flax.linen as nn
import golden_keys
import jax
import jax.numpy as jnp
import mistakes
import numpy as np
import pytest
import simpleclick_cases as cases
from helpers import one_and_long

from rclicks_jax import errors
from rclicks_jax.bridge.adapters import isegm_crops
from rclicks_jax.networks import architectures, layers, parts
from rclicks_jax.networks.simpleclick import (
    disks,
    network,
    pyramid,
    sizes,
    vit,
    weights,
)
from rclicks_jax.ops import box_resize, torch_resize
from rclicks_jax.weights import state_dicts

pytestmark = pytest.mark.usefixtures("compiled_for_users")

GOLDEN = pathlib.Path(__file__).parents[1] / "golden" / "simpleclick_small.npz"
# The smallest photograph.
NUMBER, SHAPE = 0, cases.SHAPES["small"][0]
# Of the deviation of the logits.
LOGITS = 5e-5
SIDE, SLOTS = 448, 26


@pytest.fixture(scope="module")
def golden():
    return np.load(GOLDEN, allow_pickle=False)


@pytest.fixture(scope="module")
def state(golden):
    return cases.state_of(golden_keys.shapes_in(golden))


def checkpoint_of(state, config=cases.CONFIG):
    shapes = {key: array.shape for key, array in state.items()}
    beside = {"config": config} if config else {}
    return state_dicts.Checkpoint("", [], shapes, state.__getitem__, (), beside)


@pytest.fixture(scope="module")
def loaded(state):
    return weights.from_torch(checkpoint_of(state))


class Player:
    """Plays clicks on the smallest photograph with a network."""

    def __init__(self, net, variables, flip=True):
        self.variables = variables
        image = jnp.asarray(cases.photograph(SHAPE))

        def answer(variables, last, boxes, points, mirrored, positive):
            def seen(probabilities, box):
                colours = box_resize.into_square(image, box, SIDE) / 255
                own = box_resize.into_square(probabilities[..., None], box, SIDE)
                return jnp.concatenate([colours, own], axis=-1)

            pixels = jax.vmap(seen)(last, boxes)
            squares = network.Squares(pixels, points, mirrored, positive)
            logits = net.apply(variables, squares, flip=flip, method="answer")
            soft = jax.nn.sigmoid(logits)
            onto = jax.vmap(box_resize.onto_map, (0, 0, None))
            return logits, onto(soft, boxes, SHAPE)

        self.answer = jax.jit(answer)

    def play(self, crops, shift=0.0, forgets=False):
        """Yields number and logits after each click, given the crops of all clicks."""
        yx, signs = cases.clicks_on(SHAPE)
        rows = len(yx)
        last = jnp.zeros((rows, *SHAPE))
        points, mirrored = np.full((rows, SLOTS, 2), -1.0), np.full((rows, SLOTS), -1.0)
        positive = np.ones((rows, SLOTS), bool)
        for count, boxes in enumerate(crops, 1):
            for row, box in enumerate(boxes.tolist()):
                given = isegm_crops.points_in(box, (SIDE, SIDE), yx[row, :count] * 1.0)
                points[row, :count] = given + shift
            positive[:, :count] = signs[:, :count]
            mirrored[:, :count] = SIDE - points[:, :count, 1] - 1
            logits, last = self.answer(
                self.variables,
                last * 0 if forgets else last,
                boxes,
                points.astype(np.float32),
                mirrored.astype(np.float32),
                positive,
            )
            yield count, logits


def errors_of(player, golden, rounds=2, **mistakes):
    """Returns the largest error of logits, in tolerances."""
    largest = 0
    crops = golden[f"{NUMBER}/crops"][:rounds]
    for count, logits in player.play(crops, **mistakes):
        found = np.asarray(logits).reshape(len(logits), -1)[:, :: cases.STRIDE]
        expected = golden[f"{NUMBER}/logits"][count - 1]
        largest = max(largest, np.abs(found - expected).max())
    return largest / golden[f"{NUMBER}/deviation"] / LOGITS


@pytest.fixture(scope="module")
def player(loaded):
    size, variables = loaded
    return Player(network.SimpleClick(size), variables)


@pytest.mark.long
def test_twenty_clicks_are_answered_as_by_the_authors(player, golden):
    assert errors_of(player, golden, rounds=cases.ROUNDS) < 1


def another_cubic(source, target):
    with mock.patch.object(torch_resize, "_CUBIC", -0.5):
        return right_bicubic(source, target)


right_bicubic = torch_resize.bicubic
# What is wrong in the network.
PATCHES = {
    "tanh for erf": (layers, "gelu", lambda x: nn.gelu(x, approximate=True)),
    "epsilon of the transformer": (vit, "_EPSILON", 1e-5),
    "epsilon of the pyramid": (pyramid, "_EPSILON", 1e-6),
    "disks of another radius": (disks, "RADIUS", 4.0),
    "corners aligned inside": (torch_resize, "bilinear", torch_resize.aligned),
    "corners not aligned outside": (torch_resize, "aligned", torch_resize.bilinear),
    "positions by another cubic": (torch_resize, "bicubic", another_cubic),
}
# The tolerances by which it shows, where not by 100. The functions differ by less than
# 5e-4 anywhere, and few layers of the pyramid have variances as small.
LEAST = {"tanh for erf": 25, "epsilon of the pyramid": 40}
# Wrong arguments of `Player.play`.
ARGUMENTS = {"half a pixel": {"shift": 0.5}, "last answer forgotten": {"forgets": True}}


@pytest.fixture(scope="module")
def mistaken(loaded):
    size, variables = loaded
    net = mistakes.Mistaken(network.SimpleClick(size), answer=PATCHES)
    player = Player(net, variables)

    def choose(mistake=None):
        player.variables = net.choose(variables, mistake)
        return player

    return choose


@pytest.mark.usefixtures("compiled_fast")
def test_without_a_mistake_nothing_shows(mistaken, golden):
    assert errors_of(mistaken(), golden, rounds=1) < 1


@pytest.mark.usefixtures("compiled_fast")
@pytest.mark.parametrize("mistake", PATCHES)
def test_a_mistake_in_the_network_shows(mistaken, golden, mistake):
    found = errors_of(mistaken(mistake), golden, rounds=1)
    assert found > LEAST.get(mistake, 100)


@pytest.mark.usefixtures("compiled_fast")
def test_windows_in_other_blocks_show(loaded, golden):
    size, variables = loaded
    with mock.patch.object(sizes.SimpleClickSizes, "group", 4):
        wrong = Player(network.SimpleClick(size), variables)
        assert errors_of(wrong, golden, rounds=1) > 100


@pytest.mark.usefixtures("compiled_fast")
@pytest.mark.parametrize("mistake", ARGUMENTS)
def test_a_mistake_in_what_it_is_given_shows(player, golden, mistake):
    assert errors_of(player, golden, **ARGUMENTS[mistake]) > 100


@pytest.mark.usefixtures("compiled_fast")
def test_logits_without_those_of_the_mirror_image_show(loaded, golden):
    size, variables = loaded
    alone = Player(network.SimpleClick(size), variables, flip=False)
    assert errors_of(alone, golden, rounds=1) > 100


def changed(variables, name, change):
    """Returns variables with the leaves changed whose path has a name."""
    leaves = architectures.flatten(variables)
    return architectures.unflatten(
        {path: change(leaf) if name in path else leaf for path, leaf in leaves.items()}
    )


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("pos_embed", lambda table: np.roll(table, 1, axis=1)),
        ("down_4_3", lambda leaf: leaf[:, ::-1] if leaf.ndim > 1 else leaf),
        ("down_32_0", lambda leaf: leaf[::-1] if leaf.ndim > 1 else leaf),
    ],
)
def test_weights_in_a_wrong_place_show(loaded, player, golden, name, change):
    variables, player.variables = player.variables, changed(loaded[1], name, change)
    try:
        assert errors_of(player, golden, rounds=1) > 100
    finally:
        player.variables = variables


def test_tokens_by_window_come_back():
    grid = np.arange(6 * 6 * 2).reshape(1, 6, 6, 2)
    tokens = vit.by_window(grid, 2)
    np.testing.assert_array_equal(tokens[0, 1, 0], grid[0, 0, 3])
    np.testing.assert_array_equal(vit.by_place(tokens), grid)


def test_a_click_above_and_left_of_the_square_has_no_disk():
    points = jnp.array([[[-1.0, -1.0], [-1.0, 2.0], [20.0, 30.5]]])
    layers = disks.disks(points, jnp.array([[True, True, False]]), 40)
    positive, negative = np.asarray(layers[0]).transpose(2, 0, 1)
    assert positive[0, 2] == positive[4, 2] == 1
    assert positive[5, 2] == positive[0, 7] == 0
    away = np.hypot(*np.mgrid[-20:20, -30.5:9.5])
    np.testing.assert_array_equal(negative, away <= 5)


@pytest.mark.long
@pytest.mark.usefixtures("compiled_fast")
def test_bfloat16_is_near(loaded, golden):
    size, variables = loaded
    cast = parts.in_precision(variables, jnp.bfloat16)
    player = Player(network.SimpleClick(size, jnp.bfloat16), cast)
    crops = golden[f"{NUMBER}/crops"][:1]
    ((_, logits),) = player.play(crops)
    found = np.asarray(logits).reshape(len(logits), -1)[:, :: cases.STRIDE]
    apart = np.abs(found - golden[f"{NUMBER}/logits"][0]).mean()
    assert 1e-4 < apart / golden[f"{NUMBER}/deviation"] < 0.1


@pytest.mark.parametrize("variant", one_and_long(sizes.PUBLISHED))
def test_shapes_tell_the_size(variant):
    size = sizes.PUBLISHED[variant]
    shapes = weights.torch_shapes(size)
    state = {key: np.broadcast_to(np.float32(0), shapes[key]) for key in shapes}
    assert sizes.sizes_of(state) == size
    assert size.variant == variant
    assert size.windows(448) == 2
    assert size.windows(672) == 3


def test_windows_must_tile_the_square(loaded):
    assert loaded[0].variant == "custom"
    with pytest.raises(errors.BadValueError, match=r"480.*windows of about 7 patches"):
        loaded[0].windows(480)


FUSED = "head.fusion_conv.conv.weight"


def with_params(**values):
    params = {name: {"value": value} for name, value in values.items()}
    return {**cases.CONFIG, "params": {**cases.CONFIG["params"], **params}}


@pytest.mark.parametrize(
    ("change", "config", "message"),
    [
        (lambda s: s.pop("backbone.blocks.3.norm1.bias"), cases.CONFIG, "lacks 1: bac"),
        (lambda s: s.update(extra=s["neck.down_4.1.bias"]), cases.CONFIG, "1: extra"),
        (lambda s: s.clear(), cases.CONFIG, "none of SimpleClick or CFR-ICL"),
        (
            lambda s: s.pop("patch_embed_coords.proj.weight"),
            cases.CONFIG,
            "none of SimpleClick",
        ),
        (
            lambda s: s.update({FUSED: np.repeat(s[FUSED], 2, axis=0)}),
            cases.CONFIG,
            "32 channels become 16",
        ),
        (
            lambda s: s.update({"backbone.blocks.8.x": np.zeros(1)}),
            cases.CONFIG,
            "has 9 blocks",
        ),
        (lambda s: None, None, "no config, and a width of 48"),
        (lambda s: None, {"class": "isegm.model.is_hrnet_model.HRNetModel"}, "HRNet"),
        (lambda s: None, with_params(norm_radius=3), "norm_radius=3.*have 5"),
        (lambda s: None, with_params(random_split=True), "random_split=True"),
        (lambda s: None, with_params(backbone_params={}), "num_heads=None"),
        (lambda s: None, with_params(backbone_params={"num_heads": 5}), "with 5 heads"),
    ],
)
def test_what_is_wrong_with_a_checkpoint_is_named(state, change, config, message):
    state = dict(state)
    change(state)
    with pytest.raises(errors.DataError, match=message):
        weights.from_torch(checkpoint_of(state, config))
