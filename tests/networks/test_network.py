import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import network_of, one_and_long, state_of

from rclicks_jax.networks import clickability, convert, factorisation, layers
from rclicks_jax.ops import scaling, strided
from rclicks_jax.settings import networks

pytestmark = pytest.mark.usefixtures("compiled_for_users")


@pytest.fixture(scope="module")
def original(parity):
    """The original's weights as ours, with its inputs and intermediate results."""
    saved = parity("segnext_tiny.npz")
    network = network_of(saved)
    state = state_of(saved)
    variables = convert.from_torch(state, clickability.variable_shapes(network))
    return saved, network, state, variables


def channels_last(array):
    return array.transpose(0, 2, 3, 1)


@pytest.mark.long
@pytest.mark.parity
def test_every_intermediate_equals_the_original(original):
    saved, network, _, variables = original
    net = clickability.ClickabilityNet(network)

    @jax.jit
    def run(variables, image, masks):
        return net.apply(
            variables,
            image,
            masks,
            capture_intermediates=True,
            mutable=["intermediates"],
        )

    image, masks = channels_last(saved["image"]), channels_last(saved["coord"])
    logits, captured = run(variables, image, masks)
    found = captured["intermediates"]
    head = found["decode_head"]
    stages = found["backbone"]["__call__"][0]
    ours = {
        "maps_transform_out": found["maps_transform"]["__call__"][0],
        "stem_proj_out": found["backbone"]["patch_embed1"]["__call__"][0],
        **{f"stage{i}": stage for i, stage in enumerate(stages, 1)},
        "head_squeeze_out_b0": jax.nn.relu(head["squeeze"]["__call__"][0]),
        "nmf_in_b0": head["hamburger"]["nmf_in"][0],
        "nmf_out_b0": head["hamburger"]["nmf_out"][0],
        "hamburger_out_b0": head["hamburger"]["__call__"][0],
        "head_align_out_b0": jax.nn.relu(head["align"]["__call__"][0]),
        "logits": head["__call__"][0],
    }
    for name, value in ours.items():
        expected = saved[name]
        if name.endswith("_b0"):
            value = value[:1]
        mine = np.asarray(value).transpose(0, 3, 1, 2).reshape(expected.shape)
        np.testing.assert_allclose(mine, expected, atol=1e-4, err_msg=name)
    maps = scaling.scale_to_unit(logits)
    np.testing.assert_allclose(maps, saved["output"][:, 0], atol=1e-4)


@pytest.mark.parity
def test_the_factorisation_equals_the_original(original):
    saved, network, state, _ = original
    (bases_key,) = (key for key in state if key.endswith("ham.bases"))
    channels = network.ham_channels
    pixels = saved["nmf_in_b0"].reshape(channels, -1).T
    bases, coefficients = factorisation.factorise(
        jnp.asarray(pixels), jnp.asarray(state[bases_key][0]), network.ham_eval_steps
    )
    np.testing.assert_allclose(bases, saved["nmf_final_bases"][0], rtol=1e-3, atol=1e-5)
    expected = saved["nmf_final_coef_b0"][0]
    np.testing.assert_allclose(coefficients, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.usefixtures("compiled_fast")
def test_the_gradient_of_an_image_as_one_product_is_that_of_the_factorisation():
    random = np.random.default_rng(0)
    features, bases, weights, others = (
        random.random(shape).astype(np.float32)
        for shape in ((40, 12), (12, 4), (12, 4), (40, 4))
    )

    def loss(features, bases, factorise):
        found, coefficients = factorise(features, bases, 3)
        return (found * weights).sum() + (coefficients * others).sum()

    gradient = jax.jit(jax.grad(loss, argnums=(0, 1)), static_argnums=2)
    for ours, theirs in zip(
        gradient(features, bases, factorisation.factorise_image),
        gradient(features, bases, factorisation.factorise),
        strict=True,
    ):
        scale = float(jnp.abs(theirs).max())
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5 * scale)


@pytest.mark.parametrize(
    ("variant", "count"),
    one_and_long([("t", 4240322), ("s", 13922626), ("b", 27604290)]),
)
def test_the_sizes_have_as_many_parameters_as_the_originals(variant, count):
    shapes = clickability.variable_shapes(networks.network(variant))
    assert sum(leaf.size for leaf in jax.tree.leaves(shapes["params"])) == count


def test_fresh_variables_depend_on_the_seed_and_fill_every_leaf():
    network = networks.network("nano")
    first = clickability.init_variables(network, 0)
    again = clickability.init_variables(network, 0)
    other = clickability.init_variables(network, 1)
    same = jax.tree.map(np.array_equal, first, again)
    assert all(jax.tree.leaves(same))
    assert not np.array_equal(
        first["constants"]["decode_head"]["hamburger"]["bases"],
        other["constants"]["decode_head"]["hamburger"]["bases"],
    )
    shapes = clickability.variable_shapes(network)
    assert jax.tree.map(np.shape, first) == jax.tree.map(lambda s: s.shape, shapes)
    assert first["params"]["maps_transform"]["scale"].tolist() == [np.float32(0.05)]
    norm = first["params"]["backbone"]["patch_embed1"]["proj_1"]
    assert (norm["scale"] == 1).all()
    assert (norm["bias"] == 0).all()


@pytest.mark.usefixtures("compiled_fast")
def test_batch_statistics_are_those_of_all_devices():
    norm = layers.BatchNorm(layers.Mode(train=True, axis_name="batch"))
    images = np.random.default_rng(0).normal(2, 3, (8, 3, 5, 4)).astype(np.float32)
    variables = layers.BatchNorm(layers.Mode()).init(jax.random.key(0), images)

    def apply(images):
        return norm.apply(variables, images, mutable=["batch_stats"])

    alone = layers.BatchNorm(layers.Mode(train=True)).apply(
        variables, images, mutable=["batch_stats"]
    )
    divided = jax.pmap(apply, "batch")(images.reshape(4, 2, *images.shape[1:]))
    together, changed = divided
    np.testing.assert_allclose(together.reshape(images.shape), alone[0], atol=1e-5)
    for name, expected in alone[1]["batch_stats"].items():
        np.testing.assert_allclose(changed["batch_stats"][name][0], expected, rtol=1e-5)
    unbiased = images.var(axis=(0, 1, 2), ddof=1)
    expected = 0.9 + 0.1 * unbiased
    np.testing.assert_allclose(alone[1]["batch_stats"]["var"], expected, rtol=1e-5)


@pytest.mark.usefixtures("compiled_fast")
def test_batch_statistics_of_folded_features_are_those_of_their_channels():
    norm = layers.BatchNorm(layers.Mode(train=True))
    images = np.random.default_rng(0).normal(2, 3, (2, 4, 8, 3)).astype(np.float32)
    variables = norm.init(jax.random.key(0), images)
    expected, changed = norm.apply(variables, images, mutable=["batch_stats"])
    folded, same = norm.apply(
        variables, strided.fold(images, 2), 4, mutable=["batch_stats"]
    )
    np.testing.assert_allclose(folded, strided.fold(expected, 2), atol=1e-5)
    for ours, theirs in zip(
        jax.tree.leaves(same), jax.tree.leaves(changed), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)


@pytest.mark.usefixtures("compiled_fast")
def test_maps_are_scaled_to_reach_from_zero_to_one(variant):
    maps = jnp.asarray(np.random.default_rng(0).normal(size=(2, 4, 5)), jnp.float32)
    scaled = variant(scaling.scale_to_unit)(maps)
    np.testing.assert_allclose(scaled.min(axis=(1, 2)), 0)
    np.testing.assert_allclose(scaled.max(axis=(1, 2)), 1, rtol=1e-6)


def test_a_constant_map_scales_to_zero():
    scaled = scaling.scale_to_unit(jnp.full((1, 3, 3), 7.0))
    np.testing.assert_array_equal(scaled, np.zeros((1, 3, 3)))


@pytest.mark.usefixtures("compiled_fast")
def test_gradients_that_cancel_are_zero_and_no_others():
    shapes = clickability.variable_shapes(networks.network("nano"))["params"]
    ones = jax.tree.map(lambda leaf: np.ones(leaf.shape, np.float32), shapes)
    kept = clickability.without_cancelled(ones)
    encoder = kept["backbone"]
    assert not encoder["patch_embed1"]["proj_0"]["bias"].any()
    assert not encoder["patch_embed3_proj"]["bias"].any()
    zeros = sum(not leaf.any() for leaf in jax.tree.leaves(kept))
    assert zeros == 5
