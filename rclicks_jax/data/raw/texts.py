"""Decodes text files of editors, spreadsheets and shells."""

import codecs

from rclicks_jax import errors, file_signatures

# UTF-32 comes before UTF-16, whose mark is the beginning of its mark.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def decode(content: bytes, name: str) -> str:
    """Decodes text by its byte order mark, or as UTF-8; the mark is left out.

    Args:
        content: Content of the file.
        name: Path of the file, for messages.

    Raises:
        DataError: The content has another encoding or is not text; the message names
            the line.
    """
    mistaken = (
        file_signatures.mistaken(content[: file_signatures.HEAD]) if content else ""
    )
    if mistaken:
        raise errors.DataError(f"{name} is {mistaken}.")
    encoding, mark = _encoding(content)
    content = content[len(mark) :]
    try:
        text = content.decode(encoding)
        zero = text.find("\0")
        if zero >= 0:
            line = text.count("\n", 0, zero) + 1
            raise errors.DataError(
                f"{name}, line {line}: there are zero bytes, which no text has. It is "
                "damaged, or in another encoding: save the file as UTF-8."
            )
        return text
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise errors.DataError(
            f"{name}, line {line}: this is not {encoding.upper()} text. Save the file "
            "as UTF-8."
        ) from error


def _encoding(content: bytes) -> tuple[str, bytes]:
    """Returns the encoding of a text and its byte order mark."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return encoding, mark
    # Without a mark: every other byte of Latin text in UTF-16 is 0.
    start = content[: min(64, len(content) // 2 * 2)]
    even, odd = start[::2].count(0), start[1::2].count(0)
    if odd > len(start) // 4 and not even:
        return "utf-16-le", b""
    if even > len(start) // 4 and not odd:
        return "utf-16-be", b""
    return "utf-8", b""
