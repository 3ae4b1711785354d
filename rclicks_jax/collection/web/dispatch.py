"""Finds what answers a request by its address, and answers what goes wrong.

Two tables take the place of a framework's layers, which cost more than the answers.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from rclicks_jax.collection import messages
from rclicks_jax.collection.service.answers import StoreError
from rclicks_jax.collection.service.desk import Refusal, refusal

_LOG = logging.getLogger("rclicks_jax.collection")
_METHODS = {"GET": ("GET", "HEAD"), "POST": ("POST",)}


class Address(NamedTuple):
    """An address, or all of a folder.

    Attributes:
        method: `GET` or `POST`.
        path: The path, or `FOLDER/{name}`, whose name is in the request's path
            parameters.
        answer: Answers a request.
    """

    method: str
    path: str
    answer: Callable[[Request], Awaitable[Response]]


class Dispatch:
    """An ASGI application of addresses."""

    def __init__(self, addresses: Iterable[Address]) -> None:
        """Makes the tables."""
        self._paths: dict[str, Address] = {}
        self._folders: dict[str, Address] = {}
        for address in addresses:
            folder, braces, _ = address.path.partition("/{name}")
            (self._folders if braces else self._paths)[folder] = address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        request = Request(scope, receive)
        try:
            response = await self._found(scope).answer(request)
        except Exception as error:
            response = _wrong(error)
        await response(scope, receive, send)

    def _found(self, scope: Scope) -> Address:
        path = scope["path"]
        address = self._paths.get(path)
        if address is None:
            folder, _, name = path.rpartition("/")
            address = self._folders.get(folder)
            if address is None:
                raise HTTPException(404)
            scope["path_params"] = {"name": name}
        # Lines of requests tell the kind of address alone.
        scope["route"] = address
        allowed = _METHODS[address.method]
        if scope["method"] not in allowed:
            raise HTTPException(405, headers={"Allow": ", ".join(allowed)})
        return address


def answer_json(answer: msgspec.Struct, status: int = 200) -> Response:
    """Returns a message as a response."""
    content = msgspec.json.encode(answer)
    return Response(content, status, media_type="application/json")


def _wrong(error: Exception) -> Response:
    """Returns what a browser is told of an error."""
    match error:
        case Refusal():
            return _problem(error.status, error.problem)
        case HTTPException():
            code = error.status_code
            return PlainTextResponse(f"{code}", code, headers=error.headers)
        case StoreError():
            # The browser keeps its event and tries again. The store tells the owner.
            key = "full" if error.lasting else "busy"
            return _problem(503, refusal(503, key, "Nothing was stored.").problem)
        case _:
            _LOG.error("A request failed.", exc_info=error)
            fault = refusal(503, "busy", "The server has a fault.")
            return _problem(500, fault.problem)


def _problem(status: int, problem: messages.Problem) -> Response:
    response = answer_json(problem, status)
    if problem.retry:
        response.headers["Retry-After"] = "5"
    return response
