import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import ad_checkpoint

from rclicks_jax.ops import chain

NUMBERS = [1.0, 0.5, 0.25]


def link(number, features, own):
    return jnp.sin(features * own["factor"]) + number, {"mean": features.mean()}


@pytest.fixture
def given():
    random = np.random.default_rng(0)
    factors = random.normal(size=(3, 1, 4)).astype(np.float32)
    features = random.normal(size=(2, 4)).astype(np.float32)
    return features, [{"factor": factor} for factor in factors]


@pytest.fixture(params=["row", "loop"])
def way(request, monkeypatch):
    if request.param == "loop":
        monkeypatch.setattr(chain, "_row", chain._loop)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("remat", [False, True])
def test_each_function_gets_what_the_one_before_returned(given, remat):
    features, variables = given
    ours, results = chain.chain(link, features, variables, NUMBERS, remat=remat)
    for number, own, result in zip(NUMBERS, variables, results, strict=True):
        np.testing.assert_allclose(result["mean"], features.mean(), rtol=1e-5)
        features = np.sin(features * own["factor"]) + number
    np.testing.assert_allclose(ours, features, rtol=1e-5)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("remat", [False, True])
def test_gradients_are_those_of_the_functions(given, remat):
    def through(features, variables):
        return chain.chain(link, features, variables, NUMBERS, remat=remat)[0].sum()

    def plain(features, variables):
        for number, own in zip(NUMBERS, variables, strict=True):
            features, _ = link(number, features, own)
        return features.sum()

    ours, expected = (jax.grad(f, argnums=(0, 1))(*given) for f in (through, plain))
    jax.tree.map(
        lambda own, other: np.testing.assert_allclose(own, other, rtol=1e-5),
        ours,
        expected,
    )


@pytest.mark.parametrize("functions", [0, 1])
def test_few_functions_are_no_loop(given, functions):
    features, variables = given

    def few(features, variables):
        return chain.chain(link, features, variables, NUMBERS[:functions], remat=True)[
            0
        ]

    traced = jax.jit(few).trace(features, variables[:functions])
    assert "while" not in traced.lower(lowering_platforms=("tpu",)).as_text()


@pytest.mark.parametrize(
    ("platform", "remat", "loops"),
    [("tpu", True, 1), ("tpu", False, 0), ("cuda", True, 0), ("cpu", True, 0)],
)
def test_functions_computed_again_are_a_loop_on_tpus(given, platform, remat, loops):
    def all_of(features, variables):
        return chain.chain(link, features, variables, NUMBERS, remat=remat)[0]

    text = jax.jit(all_of).trace(*given).lower(lowering_platforms=(platform,)).as_text()
    assert text.count("stablehlo.while") == loops


def test_what_is_named_is_not_computed_again(given):
    def products(name, remat):
        def multiply(number, features, own):
            product = features @ (own["factor"] * jnp.eye(4))
            kept = ad_checkpoint.checkpoint_name(product, name)
            return jnp.tanh(kept) + number, None

        def through(features, variables):
            after, _ = chain.chain(multiply, features, variables, NUMBERS, remat=remat)
            return after.sum()

        text = jax.jit(jax.grad(through)).lower(*given).as_text()
        return text.count("stablehlo.dot_general")

    assert products("other", True) > products(chain.KEPT, True)
    assert products(chain.KEPT, True) == products(chain.KEPT, False)
