import jax
import numpy as np
import optax
import pytest
import two_convolutions
from helpers import network_of, state_of

from rclicks_jax.networks import clickability, convert
from rclicks_jax.ops import scaling
from rclicks_jax.training import devices, state, steps
from rclicks_jax.types import TrainBatch


def channels_last(array):
    return array.transpose(0, 2, 3, 1)


@pytest.fixture(scope="module")
def stepped(parity, compiled_both_ways):
    """One step from the original's weights, on one device."""
    weights, saved = parity("segnext_tiny.npz"), parity("train_step.npz")
    network = network_of(weights, drop_path=0.0, dropout=0.0)
    template = clickability.variable_shapes(network)
    variables = convert.from_torch(state_of(weights), template)
    net = clickability.ClickabilityNet(network, train=True, axis_name="batch")
    target = saved["target"][:, 0]
    batch = TrainBatch(
        channels_last(weights["image"]),
        channels_last(weights["coord"]),
        target,
        np.ones_like(target),
        np.ones(len(target), np.float32),
    )
    # Plain descent at rate 1 shows the gradients as differences of parameters.
    descent = optax.sgd(1.0)
    step = steps.make_train_step(
        net,
        descent,
        masked=False,
        axis_name="batch",
        without_cancelled=clickability.without_cancelled,
    )
    before = state.create(variables, descent)
    run = jax.pmap(step, "batch", in_axes=(None, 0, None), devices=jax.devices()[:1])
    one_device = TrainBatch(*(array[None] for array in batch))
    after, loss = jax.tree.map(
        lambda leaf: leaf[0], run(before, one_device, jax.random.key(0))
    )
    gradients = jax.tree.map(np.subtract, before.params, after.params)
    return saved, before, after, float(loss), gradients


def by_torch_key(params):
    return convert.to_torch({"params": params})


@pytest.mark.long
@pytest.mark.parity
def test_the_loss_is_the_originals(stepped):
    saved, _, _, loss, _ = stepped
    assert loss == pytest.approx(float(saved["train_kld"]), rel=1e-5)


@pytest.mark.parity
def test_gradients_are_the_originals(stepped):
    saved, _, _, _, gradients = stepped
    ours = by_torch_key(gradients)
    names = [key[5:] for key in saved.files if key.startswith("grad/")]
    assert names
    for name in names:
        expected = saved[f"grad/{name}"]
        scale = max(1e-3, float(np.abs(expected).max()))
        np.testing.assert_allclose(
            ours[name], expected, atol=2e-3 * scale, err_msg=name
        )
    norm = np.sqrt(sum(float((g**2).sum()) for g in jax.tree.leaves(gradients)))
    assert norm == pytest.approx(float(saved["grad_global_norm"]), rel=1e-3)


@pytest.mark.parity
def test_batch_statistics_are_the_originals(stepped):
    saved, _, after, _, _ = stepped
    ours = convert.to_torch({"batch_stats": after.batch_stats})
    names = [key[9:] for key in saved.files if key.startswith("bn_after/")]
    compared = [name for name in names if "num_batches_tracked" not in name]
    assert compared
    for name in compared:
        np.testing.assert_allclose(
            ours[name], saved[f"bn_after/{name}"], rtol=1e-4, atol=1e-5
        )


@pytest.mark.parity
def test_one_step_of_adam_is_the_originals(stepped):
    saved, before, _, _, gradients = stepped
    names = [key[6:] for key in saved.files if key.startswith("adam1/")]
    assert names
    weights = {name: by_torch_key(before.params)[name] for name in names}
    slopes = {name: by_torch_key(gradients)[name] for name in names}
    adam = optax.adam(0.01)
    updates, _ = jax.jit(adam.update)(slopes, adam.init(weights))
    ours = {name: weights[name] + np.asarray(updates[name]) for name in names}
    for name in names:
        expected = saved[f"adam1/{name}"]
        # Where a gradient is nearly 0, Adam's first step has the sign of its rounding.
        gradient = saved[f"grad/{name}"]
        clear = np.abs(gradient) > 1e-4 * np.abs(gradient).max()
        np.testing.assert_allclose(
            ours[name][clear], expected[clear], atol=1e-4, err_msg=name
        )


def random_batch(count, size=32):
    random = np.random.default_rng(0)
    return TrainBatch(
        random.normal(size=(count, size, size, 3)).astype(np.float32),
        random.random((count, size, size, 2), dtype=np.float32),
        random.random((count, size, size), dtype=np.float32),
        np.ones((count, size, size), np.float32),
        np.ones(count, np.float32),
    )


@pytest.fixture(scope="module")
def evaluation():
    """Variables, an evaluation step on all devices, and the maps of a batch."""
    size = two_convolutions.SIZES["narrow"]
    net = two_convolutions.Network(size)
    step = steps.make_eval_step(net, masked=True, axis_name=devices.AXIS)
    variables = two_convolutions.init(size, 0)

    def predict(batch):
        return scaling.scale_to_unit(net.apply(variables, batch.image, batch.masks))

    return variables, devices.parallel_eval_step(step), jax.jit(predict)


def metrics_by_hand(pred, truth):
    """Returns KLD, CC and SIM of two maps, `f64[n]`, by their definitions.

    Predictions reach 0, where the original adds 1e-9.
    """
    p, t = pred / pred.sum(), truth / truth.sum()
    return {
        "kld": (t * np.log(1e-9 + t / (1e-9 + p))).sum(),
        "cc": np.corrcoef(pred, truth)[0, 1],
        "sim": np.minimum(p, t).sum(),
    }


@pytest.mark.parametrize("weight", [(1, 1, 1, 1), (1, 1, 1, 0), (0, 1, 0, 1)])
def test_sums_over_devices_leave_out_what_fills_the_batch(evaluation, weight):
    variables, step, predict = evaluation
    batch = random_batch(4)._replace(weight=np.array(weight, np.float32))
    # Padding, which is left out as well.
    batch.content[:, :, 24:] = 0
    found = devices.to_host(step(variables, devices.divide(batch)))
    pred_maps = np.asarray(predict(batch), np.float64)[:, :, :24]
    truth = batch.click_map.astype(np.float64)[:, :, :24]
    each = [
        metrics_by_hand(pred_maps[row].ravel(), truth[row].ravel())
        for row in range(4)
        if weight[row]
    ]
    assert found["weight"] == sum(weight)
    for name in ("kld", "cc", "sim"):
        expected = sum(one[name] for one in each)
        assert found[name] == pytest.approx(expected, rel=1e-4), name


def test_a_batch_is_divided_in_order():
    batch = random_batch(8)
    divided = devices.divide(batch)
    assert divided.image.shape[:2] == (4, 2)
    np.testing.assert_array_equal(divided.weight.ravel(), batch.weight)
    np.testing.assert_array_equal(
        divided.click_map.reshape(batch.click_map.shape), batch.click_map
    )
