"""What every request meets before it is answered: limits, origins, headers, times."""

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rclicks_jax.collection import messages
from rclicks_jax.collection.service.desk import Refusal

# A line for each request has neither ids nor addresses of people.
REQUESTS = logging.getLogger("rclicks_jax.collection.requests")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}


def policy(frames: Sequence[str]) -> str:
    """Returns the content security policy of the pages.

    Args:
        frames: Origins that may show the pages in a frame.
    """
    ancestors = " ".join(frames) or "'none'"
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; base-uri 'none'; form-action 'none'; "
        f"frame-ancestors {ancestors}"
    )


class Guarded:
    """Adds headers to all answers, and writes a line for each request."""

    def __init__(self, app: ASGIApp, frames: Sequence[str] = ()) -> None:
        """Guards an application.

        Args:
            app: The application.
            frames: Origins that may show the pages in a frame.
        """
        self._app = app
        headers = {**_HEADERS, "Content-Security-Policy": policy(frames)}
        if not frames:
            headers["X-Frame-Options"] = "DENY"
        self._headers = [
            (name.lower().encode(), value.encode()) for name, value in headers.items()
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status = time.perf_counter(), 0

        async def send_guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own = message["headers"]
                names = {name for name, _ in own}
                message["headers"] = [
                    *own,
                    *(item for item in self._headers if item[0] not in names),
                ]
            await send(message)

        try:
            await self._app(scope, receive, send_guarded)
        finally:
            seconds = time.perf_counter() - begun
            REQUESTS.info("%s %s %d %.1f ms", *_place(scope), status, seconds * 1000)


def _place(scope: Scope) -> tuple[str, str]:
    """Returns method and kind of address: never the address, which may hold an id."""
    route: Any = scope.get("route")
    return scope["method"], getattr(route, "path", "(nothing)")


async def body(request: Request, limits: messages.Limits = messages.LIMITS) -> bytes:
    """Returns the body of a request.

    Raises:
        Refusal: It is too large, too slow, or no JSON.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise _refused(415, "The content type must be application/json.")
    told = request.headers.get("content-length", "0")
    if not told.isdigit() or len(told) > 12 or int(told) > limits.body:
        raise _refused(413, f"A body has at most {limits.body} bytes.")
    content = bytearray()
    try:
        async with asyncio.timeout(limits.seconds):
            async for part in request.stream():
                content += part
                if len(content) > limits.body:
                    raise _refused(413, f"A body has at most {limits.body} bytes.")
    except TimeoutError:
        raise _refused(408, f"A body comes within {limits.seconds:g} s.") from None
    except ClientDisconnect:
        raise _refused(400, "The body was cut.") from None
    return bytes(content)


def check_origin(request: Request) -> None:
    """Refuses requests that a page of another origin made.

    Browsers say from where a page sends; other programs may say nothing.

    Raises:
        Refusal: The page is not ours.
    """
    origin = request.headers.get("origin")
    site = request.headers.get("sec-fetch-site", "same-origin")
    host = request.headers.get("host", "")
    if site not in ("same-origin", "none") or (
        origin is not None and origin.partition("://")[2] != host
    ):
        raise _refused(403, "The request comes from another origin.")


def _refused(status: int, detail: str) -> Refusal:
    return Refusal(
        status,
        messages.Problem(problem="bad_request", detail=detail, retry=status == 408),
    )
