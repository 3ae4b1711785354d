"""Blocks of shared memory: lent, viewed, given back, used again."""

import gc
import os

import damaged_frames
import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from rclicks_jax.bridge import channel, memory, wire


@pytest.fixture
def sides():
    descriptor = memory.open_file()
    yield memory.Lender(descriptor), memory.Borrower(descriptor)
    os.close(descriptor)


def test_what_is_lent_is_seen_and_comes_back(sides):
    lender, borrower = sides
    sent = np.arange(100_000, dtype=np.int32).reshape(4, -1)
    start = lender.lend(sent)
    seen = borrower.view(start, sent.dtype, sent.shape)
    np.testing.assert_array_equal(seen, sent)
    part = seen[1:, ::2]
    del seen
    gc.collect()
    assert borrower.returned() == []
    del part
    assert borrower.returned() == [start]
    assert borrower.returned() == []


def test_a_block_is_not_written_while_it_is_looked_at(sides):
    lender, borrower = sides
    ones, twos = (np.full(70_000, value, np.uint8) for value in (1, 2))
    first = borrower.view(lender.lend(ones), ones.dtype, ones.shape)
    lender.take_back(borrower.returned())
    second = borrower.view(lender.lend(twos), twos.dtype, twos.shape)
    assert (first == 1).all()
    assert (second == 2).all()


def test_blocks_are_used_again(sides):
    lender, borrower = sides
    sizes = []
    for length in (*range(70_000, 90_000, 1000), *range(90_000, 70_000, -1000)):
        sent = np.full(length, length % 251, np.uint8)
        seen = borrower.view(lender.lend(sent), sent.dtype, sent.shape)
        assert (seen == length % 251).all()
        del seen
        lender.take_back(borrower.returned())
        sizes.append(lender.size)
    assert sizes[-1] == sizes[0] == 1 << 17


@hypothesis.given(st.lists(st.integers(1, 1 << 19), max_size=30), st.data())
@hypothesis.settings(deadline=None, max_examples=30)
def test_blocks_never_overlap(lengths, data):
    descriptor = memory.open_file()
    lender, borrower = memory.Lender(descriptor), memory.Borrower(descriptor)
    held = {}
    for number, length in enumerate(lengths):
        sent = np.full(length, number, np.uint8)
        start = lender.lend(sent)
        held[number] = borrower.view(start, sent.dtype, sent.shape)
        for gone in data.draw(st.sets(st.sampled_from(sorted(held)), max_size=2)):
            del held[gone]
        lender.take_back(borrower.returned())
        for value, array in held.items():
            assert (array == value).all()
    os.close(descriptor)


def test_no_room_is_said_and_harms_nothing(sides, monkeypatch):
    lender, borrower = sides
    small = np.ones(70_000, np.uint8)
    start = lender.lend(small)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    assert lender.lend(np.ones(10**7, np.uint8)) is None
    assert borrower.view(start, small.dtype, small.shape).all()
    lender.take_back(borrower.returned())
    assert lender.lend(small) == start


def test_blocks_beyond_the_file_are_refused(sides):
    lender, borrower = sides
    lender.lend(np.ones(70_000, np.uint8))
    with pytest.raises(ValueError, match="in a file of 131072 bytes"):
        borrower.view(131_000, np.dtype("<i4"), (1000,))
    with pytest.raises(ValueError, match="a block of 5 values at -1"):
        borrower.view(-1, np.dtype("<i4"), (5,))


def test_what_was_not_lent_cannot_come_back(sides):
    lender, _ = sides
    start = lender.lend(np.ones(70_000, np.uint8))
    lender.take_back([5, start, start])
    first, second = (lender.lend(np.ones(70_000, np.uint8)) for _ in range(2))
    assert first == start
    assert second != start


def test_what_was_prepared_is_lent_where_it_lies(sides):
    lender, borrower = sides
    first, second = (lender.prepare((300, 400), np.uint8) for _ in range(2))
    size = lender.size
    second[...], first[...] = 2, 1
    starts = [lender.lend(array) for array in (first, second)]
    assert lender.size == size
    for value, start in enumerate(starts, 1):
        assert (borrower.view(start, first.dtype, first.shape) == value).all()
    # No longer prepared: it is copied, and the block that is looked at stays.
    assert lender.lend(first) not in starts


def test_what_was_prepared_in_vain_is_free_again(sides):
    lender, _ = sides
    lender.prepare((70_000,), np.uint8)
    kept = lender.prepare((70_000,), np.uint8)
    start, size = lender.lend(kept), lender.size
    lender.drop_prepared()
    assert lender.lend(np.ones(70_000, np.uint8)) != start
    assert lender.size == size


@pytest.mark.parametrize("sent", [True, False])
def test_a_channel_sends_an_array_it_made_without_a_copy(sent):
    descriptors = memory.open_file(), memory.open_file()
    pieces = []
    near = channel.Channel(None, pieces.append, *descriptors)
    array = near.empty((300, 400), bool)
    array[...] = True
    near.send({}, {"masks": array} if sent else {"number": np.zeros(3)})
    received = channel.Channel(
        damaged_frames.reader(b"".join(pieces)), None, *descriptors[::-1]
    ).receive()[1]
    assert received.get("masks", array).all()
    assert os.fstat(descriptors[0]).st_size == 1 << 17
    # The next one has the same place, unless this one is still looked at.
    near.empty((300, 400), bool)
    assert os.fstat(descriptors[0]).st_size == (2 if sent else 1) << 17
    for descriptor in descriptors:
        os.close(descriptor)


def test_a_frame_that_cannot_be_made_keeps_no_memory():
    descriptors = memory.open_file(), memory.open_file()
    near = channel.Channel(None, None, *descriptors)
    for _ in range(5):
        large = np.zeros((300, 400), bool)
        with pytest.raises(wire.WireError, match="<f2; allowed"):
            near.send({}, {"masks": large, "probabilities": large.astype("f2")})
    assert os.fstat(descriptors[0]).st_size == 1 << 17
    for descriptor in descriptors:
        os.close(descriptor)


def test_a_channel_that_has_no_room_makes_arrays_all_the_same(monkeypatch):
    monkeypatch.setattr(memory.Lender, "prepare", lambda *_: None)
    descriptors = memory.open_file(), memory.open_file()
    array = channel.Channel(None, None, *descriptors).empty((300, 400), bool)
    assert array.shape == (300, 400)
    assert array.dtype == bool
    for descriptor in descriptors:
        os.close(descriptor)


def test_the_file_has_no_name():
    descriptor = memory.open_file()
    assert os.fstat(descriptor).st_nlink == 0
    os.close(descriptor)


def test_a_file_cannot_be_made_shorter_by_the_other_side(sides):
    lender, borrower = sides
    sent = np.arange(100_000, dtype=np.int32)
    seen = borrower.view(lender.lend(sent), sent.dtype, sent.shape)
    with pytest.raises(OSError, match="not permitted"):
        os.ftruncate(lender._descriptor, 0)
    np.testing.assert_array_equal(seen, sent)
    assert not seen.flags.writeable


@pytest.fixture
def unsealed(tmp_path):
    """Both ends of an ordinary file, as where nothing can be sealed."""
    descriptor = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
    yield memory.Lender(descriptor), memory.Borrower(descriptor), descriptor
    os.close(descriptor)


def test_a_file_that_may_become_shorter_is_read_and_not_mapped(unsealed):
    lender, borrower, descriptor = unsealed
    assert not memory.is_sealed(descriptor)
    sent = np.arange(100_000, dtype=np.int32).reshape(4, -1)
    start = lender.lend(sent)
    seen = borrower.view(start, sent.dtype, sent.shape)
    os.ftruncate(descriptor, 0)
    np.testing.assert_array_equal(seen, sent)
    assert lender.prepare((300, 400), np.uint8) is None
    with pytest.raises(ValueError, match="in a file of 0 bytes"):
        borrower.view(start, sent.dtype, sent.shape)
    # Its length is asked and then read: between the two it may become shorter.
    with pytest.raises(ValueError, match="ends 400000 bytes too early"):
        borrower._copy(start, sent.dtype, sent.size)
    lender.take_back(borrower.returned())
    assert lender.lend(sent) == start
    np.testing.assert_array_equal(borrower.view(start, sent.dtype, sent.shape), sent)


def test_where_nothing_can_be_shared_there_is_an_ordinary_file(monkeypatch):
    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "memfd_create", refuse)
    descriptor = memory.open_file()
    assert not memory.is_sealed(descriptor)
    assert os.fstat(descriptor).st_nlink == 0
    os.close(descriptor)
