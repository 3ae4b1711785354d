import jax
import numpy as np
import pytest

from rclicks_jax import errors
from rclicks_jax.training import optimizers, recipes


@pytest.mark.parity
def test_the_schedule_is_the_originals(parity):
    saved = parity("train_step.npz")
    names = [key for key in saved.files if key.startswith("lr_schedule_")]
    assert names
    for name in names:
        steps = int(name.rsplit("_", 1)[1])
        assert saved[name].size == steps
        rate = optimizers.paper_schedule(float(saved[name].max()), steps, 0.1)
        ours = np.array([float(rate(step)) for step in range(steps)])
        np.testing.assert_allclose(ours, saved[name], rtol=1e-5, atol=1e-9)


def updated(recipe, params, gradients, steps=10):
    optimizer = optimizers.make_optimizer(
        recipes.parse(recipe), steps, encoder="backbone"
    )
    updates, _ = optimizer.update(gradients, optimizer.init(params), params)
    return updates


PARAMS = {
    "backbone": {"kernel": np.array([1.0, -2.0], np.float32)},
    "decode_head": {"bias": np.array([1.0], np.float32)},
}
GRADIENTS = {
    "backbone": {"kernel": np.array([3.0, -4.0], np.float32)},
    "decode_head": {"bias": np.array([2.0], np.float32)},
}
PLAIN = "paper:learning_rate=0.5:warmup=0"


def test_the_papers_optimizer_is_adam_at_that_rate():
    updates = updated(PLAIN, PARAMS, GRADIENTS)
    np.testing.assert_allclose(updates["backbone"]["kernel"], [-0.5, 0.5], rtol=1e-4)


def test_the_encoder_has_its_own_rate():
    updates = updated(f"{PLAIN}:encoder_rate=0.1", PARAMS, GRADIENTS)
    np.testing.assert_allclose(updates["backbone"]["kernel"], [-0.05, 0.05], rtol=1e-4)
    np.testing.assert_allclose(updates["decode_head"]["bias"], [-0.5], rtol=1e-4)


def test_only_kernels_decay():
    plain = updated(PLAIN, PARAMS, GRADIENTS)
    decayed = updated(f"{PLAIN}:weight_decay=0.1", PARAMS, GRADIENTS)
    difference = decayed["backbone"]["kernel"] - plain["backbone"]["kernel"]
    np.testing.assert_allclose(difference, [-0.05, 0.1], rtol=1e-4)
    np.testing.assert_array_equal(
        decayed["decode_head"]["bias"], plain["decode_head"]["bias"]
    )


def test_clipping_bounds_what_one_step_remembers():
    recipe = recipes.parse(f"{PLAIN}:clip_norm=0.001")
    optimizer = optimizers.make_optimizer(recipe, 10, encoder="")
    _, state = optimizer.update(GRADIENTS, optimizer.init(PARAMS), PARAMS)
    moments = [leaf for leaf in jax.tree.leaves(state) if leaf.ndim]
    assert max(float(np.abs(leaf).max()) for leaf in moments) <= 1e-4


def test_the_cosine_ends_at_zero():
    rate = optimizers.cosine_schedule(0.2, 50, 0.1)
    assert float(rate(5)) == pytest.approx(0.2)
    assert float(rate(50)) == pytest.approx(0, abs=1e-7)


def test_a_recipe_takes_changes_and_names_what_it_does_not_know():
    assert recipes.parse("paper") == recipes.PAPER
    changed = recipes.parse("improved:ema=0:flip=false")
    assert changed.ema == 0
    assert not changed.flip
    assert "flip=False" in recipes.describe(changed)
    with pytest.raises(errors.UnknownNameError, match="recipe 'best'"):
        recipes.parse("best")
    with pytest.raises(errors.BadValueError, match="speed"):
        recipes.parse("paper:speed=9")
