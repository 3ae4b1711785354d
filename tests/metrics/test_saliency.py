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


def by_hand(name, pred, truth, counted):
    """Returns a metric of `f64[n]` pixels that count, by its definition."""
    pred, truth = pred[counted].ravel(), truth[counted].ravel()
    if name == "cc":
        return np.corrcoef(pred, truth)[0, 1]
    pred, truth = pred / pred.sum(), truth / truth.sum()
    if name == "sim":
        return sum(min(p, t) for p, t in zip(pred, truth, strict=True))
    pairs = zip(pred, truth, strict=True)
    return sum(t * np.log(t / p) for p, t in pairs if t > 0)


@pytest.mark.parametrize("name", METRICS)
def test_they_are_what_their_definitions_say(name):
    random = np.random.default_rng(3)
    pred, truth = random.random((2, 6, 8)) + 0.1
    truth[1:3] = 0
    counted = random.random((6, 8)) > 0.3
    found = METRICS[name](pred, truth, counted.astype(float))
    assert found == pytest.approx(by_hand(name, pred, truth, counted), rel=1e-5)


@pytest.mark.parametrize(
    ("name", "both", "pred", "truth"),
    [
        # Of nothing there is nothing to miss; where nothing was expected, log(1 / eps).
        ("kld", 0, -np.log(1e-9) - np.log(12), 0),
        ("cc", 0, 0, 0),
        ("sim", 0, 0, 0),
    ],
)
def test_empty_maps_are_no_division_by_zero(name, both, pred, truth):
    zero, one = np.zeros((3, 4)), np.ones((3, 4))
    metric = METRICS[name]
    assert metric(zero, zero, zero) == metric(zero, zero, one) == both
    assert metric(zero, one, one) == pytest.approx(pred)
    assert metric(one, zero, one) == truth


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
