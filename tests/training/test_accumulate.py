"""Steps in parts and with features computed again learn what whole steps learn."""

import re

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import two_convolutions

from rclicks_jax.networks import layers, mscan
from rclicks_jax.ops import chain, depthwise, scaling
from rclicks_jax.training import devices, state, steps
from rclicks_jax.types import TrainBatch

SIZE = 32
# Where a map is 0, the divergence has a slope of 1e9, which rounding decides: maps of
# `Deep` are 0 where there are no clicks, and there alone.
INSIDE = np.tile(np.arange(SIZE) >= 4, (SIZE, 1)).astype(np.float32)


# How far rounding may lead two trainings apart in three steps.
ROUNDING = 1e-4
# A sum of n numbers in another order differs by some epsilon * sqrt(n). A loss has
# three sums over the pixels of a map: two make densities, one is the divergence.
ROUNDING_OF_LOSS = 3 * SIZE * float(np.finfo(np.float32).eps)


def batch_of(count):
    random = np.random.default_rng(0)
    return TrainBatch(
        random.normal(size=(count, SIZE, SIZE, 3)).astype(np.float32),
        random.random((count, SIZE, SIZE, 2), dtype=np.float32),
        random.random((count, SIZE, SIZE), dtype=np.float32),
        np.ones((count, SIZE, SIZE), np.float32),
        np.ones(count, np.float32),
    )


def step_of(net, variables, rate=1.0, **options):
    """Returns a step of plain descent on all devices, and its first state."""
    descent = optax.sgd(rate)
    step = steps.make_train_step(
        net,
        descent,
        masked=False,
        axis_name=devices.AXIS,
        without_cancelled=lambda gradients: gradients,
        **options,
    )
    fresh = devices.replicate(state.create(variables, descent))
    return devices.parallel_train_step(step), fresh


def stepped(net, variables, batch, **options):
    """Returns the state after one step, and the loss."""
    step, before = step_of(net, variables, **options)
    after, loss = step(before, devices.divide(batch), jax.random.key(0))
    return devices.to_host(after), float(loss)


@pytest.fixture(scope="module")
def plain():
    """A network without batch normalisation."""
    size = two_convolutions.SIZES["narrow"]
    net = two_convolutions.Network(size, train=True, axis_name=devices.AXIS)
    return net, two_convolutions.init(size, 0)


class Normed(nn.Module):
    """A convolution and a batch normalisation."""

    @nn.compact
    def __call__(self, image, masks):
        mode = layers.Mode(train=True, axis_name=devices.AXIS)
        return layers.BatchNorm(mode)(nn.Conv(2, (3, 3))(image)).sum(-1)


@pytest.fixture(scope="module")
def normed():
    batch, net = batch_of(1), Normed()
    variables = net.init(jax.random.key(0), batch.image, batch.masks)
    return net, variables


def distance(ours, expected):
    """Returns the distance of two trees over the length of the second."""
    pairs = list(zip(jax.tree.leaves(ours), jax.tree.leaves(expected), strict=True))
    far = sum(float(((a - b) ** 2).sum()) for a, b in pairs)
    return np.sqrt(far / sum(float((b**2).sum()) for _, b in pairs))


def gradients(net, variables, batch, **options):
    after, loss = stepped(net, variables, batch, **options)
    moved = jax.tree.map(np.subtract, variables["params"], after.params)
    return moved, loss


@pytest.mark.parametrize("accumulate", [2, 4])
def test_parts_have_the_gradients_of_the_whole_batch(plain, accumulate):
    # Rows differ in weight, so a mean of means over parts would be another number.
    batch = batch_of(16)._replace(weight=np.arange(16, dtype=np.float32))
    # Where a map is 0, the divergence has a slope of 1e9, which rounding decides.
    net, variables = plain
    maps = scaling.scale_to_unit(net.apply(variables, batch.image, batch.masks))
    batch = batch._replace(click_map=batch.click_map * (np.asarray(maps) > 0.05))
    whole, loss = gradients(*plain, batch)
    parts, loss_of_parts = gradients(*plain, batch, accumulate=accumulate)
    assert loss_of_parts == pytest.approx(loss, rel=ROUNDING_OF_LOSS)
    assert distance(parts, whole) < 1e-5
    other, _ = gradients(*plain, batch._replace(weight=np.ones(16, np.float32)))
    assert distance(other, whole) > 1e-2


SHAPE = re.compile(r"f32\[([0-9,]*)\]")


def exchanged(net, variables, **options):
    """Returns how many numbers each all-reduce of a compiled step takes."""
    step, before = step_of(net, variables, **options)
    batch = devices.divide(batch_of(8))
    text = step.lower(before, batch, jax.random.key(0)).compile().as_text()
    found = re.findall(r" = (.*) all-reduce(?:-start)?\(", text)
    return [sum(map(numbers_of, SHAPE.findall(result))) for result in found]


def numbers_of(shape):
    """Returns how many numbers an array has, of its sides in a program's text."""
    return int(np.prod([int(side) for side in shape.split(",") if side]))


@pytest.mark.parametrize("accumulate", [1, 2])
def test_all_gradients_take_one_all_reduce(plain, accumulate):
    _, variables = plain
    parameters = sum(leaf.size for leaf in jax.tree.leaves(variables["params"]))
    # XLA joins what is summed up at the same time: with the loss. The other is the sum
    # of weights.
    sizes = exchanged(*plain, accumulate=accumulate)
    assert sorted(sizes) == [1, parameters + 1]


@pytest.mark.parametrize("accumulate", [1, 2])
def test_statistics_take_few_more(normed, accumulate):
    _, variables = normed
    numbers = sum(leaf.size for leaf in jax.tree.leaves(variables))
    sizes = exchanged(*normed, accumulate=accumulate)
    # The mean and the square of the normalisation, forward and backward.
    assert len(sizes) <= 2 + 4
    assert sum(sizes) < 2 * numbers


def test_running_statistics_move_once_a_step_by_the_mean_over_parts(normed):
    batch = batch_of(16)
    net, variables = normed
    after, _ = stepped(net, variables, batch, accumulate=2)
    features = nn.Conv(2, (3, 3)).apply(
        {"params": variables["params"]["Conv_0"]}, batch.image
    )
    # Each device has four examples; the first part is the first two of each.
    parts = np.asarray(features).reshape(4, 2, 2, SIZE, SIZE, 2).swapaxes(0, 1)
    parts = parts.reshape(2, -1, 2)
    ours = after.batch_stats["BatchNorm_0"]
    mean, var = parts.mean(1).mean(0), parts.var(1, ddof=1).mean(0)
    np.testing.assert_allclose(ours["mean"], 0.1 * mean, atol=1e-6)
    np.testing.assert_allclose(ours["var"], 0.9 + 0.1 * var, rtol=1e-5)


class Deep(nn.Module):
    """A stage of blocks that drop much."""

    remat: bool = False

    @nn.compact
    def __call__(self, image, masks):
        mode = layers.Mode(train=True, axis_name=devices.AXIS)
        encoder = mscan.Encoder((4,), (2,), (2,), 0.6, mode, self.remat)
        (features,) = encoder(image, masks[:, ::4, ::4, :1])
        maps = (2 + jnp.tanh(features.sum(-1))).repeat(4, axis=1).repeat(4, axis=2)
        return maps * INSIDE[None]


@pytest.fixture(scope="module")
def deep():
    """Variables of `Deep`, whose blocks matter as much as after a training."""
    batch = batch_of(1)
    shapes = jax.eval_shape(Deep().init, jax.random.key(0), batch.image, batch.masks)
    random = np.random.default_rng(0)
    return {
        "params": jax.tree.map(
            lambda leaf: random.normal(size=leaf.shape).astype(np.float32),
            shapes["params"],
        ),
        "batch_stats": jax.tree.map(
            lambda leaf: np.ones(leaf.shape, np.float32), shapes["batch_stats"]
        ),
    }


@pytest.fixture(scope="module", autouse=True)
def quick():
    """Replaces the many depthwise convolutions, which take long to compile."""

    def scaled(images, kernel):
        return images * kernel.sum((0, 1), keepdims=True)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(depthwise, "depthwise_conv", scaled)
        yield


class Training:
    """A compiled step of a network, in two parts, with its first state."""

    def __init__(self, net, variables):
        step, self.first = step_of(net, variables, 0.01, accumulate=2)
        batch = batch_of(8)
        batch = batch._replace(click_map=batch.click_map * INSIDE)
        self.batch = devices.divide(batch)
        self.program = step.lower(self.first, self.batch, jax.random.key(0)).compile()

    def steps(self, seed=0):
        """Returns the states and losses of three steps."""
        states, losses = [self.first], []
        for _ in range(3):
            state, loss = self.program(states[-1], self.batch, jax.random.key(seed))
            states.append(state)
            losses.append(float(loss))
        return list(map(devices.to_host, states)), losses


@pytest.fixture(scope="module")
def kept(deep):
    """The training that keeps features."""
    return Training(Deep(), deep)


def differences(ours, expected):
    """Returns how far two trainings are from each other, as parts of what changed."""
    (states, losses), (others, expected_losses) = ours, expected
    found = list(np.abs(np.divide(losses, expected_losses) - 1))
    for number in (1, 2, 3):
        for part in ("params", "batch_stats"):
            changes = [
                jax.tree.map(
                    np.subtract, getattr(run[number], part), getattr(run[0], part)
                )
                for run in (states, others)
            ]
            found.append(distance(*changes))
    return found


@pytest.mark.long
def test_features_computed_again_learn_what_kept_ones_do(deep, kept):
    again = Training(Deep(remat=True), deep)
    assert max(differences(again.steps(), kept.steps())) < ROUNDING
    # Other paths dropped would be seen.
    assert min(differences(kept.steps(1), kept.steps())[3:]) > 1e-2


@pytest.mark.long
def test_blocks_in_a_loop_learn_what_blocks_in_a_row_do(deep, kept, monkeypatch):
    monkeypatch.setattr(chain, "_row", chain._loop)
    # There are loops only where features are computed again.
    looped = Training(Deep(remat=True), deep)
    assert max(differences(looped.steps(), kept.steps())) < ROUNDING
