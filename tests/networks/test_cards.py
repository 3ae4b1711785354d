import errno
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from rclicks_jax import errors, files
from rclicks_jax.networks import cards
from rclicks_jax.settings import networks


def model(value):
    variables = {"params": {"w": np.full(3000, value, np.float32)}}
    card = cards.Card(networks.network("nano"), 64, 10.0, f"data {value}", "recipe", {})
    return variables, card


def value_of(folder):
    """Returns which model a folder holds; its card must be the weights'."""
    variables, card = cards.load(folder)
    (value,) = set(variables["params"]["w"].tolist())
    assert card.data == f"data {value:.0f}"
    assert cards.load_card(folder) == card
    return value


def test_a_model_is_replaced(tmp_path):
    for value in (1, 2):
        cards.save(tmp_path, *model(value))
        assert value_of(tmp_path) == value
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {cards.WEIGHTS_NAME, cards.CARD_NAME}


def test_a_card_of_a_later_release_is_refused(tmp_path):
    cards.save(tmp_path, *model(1))
    path = tmp_path / cards.CARD_NAME
    path.write_text(path.read_text().replace('"format": 2', '"format": 3'))
    with pytest.raises(errors.DataError, match=r"is of format 3; .* up to 2"):
        cards.load(tmp_path)


def test_an_equal_model_is_not_written_again(tmp_path, monkeypatch):
    first = cards.save(tmp_path, *model(1))
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "write_atomically", full)
    assert cards.save(tmp_path, *model(1)) == first
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


def test_a_damaged_model_is_written_again(tmp_path):
    cards.save(tmp_path, *model(1))
    (tmp_path / cards.WEIGHTS_NAME).write_bytes(b"damaged")
    cards.save(tmp_path, *model(1))
    assert value_of(tmp_path) == 1


@pytest.mark.parametrize("written", [0, 1])
def test_a_full_disk_leaves_the_model_that_was_there(tmp_path, monkeypatch, written):
    cards.save(tmp_path, *model(1))
    done = []
    fsync = os.fsync

    def full(descriptor):
        if len(done) == written:
            raise OSError(errno.ENOSPC, "No space left on device")
        done.append(descriptor)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"No space left on device: .*\.next"):
        cards.save(tmp_path, *model(2))
    monkeypatch.undo()
    assert value_of(tmp_path) == 1
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("renamed", range(4))
def test_a_model_is_whole_whenever_its_writer_is_killed(tmp_path, monkeypatch, renamed):
    cards.save(tmp_path, *model(1))
    done = []
    replace = os.replace

    class Killed(BaseException):
        pass

    def killed(*names, **more):
        if len(done) == renamed:
            raise Killed
        done.append(names)
        replace(*names, **more)

    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(Killed):
        cards.save(tmp_path, *model(2))
    monkeypatch.undo()
    # The card follows the weights, whose name is the third to change.
    assert value_of(tmp_path) == (2 if renamed == 3 else 1)
    cards.save(tmp_path, *model(3))
    assert value_of(tmp_path) == 3


WRITER = """
import itertools, sys
sys.path.insert(0, sys.argv[1])
from test_cards import cards, model
print("ready", flush=True)
for value in itertools.cycle((1, 2)):
    cards.save(sys.argv[2], *model(value))
"""


def test_kill_9_leaves_a_whole_model(tmp_path):
    cards.save(tmp_path, *model(1))
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, os.path.dirname(__file__), tmp_path],
        stdout=subprocess.PIPE,
    )
    assert process.stdout.readline() == b"ready\n"
    time.sleep(0.1)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    process.stdout.close()
    assert value_of(tmp_path) in (1, 2)


def test_changed_weights_are_refused(tmp_path):
    cards.save(tmp_path, *model(1))
    path = tmp_path / cards.WEIGHTS_NAME
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(errors.DataError, match="was changed or not copied whole"):
        cards.load(tmp_path)


def test_a_card_without_a_checksum_is_read(tmp_path):
    cards.save(tmp_path, *model(1))
    path = tmp_path / cards.CARD_NAME
    described = json.loads(path.read_text())
    del described["checksum"], described["card_checksum"]
    path.write_text(json.dumps(described))
    variables, card = cards.load(tmp_path)
    assert card.checksum == ""
    assert variables["params"]["w"][0] == 1


def test_a_flipped_bit_of_a_card_is_told(tmp_path):
    saved = cards.save(tmp_path, *model(1))
    path = tmp_path / cards.CARD_NAME
    whole = path.read_bytes()
    for place in range(len(whole) - 1):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << (place % 8)
        path.write_bytes(damaged)
        try:
            assert cards.load_card(tmp_path) == saved
        except errors.DataError:
            continue


def test_a_card_that_was_changed_on_purpose_can_be_read(tmp_path):
    cards.save(tmp_path, *model(1))
    path = tmp_path / cards.CARD_NAME
    described = json.loads(path.read_text())
    described["size"] = 96
    path.write_text(json.dumps(described))
    with pytest.raises(errors.DataError, match="take the line card_checksum out"):
        cards.load(tmp_path)
    del described["card_checksum"]
    path.write_text(json.dumps(described))
    assert cards.load(tmp_path)[1].size == 96
