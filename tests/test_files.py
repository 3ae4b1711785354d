import errno
import os
import platform
import subprocess
import sys
import threading
from concurrent import futures

import pytest

from rclicks_jax import files


def full(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "new" / "a.txt"
    files.write_atomically(path, "é")
    files.write_atomically(path, b"two")
    assert path.read_bytes() == b"two"
    assert [one.name for one in path.parent.iterdir()] == ["a.txt"]


def test_a_full_disk_keeps_what_was_there_and_is_named(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    files.write_atomically(path, b"one")
    with pytest.raises(OSError, match=f"No space left on device: '{path}'"):
        files.write_with(path, full)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=f"No space left on device: '{path}'") as caught:
        files.write_atomically(path, b"two")
    assert caught.value.errno == errno.ENOSPC
    assert path.read_bytes() == b"one"
    assert [one.name for one in tmp_path.iterdir()] == ["a.txt"]


def test_an_error_of_another_kind_leaves_nothing_behind(tmp_path):
    def wrong(file):
        file.write(b"half")
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        files.write_with(tmp_path / "a.txt", wrong)
    assert not list(tmp_path.iterdir())


def test_only_old_leftovers_are_removed(tmp_path):
    for name in (".a.partial", "b.partial", "deep/.c.partial", "d.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
        os.utime(tmp_path / name, (0, 0))
    (tmp_path / ".new.partial").write_text("")
    files.remove_leftovers(tmp_path)
    left = sorted(path.name for path in tmp_path.rglob("*") if path.is_file())
    assert left == [".new.partial", "b.partial", "d.txt"]
    files.remove_leftovers(tmp_path, seconds=0)
    assert not (tmp_path / ".new.partial").exists()


def test_what_has_no_name_is_explained():
    said = files.explain(OSError(errno.ENOSPC, "No space left on device"))
    assert said.startswith("No space left on device. Make room there")
    assert files.explain(OSError("odd")).startswith("odd. Mend that and run the same")


def test_what_a_process_that_is_gone_left_is_not_waited_for(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    node = platform.node()
    names = [f".a.{node}.{gone.pid}", f".a.{node}.{os.getpid()}", f".a.x.{gone.pid}"]
    for name in names:
        (tmp_path / f"{name}.partial").write_bytes(b"half")
    files.remove_leftovers(tmp_path)
    left = {path.name.removesuffix(".partial") for path in tmp_path.iterdir()}
    assert left == set(names[1:])


def test_threads_that_write_one_file_at_the_same_time_all_succeed(tmp_path):
    path, together = tmp_path / "file", threading.Barrier(4)

    def write(number):
        def content(file):
            file.write(bytes([number]) * 1000)
            together.wait(timeout=20)

        files.write_with(path, content)

    with futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    assert path.read_bytes() in [bytes([number]) * 1000 for number in range(4)]
    assert [each.name for each in tmp_path.iterdir()] == ["file"]
