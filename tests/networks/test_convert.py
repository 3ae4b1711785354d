import dataclasses

import jax
import numpy as np
import pytest
from helpers import network_of, state_of

from rclicks_jax import errors
from rclicks_jax.networks import cards, checkpoint_sizes, clickability, convert
from rclicks_jax.settings import networks
from rclicks_jax.weights import state_dicts, torch_files

shapes_of = clickability.variable_shapes


def zeros_of(network):
    """Returns a state dict of the right keys and shapes."""
    shapes = convert.torch_shapes(shapes_of(network))
    return {
        key: np.zeros(shape, np.float32 if shape else np.int64)
        for key, shape in shapes.items()
    }


@pytest.fixture(scope="module")
def nano():
    network = networks.network("nano")
    return shapes_of(network), zeros_of(network)


def random_state(lines):
    """Returns a random state dict of the keys, shapes and dtypes in `lines`."""
    random = np.random.default_rng(0)
    state = {}
    for line in lines.splitlines():
        key, shape, dtype = line.split()
        sides = () if shape == "scalar" else tuple(map(int, shape.split("x")))
        values = random.normal(scale=100, size=sides)
        state[key] = np.asarray(values).astype(dtype)
    return state


@pytest.mark.long
@pytest.mark.parity
def test_every_key_of_the_published_checkpoint_goes_to_ours_and_back(parity, tmp_path):
    state = random_state(parity("segnext_b_keys.txt"))
    torch_files.write(tmp_path / "theirs.pth", state)
    found = state_dicts.state_dict(torch_files.read(tmp_path / "theirs.pth"))
    network = checkpoint_sizes.network_of(found)
    ours = convert.from_torch(found, shapes_of(network))
    ours[convert.COUNTERS] = convert.counters_of(found)
    card = cards.Card(network, 416, 5.0, "random", "none", {})
    cards.save(tmp_path / "ours", ours, card)
    loaded, _ = cards.load(tmp_path / "ours")
    torch_files.write(tmp_path / "back.pth", convert.to_torch(loaded))
    back = torch_files.read(tmp_path / "back.pth")
    assert back.keys() == state.keys()
    for key, array in state.items():
        assert back[key].dtype == array.dtype, key
        assert back[key].shape == array.shape, key
        assert back[key].tobytes() == array.tobytes(), key


@pytest.mark.parity
def test_weights_go_to_ours_and_back(parity):
    saved = parity("segnext_tiny.npz")
    state = state_of(saved)
    network = dataclasses.replace(network_of(saved), variant="custom")
    assert checkpoint_sizes.network_of(state) == network
    ours = convert.from_torch(state, shapes_of(network))
    back = convert.to_torch({**ours, convert.COUNTERS: convert.counters_of(state)})
    assert back.keys() == state.keys()
    for key, array in state.items():
        np.testing.assert_array_equal(back[key], array)


@pytest.mark.long
@pytest.mark.parametrize("variant", networks.NETWORKS)
def test_shapes_tell_the_variant(variant):
    network = networks.network(variant)
    shapes = convert.torch_shapes(shapes_of(network))
    # Views of one number: the widest network would take 110 MB.
    state = {
        key: np.broadcast_to(np.float32(0), shape) for key, shape in shapes.items()
    }
    assert checkpoint_sizes.network_of(state) == network


def test_counters_that_are_not_known_are_zero(nano):
    template, state = nano
    back = convert.to_torch(convert.from_torch(state, template))
    counters = convert.counters_of(back)
    assert len(counters) == 2 + 3 + 8
    assert {(c.dtype.name, c.shape, int(c)) for c in counters.values()} == {
        ("int64", (), 0)
    }


def test_half_precision_becomes_single(nano):
    template, state = nano
    state = {key: np.full_like(array, 2, np.float16) for key, array in state.items()}
    ours = convert.from_torch(state, template)
    assert {leaf.dtype.name for leaf in jax.tree.leaves(ours)} == {"float32"}
    assert all((leaf == 2).all() for leaf in jax.tree.leaves(ours))


def test_missing_keys_are_named(nano):
    template, state = nano
    left = {key: array for key, array in state.items() if "conv_seg" not in key}
    with pytest.raises(errors.DataError, match=r"lacks 2: .*conv_seg\.bias"):
        convert.from_torch(left, template)


def test_a_missing_counter_is_named(nano):
    template, state = nano
    key = "encoder_decoder.backbone.block1.0.norm1.num_batches_tracked"
    left = {name: array for name, array in state.items() if name != key}
    with pytest.raises(errors.DataError, match=f"lacks 1: {key}"):
        convert.from_torch(left, template)


def test_keys_that_are_left_over_are_named(nano):
    template, state = nano
    more = {"surplus": np.zeros(1), "more.num_batches_tracked": np.zeros(())}
    with pytest.raises(errors.DataError, match=r"unknown 2: more\.num.*, surplus"):
        convert.from_torch({**state, **more}, template)


@pytest.mark.parametrize(
    ("end", "shape"),
    [
        ("conv_seg.weight", (2, 3, 1, 1)),
        ("ham.bases", (2, 32, 4)),
        ("conv_seg.bias", ()),
    ],
)
def test_wrong_shapes_are_named(nano, end, shape):
    template, state = nano
    (key,) = (key for key in state if key.endswith(end))
    with pytest.raises(errors.DataError, match=rf"{key} .* instead of \(1"):
        convert.from_torch({**state, key: np.zeros(shape)}, template)


def test_a_renamed_key_is_named_on_both_sides(nano):
    template, state = nano
    state = dict(state)
    state["new.name"] = state.pop("maps_transform.0.bias")
    message = r"lacks 1: maps_transform\.0\.bias; it has unknown 1: new\.name"
    with pytest.raises(errors.DataError, match=message):
        convert.from_torch(state, template)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: {"state_dict": state, "meta": {"epoch": 3}},
        lambda state: {"model": state, "optimizer": {}},
        lambda state: {f"module.{key}": array for key, array in state.items()},
        lambda state: {"state_dict": {f"module.{k}": v for k, v in state.items()}},
    ],
)
def test_a_state_dict_is_found_where_it_lies(nano, wrap):
    _, state = nano
    found = state_dicts.state_dict(wrap(state))
    assert found.keys() == state.keys()


@pytest.mark.parametrize(
    ("saved", "message"),
    [
        ([1, 2], "holds a list of no tensors instead"),
        ({}, "instead of a state dict"),
        (
            {"epoch": 3, "weights": {"a": np.zeros(1)}},
            "no tensors are 2: epoch, weights",
        ),
        ({3: np.zeros(1)}, "no tensors are 1: 3"),
    ],
)
def test_what_is_no_state_dict_says_what_it_is(saved, message):
    with pytest.raises(errors.DataError, match=message):
        state_dicts.state_dict(saved)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"encoder_decoder.backbone.norm2.weight": None}, r"lacks norm2\.weight"),
        ({"encoder_decoder.backbone.norm2.weight": np.zeros(0)}, "stage 2 has 0"),
        ({"encoder_decoder.backbone.norm2.weight": np.zeros(())}, "lacks norm2"),
        ({"encoder_decoder.decode_head.0.squeeze.gn.weight": None}, "lacks .*squeeze"),
        (
            {"encoder_decoder.decode_head.0.squeeze.gn.weight": np.zeros(20)},
            "20 channels and 4 bases; allowed: multiples of 32",
        ),
    ],
)
def test_sizes_that_make_no_network_are_named(nano, changes, message):
    _, state = nano
    state = {**state, **changes}
    state = {key: array for key, array in state.items() if array is not None}
    with pytest.raises(errors.DataError, match=message):
        checkpoint_sizes.network_of(state)


def imagenet_state(network, seed=0):
    """Returns what an ImageNet checkpoint of MSCAN holds under `state_dict`."""
    prefix = checkpoint_sizes.ENCODER
    random = np.random.default_rng(seed)
    state = {
        key.removeprefix(prefix): random.normal(size=array.shape).astype(np.float32)
        for key, array in zeros_of(network).items()
        if key.startswith(prefix)
    }
    return {**state, "head.weight": np.zeros((1000, 16)), "head.bias": np.zeros(1000)}


@pytest.mark.parametrize(
    "rename",
    [
        lambda key: key,
        lambda key: f"backbone.{key}",
        lambda key: key.replace(".dwconv.", ".dwconv.dwconv."),
    ],
)
def test_an_imagenet_checkpoint_fills_the_encoder_and_nothing_else(rename):
    network = networks.network("nano")
    fresh = clickability.init_variables(network, 0)
    state = imagenet_state(network)
    renamed = {rename(key): array for key, array in state.items()}
    ours = convert.encoder_from_torch(renamed, fresh)
    assert jax.tree.structure(ours) == jax.tree.structure(fresh)
    back = convert.to_torch(ours)
    for key, array in convert.to_torch(fresh).items():
        if key.startswith(checkpoint_sizes.ENCODER) and array.ndim:
            array = state[key.removeprefix(checkpoint_sizes.ENCODER)]
        np.testing.assert_array_equal(back[key], array, err_msg=key)


def test_an_encoder_of_another_variant_says_which():
    state = imagenet_state(networks.network("nano"))
    fresh = shapes_of(networks.network("tiny"))
    message = "is the encoder of variant nano; the network has that of variant tiny"
    with pytest.raises(errors.DataError, match=message):
        convert.encoder_from_torch(state, fresh)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"norm1.bias": None}, r"lacks 1: norm1\.bias"),
        (
            {"decode_head.conv_seg.bias": np.zeros(1)},
            r"unknown 1: decode_head\.conv_seg",
        ),
        ({"norm1.bias": np.zeros(3)}, r"norm1\.bias \(3,\) instead of \(4,\)"),
        ({"backbone.norm1.bias": np.zeros(4)}, r"has norm1\.bias twice"),
        ({"norm1.weight": np.zeros(6)}, r"encoder of channels \(6, 8, 8, 16\), blocks"),
        ({"norm1.weight": None}, r"lacks norm1\.weight"),
    ],
)
def test_a_wrong_encoder_names_its_keys(changes, message):
    network = networks.network("nano")
    state = {**imagenet_state(network), **changes}
    state = {key: array for key, array in state.items() if array is not None}
    with pytest.raises(errors.DataError, match=message):
        convert.encoder_from_torch(state, shapes_of(network))
