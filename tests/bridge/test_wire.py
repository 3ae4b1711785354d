import json

import damaged_frames
import hypothesis
import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
from damaged_frames import reader

from rclicks_jax.bridge import wire

arrays = st.dictionaries(
    st.text(max_size=5),
    st.sampled_from(wire.DTYPES).flatmap(
        lambda kind: hnp.arrays(
            np.dtype(kind), hnp.array_shapes(min_dims=0, min_side=0, max_side=4)
        )
    ),
    max_size=3,
)
plain = st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=8)
headers = st.dictionaries(
    st.text(max_size=6).filter(lambda key: key != "arrays"), plain, max_size=4
)


@hypothesis.given(headers, arrays)
@hypothesis.settings(deadline=None)
def test_frames_come_back(header, sent):
    data = b"".join(wire.pack(header, sent))
    got_header, got = wire.unpack(reader(data))
    assert got_header == header
    assert got.keys() == sent.keys()
    for name, array in sent.items():
        assert got[name].dtype == array.dtype
        np.testing.assert_array_equal(got[name], array)


@hypothesis.given(headers, arrays, st.data())
@hypothesis.settings(deadline=None)
def test_a_frame_cut_anywhere_has_ended(header, sent, data):
    frame = b"".join(wire.pack(header, sent))
    cut = data.draw(st.integers(0, len(frame) - 1))
    with pytest.raises(EOFError):
        wire.unpack(reader(frame[:cut]))


def test_ten_thousand_damaged_frames_raise_what_they_should():
    refused = damaged_frames.refused_by_the_decoder(10_000, np.random.default_rng(0))
    assert 5_000 < refused < 10_000


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"GET / HTTP/1.1", "starts with"),
        (b"RCLB\xff\xff\xff\xff", "at most"),
        (b"RCLB\xa0\x86\x01\x00" + 100_000 * b"[", "header is not"),
        (b"RCLB\x02\x00\x00\x00[]", "header is not"),
        (b'RCLB\x0c\x00\x00\x00{"arrays":1}', "header is not"),
    ],
)
def test_what_is_no_frame_is_explained(data, message):
    with pytest.raises(wire.WireError, match=message):
        wire.unpack(reader(data))


def test_sizes_that_would_fill_the_memory_are_refused():
    text = b'{"arrays":[{"name":"a","dtype":"<f8","shape":[2000000000]}]}'
    data = b"RCLB" + len(text).to_bytes(4, "little") + text
    with pytest.raises(wire.WireError, match="more than"):
        wire.unpack(reader(data))


def test_arrays_of_objects_cannot_be_sent():
    with pytest.raises(wire.WireError, match="allowed"):
        wire.pack({}, {"a": np.array([{}])})


def test_an_array_elsewhere_needs_shared_memory():
    large = {"a": np.zeros(wire.LEAST_SHARED, np.uint8)}
    (frame,) = wire.pack({}, large, lambda array: 131072)
    with pytest.raises(wire.WireError, match="shared memory, but there is none"):
        wire.unpack(reader(frame))
    asked = []
    wire.unpack(reader(frame), lambda *what: asked.append(what) or large["a"])
    assert asked == [(131072, np.dtype("u1"), (65536,))]
    assert len(wire.pack({}, large, lambda array: None)) == 2


@pytest.mark.parametrize("start", ["0", -1, 1 << 62, 1.5, True])
def test_places_that_are_none_are_refused(start):
    entry = {"name": "a", "dtype": "|u1", "shape": [1], "start": start}
    text = json.dumps({"arrays": [entry]}).encode()
    data = b"RCLB" + len(text).to_bytes(4, "little") + text
    with pytest.raises(wire.WireError, match="header is not"):
        wire.unpack(reader(data), lambda *_: np.zeros(1, np.uint8))


def test_ten_thousand_damaged_channels_raise_what_they_should():
    refused = damaged_frames.refused_by_a_channel(10_000, np.random.default_rng(0))
    assert 5_000 < refused < 10_000
