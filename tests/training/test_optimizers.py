import numpy as np
import pytest

from rclicks_jax import config
from rclicks_jax.training import optimizers


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


def test_the_optimizer_is_adam_at_that_rate():
    settings = config.TrainConfig(learning_rate=0.5, warmup=0.0)
    optimizer = optimizers.make_optimizer(settings, 10)
    params = {"w": np.array([1.0, -2.0], np.float32)}
    gradients = {"w": np.array([3.0, -4.0], np.float32)}
    updates, _ = optimizer.update(gradients, optimizer.init(params), params)
    np.testing.assert_allclose(updates["w"], [-0.5, 0.5], rtol=1e-4)
