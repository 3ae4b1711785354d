"""A program for another platform has what is fast there, wherever it is compiled."""

import dataclasses
import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rclicks_jax.networks import clickability
from rclicks_jax.ops import columns, depthwise, registers, row_blocks, scaling
from rclicks_jax.settings import networks

NETWORK = networks.network("nano")
# Of a block: 5x5, three pairs of strips, and 3x3; and convolutions of stride 2: three
# of the stages, two of the stem, two of the prompt.
DEPTHWISE, STRIDED = sum(NETWORK.depths) * 8, 3 + 2 + 2
# Lanes of registers: with 8, columns of the first stage lie side by side, and there are
# stages with as many channels and with more; with 1, all have more.
LANES = [128, 8, 1]


@functools.cache
def traced(function):
    """Returns a function of variables as JAX traces it, once for all platforms."""
    shapes = clickability.variable_shapes(NETWORK)
    images, masks = (
        jax.ShapeDtypeStruct((1, 32, 32, channels), jnp.float32) for channels in (3, 2)
    )
    return jax.jit(function).trace(shapes, images, masks)


def text_of(function, platform):
    """Returns the StableHLO of a function of variables, lowered for a platform."""
    return traced(function).lower(lowering_platforms=(platform,)).as_text()


def predict(variables, images, masks):
    return clickability.ClickabilityNet(NETWORK).apply(variables, images, masks)


def gradient(variables, images, masks):
    def loss(params):
        return predict({**variables, "params": params}, images, masks).sum()

    return jax.grad(loss)(variables["params"])


def convolutions(text):
    """Counts depthwise convolutions, and convolutions of stride 2."""
    groups = re.findall(r"feature_group_count = (\d+)", text)
    strides = re.findall(r"stride = \[2, 2\]", text)
    return sum(int(group) > 1 for group in groups), len(strides)


def test_gpus_get_convolutions():
    assert convolutions(text_of(predict, "cuda")) == (DEPTHWISE, STRIDED)


def test_tpus_get_folded_convolutions_and_dense_feed_forward_parts():
    # Of the feed-forward parts, and of the stem and the prompt.
    blocks, folded = sum(NETWORK.depths), 2 + 2
    expected = DEPTHWISE - blocks, STRIDED - folded
    assert convolutions(text_of(predict, "tpu")) == expected


def test_tpus_get_dense_convolutions_where_columns_are_joined(monkeypatch):
    monkeypatch.setattr(registers, "LANES", 8)
    joined = [
        columns.fitting(32 // side, channels)
        for side, channels in zip((4, 8, 16, 32), NETWORK.embed_dims, strict=True)
    ]
    assert joined == [2, 1, 1, 1]
    dense, blocks, folded = 7 * NETWORK.depths[0], sum(NETWORK.depths), 2 + 2

    def afresh(*arguments):
        return predict(*arguments)

    expected = DEPTHWISE - blocks - dense, STRIDED - folded
    assert convolutions(text_of(afresh, "tpu")) == expected
    assert convolutions(text_of(afresh, "cuda")) == (DEPTHWISE, STRIDED)


def of_tpu(*arguments, tpu=None, default=None, **_):
    """Takes the branch for TPUs, or the one for all others."""
    return (tpu or default)(*arguments)


@pytest.fixture(scope="module")
def on_cpu():
    """Variables and inputs of the network, and its maps."""
    random = np.random.default_rng(0)
    images = random.normal(size=(2, 64, 32, 3)).astype(np.float32)
    masks = (random.random((2, 64, 32, 2)) > 0.5).astype(np.float32)
    inputs = clickability.init_variables(NETWORK, 0), images, masks
    return inputs, jax.jit(predict)(*inputs)


@pytest.mark.long
def test_bfloat16_of_accelerators_is_near(on_cpu):
    inputs, expected = on_cpu
    rough = clickability.ClickabilityNet(NETWORK, dtype=jnp.bfloat16)
    found = jax.jit(rough.apply)(*inputs)
    apart = np.abs(scaling.scale_to_unit(found) - scaling.scale_to_unit(expected))
    assert 0 < apart.mean() < 0.01
    assert apart.max() < 0.06


@pytest.mark.long
@pytest.mark.parametrize("lanes", LANES)
def test_the_way_of_tpus_gives_the_same_maps(on_cpu, monkeypatch, lanes):
    inputs, expected = on_cpu
    monkeypatch.setattr(jax.lax, "platform_dependent", of_tpu)
    # With more channels than lanes, in blocks of two rows at most.
    monkeypatch.setattr(registers, "LANES", lanes)
    monkeypatch.setattr(row_blocks, "_BLOCK", 4 * 2 * 8 * 8 * 4)
    ours = jax.jit(lambda *arguments: predict(*arguments))(*inputs)
    np.testing.assert_allclose(ours, expected, atol=1e-5)


@pytest.mark.long
@pytest.mark.parametrize("remat", [False, True])
@pytest.mark.parametrize("lanes", LANES)
def test_the_way_of_tpus_gives_the_same_gradients(monkeypatch, lanes, remat):
    monkeypatch.setattr(registers, "LANES", lanes)
    monkeypatch.setattr(registers, "ROWS", 1)
    random = np.random.default_rng(0)
    images = random.normal(size=(2, 32, 64, 3)).astype(np.float32)
    masks = (random.random((2, 32, 64, 2)) > 0.5).astype(np.float32)
    weights = random.normal(size=(2, 32, 64)).astype(np.float32)
    variables = clickability.init_variables(NETWORK, 0)
    net = clickability.ClickabilityNet(NETWORK, train=True, remat=remat)

    def loss(params):
        maps, changed = net.apply(
            {**variables, "params": params},
            images,
            masks,
            rngs={"dropout": jax.random.key(1)},
            mutable=["batch_stats"],
        )
        return (maps * weights).mean(), changed["batch_stats"]

    def gradients_and_statistics(params):
        gradients, statistics = jax.grad(loss, has_aux=True)(params)
        # Biases before a normalisation have no gradient but rounding.
        return clickability.without_cancelled(gradients), statistics

    expected = jax.jit(gradients_and_statistics)(variables["params"])
    monkeypatch.setattr(jax.lax, "platform_dependent", of_tpu)
    ours = jax.jit(lambda params: gradients_and_statistics(params))(variables["params"])
    for found, wanted in zip(
        jax.tree.leaves(ours), jax.tree.leaves(expected), strict=True
    ):
        scale = np.abs(wanted).max()
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-4 * scale + 1e-7)


def test_cpus_get_products():
    text = text_of(predict, "cpu")
    assert convolutions(text) == (0, 0)
    # Taps of a block's kernels.
    taps = 25 + 2 * (7 + 11 + 21) + 9
    assert text.count("stablehlo.slice") >= sum(NETWORK.depths) * taps


@pytest.mark.long
def test_gradients_are_those_of_the_platform():
    # The gradient of a kernel is summed line by line on CPUs alone.
    assert text_of(gradient, "cpu").count("stablehlo.while") == DEPTHWISE
    assert "stablehlo.while" not in text_of(gradient, "cuda")


@pytest.mark.long
@pytest.mark.parametrize("remat", [False, True])
def test_blocks_and_images_are_loops_in_trainings_with_remat_on_tpus_alone(remat):
    size = dataclasses.replace(NETWORK, depths=(0, 2, 0, 0))
    net = clickability.ClickabilityNet(size, train=True, remat=remat)

    def gradient(params, variables, images, masks, key):
        def loss(params):
            maps, _ = net.apply(
                {**variables, "params": params},
                images,
                masks,
                rngs={"dropout": key},
                mutable=["batch_stats"],
            )
            return maps.sum()

        return jax.grad(loss)(params)

    shapes = clickability.variable_shapes(size)
    images, masks = (
        jax.ShapeDtypeStruct((1, 32, 32, channels), jnp.float32) for channels in (3, 2)
    )
    key = jax.eval_shape(lambda: jax.random.key(0))
    step = jax.jit(gradient).trace(shapes["params"], shapes, images, masks, key)
    loops = {
        platform: step.lower(lowering_platforms=(platform,))
        .as_text()
        .count("stablehlo.while")
        for platform in ("tpu", "cuda")
    }
    # Where features are computed again, one of a stage and one of the decoder, forward
    # and backward.
    assert loops == {"tpu": 4 * remat, "cuda": 0}


def test_a_program_for_several_platforms_decides_where_it_runs():
    random = np.random.default_rng(0)
    images = random.normal(size=(1, 9, 12, 3)).astype(np.float32)
    kernel = random.normal(size=(5, 5, 1, 3)).astype(np.float32)
    export = jax.export.export(
        jax.jit(depthwise.depthwise_conv), platforms=("cpu", "tpu")
    )
    of_cpu = functools.partial(depthwise.depthwise_conv, implementation="shift")
    np.testing.assert_array_equal(
        export(images, kernel).call(images, kernel), jax.jit(of_cpu)(images, kernel)
    )
