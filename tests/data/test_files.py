"""Files that a dataset names: read, or refused with what may help."""

import os
import socket

import pytest

from rclicks_jax import errors
from rclicks_jax.data.raw import files


def refused(path, **named):
    with pytest.raises(errors.DataError) as caught:
        files.read(path, **named)
    text = str(caught.value)
    assert "Errno" not in text
    return text


def test_a_file_and_a_link_to_it_are_read(tmp_path):
    (tmp_path / "a").write_bytes(b"content")
    (tmp_path / "link").symlink_to("a")
    assert files.read(tmp_path / "a") == files.read(tmp_path / "link") == b"content"


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    (tmp_path / "b.png").symlink_to("a.png")
    for name in ("a.png", "b.png"):
        assert "is a named pipe, not a file" in refused(tmp_path / name)


def test_a_link_to_a_device_is_refused(tmp_path):
    (tmp_path / "a.png").symlink_to("/dev/zero")
    assert "is a device, not a file" in refused(tmp_path / "a.png")


def test_a_folder_and_a_socket_are_refused(tmp_path):
    assert "is a folder, not a file" in refused(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        here = os.getcwd()
        os.chdir(tmp_path)  # Names of sockets are short.
        listener.bind("s")
        os.chdir(here)
        assert "is a socket" in refused(tmp_path / "s")


def test_links_that_lead_nowhere_are_refused(tmp_path):
    (tmp_path / "a").symlink_to("gone")
    assert "is a link to gone, which does not exist" in refused(tmp_path / "a")
    (tmp_path / "b").symlink_to("b")
    assert "leads back to itself" in refused(tmp_path / "b")


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        ("Photo.jpg", "There is photo.jpg, whose name differs in capitals"),
        ("photo.png", "There is photo.jpg, of the same name with another suffix"),
        ("cafe\u0301.png", "There is caf\u00e9.png, whose name differs in capitals"),
        ("sub\\photo.jpg", "It has backslashes"),
        ("https://example.org/photo.jpg", "It looks like a URL"),
        ("other.jpg", "other.jpg does not exist."),
        ("photo.jpg/inside", "inside does not exist."),
    ],
)
def test_a_file_that_is_not_there_comes_with_a_hint(tmp_path, wrong, hint):
    for name in ("photo.jpg", "caf\u00e9.png"):
        (tmp_path / name).write_bytes(b"x")
    assert hint in refused(tmp_path / wrong)


@pytest.mark.parametrize("name", ["a\0b", "x" * 300])
def test_names_that_no_file_can_have_are_refused(tmp_path, name):
    assert "cannot be opened" in refused(tmp_path / name, name="the image")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_refused(tmp_path):
    (tmp_path / "a").write_bytes(b"x")
    (tmp_path / "a").chmod(0)
    assert "no permission" in refused(tmp_path / "a")


@pytest.mark.parametrize(
    ("start", "size", "told"),
    [
        (b"", 2**40, "nothing but zero bytes"),
        (b"\x89PNG", 2**40, "has 1099511627776 bytes; at most 8589934592 can be read"),
    ],
)
def test_a_sparse_file_is_refused_before_it_fills_the_memory(
    tmp_path, start, size, told
):
    path = tmp_path / "a.png"
    path.write_bytes(start)
    os.truncate(path, size)
    assert told in refused(path)
