import jax.numpy as jnp
import numpy as np
import pytest

from rclicks_jax.metrics import saliency

METRICS = {"kld": saliency.kld, "cc": saliency.cc, "sim": saliency.sim}


@pytest.mark.parity
@pytest.mark.parametrize("name", METRICS)
def test_they_equal_the_original(parity, name):
    saved = parity("train_step.npz")
    predicted = parity("segnext_tiny.npz")["output"][:, 0]
    targets = saved["target"][:, 0]
    everywhere = np.ones_like(targets[0])
    pairs = zip(predicted, targets, strict=True)
    ours = np.mean([METRICS[name](p, t, everywhere) for p, t in pairs])
    assert ours == pytest.approx(float(saved[f"eval_{name}"]), rel=1e-4)


@pytest.mark.parametrize(("name", "best"), [("kld", 0), ("cc", 1), ("sim", 1)])
def test_a_perfect_prediction_has_the_best_value(variant, name, best):
    truth = jnp.asarray(np.random.default_rng(0).random((6, 7), dtype=np.float32))
    value = variant(METRICS[name])(truth, truth, jnp.ones_like(truth))
    assert float(value) == pytest.approx(best, abs=1e-5)


@pytest.mark.parametrize("name", METRICS)
def test_what_has_no_weight_does_not_matter(name):
    random = np.random.default_rng(1)
    pred, truth = random.random((2, 6, 8), dtype=np.float32)
    weight = np.ones((6, 8), np.float32)
    weight[:, 5:] = 0
    value = METRICS[name](pred, truth, weight)
    pred[:, 5:], truth[:, 5:] = 9, 4
    assert float(METRICS[name](pred, truth, weight)) == pytest.approx(
        float(value), rel=1e-5
    )


@pytest.mark.parametrize("name", METRICS)
def test_empty_maps_have_finite_values(name):
    zero = np.zeros((3, 4), np.float32)
    assert np.isfinite(float(METRICS[name](zero, zero, zero)))


def test_comparing_sparse_maps_is_the_same_as_whole_ones():
    random = np.random.default_rng(2)
    pred = random.random((30, 40))
    pred /= pred.sum()
    truth = np.zeros((30, 40), np.float32)
    truth[5:9, 3:20] = random.random((4, 17))
    ours = saliency.compare(pred, truth)
    for name, metric in METRICS.items():
        whole = metric(pred, truth.astype(float), np.ones_like(pred))
        assert ours[name] == pytest.approx(float(whole), rel=1e-6), name


def test_a_constant_map_is_not_correlated():
    flat = np.full((3, 7), 1 / 21)
    truth = np.eye(3, 7, dtype=np.float32)
    assert saliency.compare(flat, truth)["cc"] == 0
    assert saliency.compare(truth / 3, np.ones((3, 7), np.float32))["cc"] == 0
