"""How connections are read: the fast parser where it is installed, with a limit."""

from typing import Any

# A request has at most so many bytes, with all of its headers.
_MOST_BYTES = 256 << 10


def protocol() -> Any:
    """Returns what reads connections, for uvicorn's setting `http`.

    Without `httptools` it is h11, which is slower and has a limit of its own.
    """
    try:
        from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
    except ImportError:
        return "h11"

    class Limited(HttpToolsProtocol):
        """Ends connections whose request does not end."""

        _came = 0

        def data_received(self, data: bytes) -> None:
            """Parses what came."""
            self._came += len(data)
            super().data_received(data)
            if self._came > _MOST_BYTES:
                self.transport.abort()

        def on_message_complete(self) -> None:
            """Begins to count again: a request has ended."""
            self._came = 0
            super().on_message_complete()

    return Limited
