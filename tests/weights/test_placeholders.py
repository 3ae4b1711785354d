"""Objects of classes that are not known stand still, and no weight is lost by it."""

import collections
import pathlib

import numpy as np
import pickle_opcodes as op
import pytest
from checkpoint_files import parts_of, save, save_legacy, tensor, write_parts

from rclicks_jax import errors
from rclicks_jax.weights import foreign, placeholders, state_dicts, torch_files

NUMBERS = np.arange(6, dtype=np.float32)
LOSS = op.name("isegm.model.losses", "CrossEntropyLoss")


def read(path, *opcodes, **storages):
    """Returns what a checkpoint of these opcodes holds."""
    parts = {**parts_of({}), "data.pkl": op.pickled(*opcodes)}
    arrays = {f"data/{key}": array.tobytes() for key, array in storages.items()}
    return torch_files.read(write_parts(path / "opcodes.pth", {**parts, **arrays}))


class Loss:
    def __init__(self):
        self.weight = tensor(NUMBERS)
        self.parts = [self]


class EasyDict(dict):
    """A dictionary whose items are attributes too."""

    def __init__(self, items):
        super().__init__(items)
        self.__dict__.update(items)


class Ordered(collections.OrderedDict):
    pass


class Names(list):
    pass


class Choices(set):
    pass


def config():
    """Returns what configurations beside published weights hold."""
    shared = Loss()
    return {
        "loss": shared,
        "again": [shared, (shared,)],
        "easy": EasyDict({"a": 1, "b": tensor(NUMBERS), "loss": shared}),
        "path": pathlib.PurePosixPath("/a/b"),
        "names": Names("ab"),
        "choices": Choices("ab"),
        "type": Loss,
        "counts": collections.Counter("aab"),
        "default": collections.defaultdict(list, a=[1]),
        "complex": 1j,
        "bytes": b"ab",
        "array": np.zeros(3),
        "scalar": np.float64(3),
    }


@pytest.mark.parametrize("layout", [save, save_legacy])
@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_a_configuration_does_not_keep_the_weights_from_being_read(
    tmp_path, layout, protocol
):
    state = collections.OrderedDict(a=tensor(NUMBERS), b=tensor(NUMBERS[:2]))
    value = {
        "state_dict": state,
        "config": config(),
        "sets": [{1, "a"}, frozenset([2])],
    }
    path = layout(tmp_path / "with_config.pth", value, protocol=protocol)
    checkpoint = foreign.load(path)
    assert list(checkpoint) == ["a", "b"]
    np.testing.assert_array_equal(checkpoint["a"], NUMBERS)
    np.testing.assert_array_equal(checkpoint["b"], NUMBERS[:2])
    assert "pathlib.PurePosixPath" in checkpoint.dropped
    assert any(name.endswith("test_placeholders.Loss") for name in checkpoint.dropped)
    found = torch_files.read(path)
    assert found["sets"] == [{1, "a"}, {2}]
    loss = found["config"]["loss"]
    assert found["config"]["again"][0] is found["config"]["again"][1][0] is loss


@pytest.mark.parametrize("layout", [save, save_legacy])
@pytest.mark.parametrize("kind", [EasyDict, Ordered])
@pytest.mark.parametrize("wrap", [lambda state: state, lambda state: {"model": state}])
def test_a_subclass_of_dict_that_is_the_state_dict_is_read_as_one(
    tmp_path, layout, kind, wrap
):
    state = kind({"module.a": tensor(NUMBERS), "module.b": tensor(NUMBERS[:1])})
    checkpoint = foreign.load(layout(tmp_path / "subclass.pth", wrap(state)))
    assert dict(checkpoint.shapes) == {"a": (6,), "b": (1,)}
    assert len(checkpoint.dropped) == 1
    assert checkpoint.dropped[0].endswith(f"test_placeholders.{kind.__name__}")


def test_a_subclass_of_dict_may_hold_the_state_dict_and_more(tmp_path):
    saved = EasyDict({"state_dict": {"a": tensor(NUMBERS)}, "loss": Loss()})
    assert list(foreign.load(save(tmp_path / "easy.pth", saved))) == ["a"]


@pytest.mark.parametrize("layout", [save, save_legacy])
@pytest.mark.parametrize("wrap", [lambda model: model, lambda model: {"model": model}])
def test_tensors_in_the_state_of_an_object_are_not_taken(tmp_path, layout, wrap):
    path = layout(tmp_path / "whole_model.pth", wrap(Loss()))
    message = (
        r"whole_model\.pth: .* an object of the class .*Loss instead of a state dict"
        r".* torch\.save\(model\.state_dict\(\), FILE\)"
    )
    with pytest.raises(errors.DataError, match=message):
        foreign.load(path)


def test_an_object_among_the_weights_is_named(tmp_path):
    path = save(tmp_path / "among.pth", {"a": tensor(NUMBERS), "b": Loss()})
    with pytest.raises(errors.DataError, match=r"no tensors are 1: b \(an object of"):
        foreign.load(path)


TENSOR = op.tensor("0", 6)
STATE = op.DICT + op.items(("weight", TENSOR))
ARGUMENTS = op.tuple_of(op.number(1), STATE)


@pytest.mark.parametrize(
    "opcodes",
    [
        LOSS,
        LOSS + ARGUMENTS + op.REDUCE,
        LOSS + ARGUMENTS + op.NEWOBJ,
        LOSS + ARGUMENTS + STATE + op.NEWOBJ_EX,
        op.MARK + LOSS + op.number(1) + STATE + op.OBJ,
        op.inst("isegm.model.losses", "CrossEntropyLoss", op.number(1), STATE),
        op.text("isegm.model.losses") + op.text("CrossEntropyLoss") + b"\x93",
        LOSS + op.TUPLE_0 + op.NEWOBJ + STATE + op.BUILD,
        LOSS + op.TUPLE_0 + op.NEWOBJ + op.MARK + TENSOR + op.APPENDS,
        LOSS + op.TUPLE_0 + op.NEWOBJ + TENSOR + b"a",
        LOSS + op.TUPLE_0 + op.NEWOBJ + op.MARK + op.number(1) + op.ADDITEMS,
        # An object is called, and what it returns too.
        LOSS + op.TUPLE_0 + op.REDUCE + op.TUPLE_0 + op.REDUCE + op.TUPLE_0 + op.NEWOBJ,
        # Pickle leaves tuples that contain themselves so.
        LOSS + op.number(1) + b"0" + op.MARK + STATE + b"1",
        LOSS + b"20",
    ],
)
def test_every_way_to_make_an_object_gives_one_that_holds_nothing(tmp_path, opcodes):
    found = read(tmp_path, opcodes, **{"0": NUMBERS})
    assert isinstance(found, placeholders.Placeholder)
    assert found.name == "isegm.model.losses.CrossEntropyLoss"
    assert not found.items
    assert "CrossEntropyLoss" in repr(found)


@pytest.mark.parametrize("way", [op.REDUCE, op.NEWOBJ])
def test_items_that_are_set_are_kept(tmp_path, way):
    made = LOSS + op.TUPLE_0 + way
    found = read(
        tmp_path, made, op.items(("a", TENSOR), ("b", op.NONE)), **{"0": NUMBERS}
    )
    assert list(found.items) == ["a", "b"]
    np.testing.assert_array_equal(found.items["a"], NUMBERS)
    with pytest.raises(errors.DataError, match="no tensors are 1: b"):
        state_dicts.state_dict(found)


def test_sets_are_read(tmp_path):
    members = op.MARK + op.number(1) + op.text("a") + op.tuple_of(op.number(2))
    assert read(tmp_path, op.SET + members + op.ADDITEMS) == {1, "a", (2,)}
    assert read(tmp_path, members + op.FROZENSET) == {1, "a", (2,)}
    listed = op.LIST + members + op.APPENDS
    for kind in ("__builtin__", "builtins"):
        made = op.name(kind, "set") + listed + b"\x85" + op.REDUCE
        assert read(tmp_path, made) == {1, "a", (2,)}


def test_dictionaries_of_python_2_are_read(tmp_path):
    pair = op.LIST + op.MARK + b"U\x01a" + op.number(1) + op.APPENDS
    made = op.LIST + pair + b"a\x85" + op.REDUCE
    assert read(tmp_path, op.name("collections", "OrderedDict") + made) == {"a": 1}


def test_only_objects_that_are_still_there_are_named():
    lost, shared = placeholders.Placeholder("lost"), placeholders.Placeholder("b.B")
    del lost
    kind = placeholders.Placeholder("a.A")
    kind.items["x"] = [shared, (shared, {"y": shared})]
    assert placeholders.classes({"k": kind, "n": 1}) == ["a.A", "b.B"]
