"""Recognises by its first bytes what a file is, if its name does not fit."""

import re

# Number of bytes at the start of a file that `mistaken` reads.
HEAD = 1024
_LFS = b"version https://git-lfs.github.com/spec/"
_MARKUP = re.compile(rb"(\xef\xbb\xbf)?\s*<(!doctype|html|head|body|script)", re.I)
_XML = re.compile(rb"(\xef\xbb\xbf)?\s*<\?xml|\s*<error", re.I)
_JSON = re.compile(rb"(\xef\xbb\xbf)?\s*\{\s*\"")
_ADVICE = "download it again"
_SIGNATURES = (
    (b"PK\x03\x04", "a zip archive: unpack it"),
    (b"\x1f\x8b", "a gzip archive: unpack it"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it"),
    (b"8BPS", "a Photoshop file: export it as PNG"),
    (b"\xff\x0a", "a JPEG XL image: export it as JPEG or PNG"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL image: export it as JPEG or PNG"),
    (b"%PDF", "a PDF document: export it as an image"),
    (b"\x00\x05\x16\x07", "a macOS resource file (its name begins with ._): delete it"),
    (b"\x93NUMPY", "a NumPy array (.npy)"),
    (b"\x89HDF", "an HDF5 file"),
)
# Brands after `ftyp` of photographs of phones; other brands are films.
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1")


def mistaken(start: bytes) -> str:
    """Returns what a file really is and what to do; empty if that is not known.

    It recognises failed downloads (a pointer of Git LFS, a web page, an answer of a
    server, an empty file) and files of other kinds.

    Args:
        start: The first `HEAD` bytes of the file, or all of it.

    Returns:
        A text such as "a web page, not the file itself: download it again".
    """
    if not start:
        return f"empty (0 bytes): copy it or {_ADVICE}"
    if not start.strip(b"\0"):
        return f"nothing but zero bytes: copy it or {_ADVICE}"
    if start.startswith(_LFS):
        return "a Git LFS pointer, not the file itself: run `git lfs pull` where it is"
    if _MARKUP.match(start):
        return f"a web page (HTML), not the file itself: {_ADVICE}"
    if start.lstrip().startswith(b"<svg") or b"<svg" in start[:HEAD]:
        return "an SVG drawing: export it as PNG"
    if _XML.match(start):
        return f"an XML text, such as the error of a server: {_ADVICE}"
    if _JSON.match(start):
        return f"a JSON text, such as the error of a server: {_ADVICE}"
    if start.startswith(b"PK\x03\x04") and b"[Content_Types].xml" in start:
        return "an Office file, such as .xlsx: save it as CSV or text"
    if start[4:8] == b"ftyp":
        return _film_or_heif(start[8:12])
    return next((text for head, text in _SIGNATURES if start.startswith(head)), "")


def _film_or_heif(brand: bytes) -> str:
    if brand in _HEIF_BRANDS:
        return "a HEIC photograph: export it as JPEG or PNG"
    if brand in (b"avif", b"avis"):
        return "an AVIF image: export it as JPEG or PNG"
    return "a film (MP4 or QuickTime): export its frames as images"
