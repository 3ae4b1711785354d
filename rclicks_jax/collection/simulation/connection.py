"""A bot's connection to the server: one that comes back when the server does."""

import http.client
import random
import ssl
import time
import urllib.parse
from typing import Any, TypeVar

import msgspec

from rclicks_jax import errors
from rclicks_jax.collection import messages

T = TypeVar("T")
# A server that is started again needs seconds; one that stays away is given up.
_PATIENCE_SECONDS = 600.0
_TIMEOUT_SECONDS = 60.0
_FIRST_WAIT, _MOST_WAIT = 0.05, 2.0
_AGAIN = (429, 500, 502, 503, 504)


class RefusedError(errors.RClicksError):
    """The server refused a request.

    Attributes:
        status: HTTP status.
        problem: Key of what was wrong.
    """

    def __init__(self, path: str, status: int, problem: str, detail: str) -> None:
        super().__init__(f"{path}: {status} {problem}: {errors.printable(detail)}")
        self.status = status
        self.problem = problem


class Connection:
    """Sends messages of a browser; waits and tries again while the server is away."""

    def __init__(self, url: str) -> None:
        """Takes the address of the server; connects with the first request."""
        place = urllib.parse.urlsplit(url)
        if place.scheme not in ("http", "https") or not place.hostname:
            raise errors.BadValueError("--url", url, "http://HOST:PORT or https://HOST")
        self._place = place
        self._connection: http.client.HTTPConnection | None = None
        self.session = ""
        self._cookie = ""
        self.tries = 0

    def copy(self) -> "Connection":
        """Returns another connection of the same browser."""
        other = Connection(self._place.geturl())
        other.session, other._cookie = self.session, self._cookie
        return other

    def post(self, name: str, message: msgspec.Struct, kind: type[T]) -> T:
        """Sends a message and returns the answer, of one kind.

        Raises:
            RefusedError: The server refused it for good.
            RClicksError: The server is away for too long.
        """
        return msgspec.json.decode(self.send(name, message), type=kind)

    def send(self, name: str, message: msgspec.Struct) -> bytes:
        """Sends a message and returns the answer as it came.

        The same bytes are sent again until there is an answer.

        Raises:
            RefusedError: The server refused it for good.
            RClicksError: The server is away for too long.
        """
        headers = {"Content-Type": "application/json"}
        if self.session:
            headers["Authorization"] = f"Bearer {self.session}"
        content = msgspec.json.encode(message)
        path = f"/api/{name}"
        status, body = self._until_answered("POST", path, content, headers)
        # Another event of the same assignment was stored before: that is an answer.
        if status == 200 or (status == 409 and b'"stored"' in body):
            return body
        raise _refused(path, status, body)

    def get(self, path: str) -> bytes:
        """Fetches a picture.

        Raises:
            RefusedError: There is none.
            RClicksError: The server is away for too long.
        """
        status, body = self._until_answered("GET", path, None, {})
        if status != 200:
            raise _refused(path, status, body)
        return body

    def close(self) -> None:
        """Ends the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _until_answered(
        self, method: str, path: str, content: bytes | None, headers: dict[str, str]
    ) -> tuple[int, bytes]:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        wait, why = _FIRST_WAIT, ""
        while time.monotonic() < deadline:
            self.tries += 1
            try:
                status, body = self._once(method, path, content, headers)
                # Who waits for a seat may wait longer than for a server that is away.
                if status not in _AGAIN or b'"no_seat"' in body:
                    return status, body
                why = f"status {status}"
            except (OSError, http.client.HTTPException) as error:
                self.close()
                why = errors.reason(error)
            # Bots that wait for the same server do not come back at the same time.
            time.sleep(wait * random.uniform(0.5, 1.5))
            wait = min(2 * wait, _MOST_WAIT)
        raise errors.RClicksError(
            f"{self._place.geturl()} gives no answer for {_PATIENCE_SECONDS:.0f} s: "
            f"{why}."
        )

    def _once(
        self, method: str, path: str, content: bytes | None, headers: dict[str, str]
    ) -> tuple[int, bytes]:
        connection = self._connection = self._connection or self._connect()
        sent: dict[str, Any] = {**headers}
        if self._cookie:
            sent["Cookie"] = self._cookie
        connection.request(method, path, content, sent)
        response = connection.getresponse()
        body = response.read()
        cookie = response.getheader("Set-Cookie")
        if cookie:
            self._cookie = cookie.partition(";")[0]
        return response.status, body

    def _connect(self) -> http.client.HTTPConnection:
        host, port = self._place.hostname or "", self._place.port
        if self._place.scheme == "https":
            return http.client.HTTPSConnection(
                host,
                port,
                timeout=_TIMEOUT_SECONDS,
                context=ssl.create_default_context(),
            )
        return http.client.HTTPConnection(host, port, timeout=_TIMEOUT_SECONDS)


def _refused(path: str, status: int, body: bytes) -> RefusedError:
    try:
        told = msgspec.json.decode(body, type=messages.Problem)
    except msgspec.MsgspecError:
        return RefusedError(path, status, "", body[:200].decode(errors="replace"))
    return RefusedError(path, status, told.problem, told.detail)
