"""The stand-in for what layers are built with."""

from stand_ins import timm


def test_a_side_becomes_a_pair_and_a_pair_stays():
    assert timm.to_2tuple(7) == (7, 7)
    assert timm.to_2tuple([3, 5]) == (3, 5)


def test_a_registered_function_is_left_as_it_is():
    @timm.register_model
    def build(size):
        return size + 1

    assert build(2) == 3
