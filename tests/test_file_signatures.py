"""Files that are not what their names promise."""

import numpy as np
import pytest
from image_bytes import png

from rclicks_jax import errors, file_signatures
from rclicks_jax.weights import torch_files

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
PAGE = b"<!DOCTYPE html>\n<html><head><title>Quota exceeded</title></head></html>\n"


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (b"", "empty"),
        (bytes(900), "zero bytes"),
        (POINTER, "git lfs pull"),
        (PAGE, "web page"),
        (b"\xef\xbb\xbf \n<HTML>", "web page"),
        (b"<head><title>404</title></head>", "web page"),
        (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code>', "XML"),
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg">', "SVG"),
        (b'{"message": "Not Found"}', "JSON"),
        (b"PK\x03\x04rest", "zip archive"),
        (b"%PDF-1.7", "PDF"),
        (b"\0\0\0\x18ftypheic", "HEIC"),
        (b"\0\0\0\x18ftypmp42", "film"),
        (b"\x00\x05\x16\x07\x00", "macOS"),
    ],
)
def test_known_contents_are_named(start, expected):
    assert expected in file_signatures.mistaken(start)


@pytest.mark.parametrize("start", [b"\xff\xd8\xff\xe0", png(np.eye(3, dtype=int), 1)])
def test_images_and_unknown_contents_are_not(start):
    assert (
        file_signatures.mistaken(start) == file_signatures.mistaken(b"anything") == ""
    )


@pytest.mark.parametrize(
    ("content", "expected"),
    [(POINTER, "git lfs pull"), (PAGE, "web page"), (b"", "empty")],
)
def test_a_checkpoint_that_was_not_fetched_is_named(tmp_path, content, expected):
    path = tmp_path / "model.pth"
    path.write_bytes(content)
    with pytest.raises(errors.DataError) as caught:
        torch_files.read(path)
    assert str(caught.value).startswith(f"{path} is ")
    assert expected in str(caught.value)
    assert "--torch_python" not in str(caught.value)
