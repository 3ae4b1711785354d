"""One step of training and of validation, for one device of several."""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from rclicks_jax.metrics import saliency
from rclicks_jax.networks.architectures import Variables
from rclicks_jax.ops import images, scaling
from rclicks_jax.training import state as state_lib
from rclicks_jax.training.state import TrainState
from rclicks_jax.types import PackedBatch, TrainBatch

TrainStep = Callable[[TrainState, TrainBatch, jax.Array], tuple[TrainState, jax.Array]]
EvalStep = Callable[[Variables, TrainBatch], dict[str, jax.Array]]


class _Part(NamedTuple):
    """What a device computes of its batch, or of a part of it."""

    gradients: Variables
    loss: jax.Array
    batch_stats: Variables


def unpack(packed: PackedBatch) -> TrainBatch:
    """Turns bytes into a batch for the network, on the device: fewer bytes go there."""
    y0, y1, x0, x1 = packed.box[:, :, None, None].swapaxes(0, 1)
    places = jnp.arange(packed.image.shape[1])
    rows, columns = places[None, :, None], places[None, None, :]
    content = (rows >= y0) & (rows < y1) & (columns >= x0) & (columns < x1)
    content = content.astype(jnp.float32)
    mean, std = images.IMAGE_MEAN, images.IMAGE_STD
    scaled = packed.image.astype(jnp.float32) / 255
    normalised = (scaled - mean[None, None, None]) / std[None, None, None]
    return TrainBatch(
        image=normalised * content[..., None],
        masks=packed.masks.astype(jnp.float32) / 255,
        click_map=packed.click_map.astype(jnp.float32),
        content=content,
        weight=packed.weight,
    )


def mean_kld(
    pred_maps: jax.Array, batch: TrainBatch, total: jax.Array, *, masked: bool
) -> jax.Array:
    """Returns this device's share of the mean divergence over the whole batch.

    Args:
        pred_maps: Predictions in [0, 1], `f32[b s s]`.
        batch: The examples of this device.
        total: Number of examples on all devices, `f32[]`.
        masked: Whether padding is left out.
    """
    counted = batch.content if masked else jnp.ones_like(batch.content)
    divergences = jax.vmap(saliency.kld)(pred_maps, batch.click_map, counted)
    return (divergences * batch.weight).sum() / total


def make_train_step(
    net: nn.Module,
    optimizer: optax.GradientTransformation,
    *,
    masked: bool,
    axis_name: str,
    without_cancelled: Callable[[Variables], Variables],
    ema: float = 0.0,
    accumulate: int = 1,
) -> TrainStep:
    """Returns a step that maps (state, batch, key) to (state, loss).

    Gradients and batch statistics are those of the batch over all devices. With
    `accumulate` the gradients are still those of the whole batch, but each batch
    normalisation uses the statistics of one part over all devices; the running
    statistics move once a step, by the mean over the parts.

    Args:
        net: The network as it is trained.
        optimizer: Makes updates of the parameters.
        masked: Whether padding is left out of the loss.
        axis_name: Axis of the devices.
        without_cancelled: Sets gradients to 0 that are nothing but rounding.
        ema: Decay of the averages the state keeps, if it does.
        accumulate: Number of equal parts of a device's batch that pass the network one
            after the other.
    """

    def gradients_of(
        state: TrainState, batch: TrainBatch, key: jax.Array, total: jax.Array
    ) -> _Part:
        def loss_of(params: Variables) -> tuple[jax.Array, Variables]:
            applied: Any = net.apply(
                {**state.variables, "params": params},
                batch.image,
                batch.masks,
                rngs={"dropout": key},
                mutable=["batch_stats"],
            )
            logits, changed = applied
            maps = scaling.scale_to_unit(logits)
            loss = mean_kld(maps, batch, total, masked=masked)
            # A network may have no statistics of batches.
            return loss, changed.get("batch_stats", {})

        (loss, batch_stats), gradients = jax.value_and_grad(loss_of, has_aux=True)(
            state.params
        )
        return _Part(gradients, loss, batch_stats)

    def accumulated(
        state: TrainState, batch: TrainBatch, key: jax.Array, total: jax.Array
    ) -> _Part:
        def add(
            sums: _Part, numbered: tuple[jax.Array, TrainBatch]
        ) -> tuple[_Part, None]:
            number, part = numbered
            more = gradients_of(state, part, jax.random.fold_in(key, number), total)
            return jax.tree.map(jnp.add, sums, more), None

        nothing = _Part(state.params, jnp.zeros(()), state.batch_stats)
        parts = jax.tree.map(
            lambda leaf: leaf.reshape(accumulate, -1, *leaf.shape[1:]), batch
        )
        whole, _ = jax.lax.scan(
            add,
            jax.tree.map(jnp.zeros_like, nothing),
            (jnp.arange(accumulate), parts),
        )
        means = jax.tree.map(lambda leaf: leaf / accumulate, whole.batch_stats)
        return whole._replace(batch_stats=means)

    def step(
        state: TrainState, batch: TrainBatch, key: jax.Array
    ) -> tuple[TrainState, jax.Array]:
        total = jax.lax.psum(batch.weight.sum(), axis_name)
        key = jax.random.fold_in(key, state.step)
        key = jax.random.fold_in(key, jax.lax.axis_index(axis_name))
        compute = gradients_of if accumulate == 1 else accumulated
        own = compute(state, batch, key, total)
        gradients, loss = jax.lax.psum((own.gradients, own.loss), axis_name)
        gradients = without_cancelled(gradients)
        updates, opt_state = optimizer.update(gradients, state.opt_state, state.params)
        state = dataclasses.replace(
            state,
            step=state.step + 1,
            params=optax.apply_updates(state.params, updates),
            batch_stats=own.batch_stats,
            opt_state=opt_state,
        )
        averaged = state_lib.moved_average(state, ema)
        return dataclasses.replace(state, averaged=averaged), loss

    return step


def make_eval_step(net: nn.Module, *, masked: bool, axis_name: str) -> EvalStep:
    """Returns a step that maps (variables, batch) to sums of KLD, CC, SIM and weights.

    The mean is taken on the host, once, over the whole split.
    """

    def step(variables: Variables, batch: TrainBatch) -> dict[str, jax.Array]:
        logits: Any = net.apply(variables, batch.image, batch.masks)
        maps = scaling.scale_to_unit(logits)
        counted = batch.content if masked else jnp.ones_like(batch.content)
        sums = {
            name: (jax.vmap(metric)(maps, batch.click_map, counted) * batch.weight)
            for name, metric in (
                ("kld", saliency.kld),
                ("cc", saliency.cc),
                ("sim", saliency.sim),
            )
        }
        sums["weight"] = batch.weight
        return jax.lax.psum(
            {name: values.sum() for name, values in sums.items()}, axis_name
        )

    return step
