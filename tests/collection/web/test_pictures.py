"""Pictures that stay in memory, and how they are sent."""

import asyncio

from rclicks_jax.collection.web import pictures


def test_a_picture_is_read_once_while_there_is_room(tmp_path):
    paths = {name: tmp_path / name for name in "abc"}
    for name, path in paths.items():
        path.write_bytes(name.encode() * 10)
    asked = []

    def path_of(name):
        asked.append(name)
        return paths.get(name)

    async def ask(names):
        return [await kept.content(name) for name in names]

    kept = pictures.Pictures(path_of, most_bytes=20)
    # `b` is forgotten for `c`: `a` was asked for after it.
    contents = asyncio.run(ask("abacaxb"))
    assert contents[:2] == [b"a" * 10, b"b" * 10]
    assert contents[-2:] == [None, b"b" * 10]
    assert asked == ["a", "b", "c", "x", "b"]


def test_a_large_picture_is_sent_in_parts():
    content = bytes(range(256)) * 1000
    messages = []

    async def send(message):
        messages.append(message)

    async def receive():
        return {"type": "http.disconnect"}

    response = pictures.PictureResponse(content, {"ETag": '"a"'})
    asyncio.run(response({"type": "http", "method": "GET"}, receive, send))
    start, *parts = messages
    assert (b"content-length", b"256000") in start["headers"]
    assert b"".join(part["body"] for part in parts) == content
    assert [part["more_body"] for part in parts] == [True, True, True, False]
