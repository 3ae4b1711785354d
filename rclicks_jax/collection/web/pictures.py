"""Pictures for browsers: those that were asked for last stay in memory."""

import asyncio
import collections
import pathlib
from collections.abc import Callable, Mapping

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

_MOST_BYTES = 48 << 20
# So much goes to a connection at a time: a slow browser takes no more memory.
_PART = 64 << 10


class Pictures:
    """Contents of pictures, by id. The content of an id never changes."""

    def __init__(
        self,
        path: Callable[[str], pathlib.Path | None],
        most_bytes: int = _MOST_BYTES,
    ) -> None:
        """Has read nothing yet.

        Args:
            path: Returns the file of an id; None if there is none.
            most_bytes: Memory for contents.
        """
        self._path = path
        self._most_bytes = most_bytes
        self._bytes = 0
        self._kept: collections.OrderedDict[str, bytes] = collections.OrderedDict()

    async def content(self, asset_id: str) -> bytes | None:
        """Returns what the file of a picture holds; None if there is none."""
        content = self._kept.get(asset_id)
        if content is not None:
            self._kept.move_to_end(asset_id)
            return content
        content = await asyncio.to_thread(self._read, asset_id)
        # Others may have asked for it meanwhile.
        if content is not None and asset_id not in self._kept:
            self._kept[asset_id] = content
            self._bytes += len(content)
            while self._bytes > self._most_bytes:
                self._bytes -= len(self._kept.popitem(last=False)[1])
        return content

    def _read(self, asset_id: str) -> bytes | None:
        path = self._path(asset_id)
        return None if path is None else path.read_bytes()


class PictureResponse(Response):
    """A picture, sent as fast as the browser takes it."""

    media_type = "image/webp"

    def __init__(self, content: bytes, headers: Mapping[str, str]) -> None:
        """Takes the content of a picture, and headers."""
        super().__init__(content, headers=headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the picture."""
        start = "http.response.start"
        headers = self.raw_headers
        await send({"type": start, "status": self.status_code, "headers": headers})
        content = bytes(self.body)
        for first in range(0, max(1, len(content)), _PART):
            rest = first + _PART < len(content)
            part = content[first : first + _PART]
            await send({"type": "http.response.body", "body": part, "more_body": rest})
