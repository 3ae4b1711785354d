"""The web server of a study: the table of `messages` as addresses.

It never imports JAX. What a study knows is behind `service.answers`; a segmenter of
live rounds answers in another process.
"""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple, Protocol

import msgspec
import numpy as np
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp

from rclicks_jax.collection import messages, words
from rclicks_jax.collection.service.answers import (
    LivePhotograph,
    LiveTurn,
    Service,
)
from rclicks_jax.collection.service.desk import Refusal, refusal
from rclicks_jax.collection.study import languages, tokens
from rclicks_jax.collection.web import (
    dispatch,
    fetched_pictures,
    guards,
    page_files,
    pictures,
    rates,
    seats,
    visits,
)
from rclicks_jax.collection.web.dispatch import Address, answer_json

COOKIE = "rclicks_pictures"
PREVIEW = "preview"
_FOR_EVER = "public, max-age=31536000, immutable"
# Pictures are asked for each time, so that the server knows who has seen them.
_ASK_AGAIN = "private, no-cache"
# Entries of all people together: no session limits them yet.
_ENTRIES_A_MINUTE, _ENTRIES_AT_ONCE = 6000.0, 3000.0
_THREADS = 4


class Segmenter(Protocol):
    """What answers in live rounds."""

    @property
    def rests(self) -> bool:
        """Whether it failed too often lately to be given further people."""
        ...

    def prepare(self, photograph: LivePhotograph) -> None:
        """Has a photograph encoded while its person looks at what is meant."""
        ...

    async def ask(self, turn: LiveTurn) -> tuple[np.ndarray, float]:
        """Returns a mask, `bool[h w]`, and the milliseconds that it took.

        Raises:
            Refusal: It failed.
        """
        ...


class _Call(NamedTuple):
    """How a message is answered.

    Attributes:
        kind: The message.
        answer: Takes request, session token and message.
    """

    kind: type[Any]
    answer: Callable[[Request, str, Any], Awaitable[Any]]


def application(
    service: Service, *, secure: bool = False, segmenter: Segmenter | None = None
) -> ASGIApp:
    """Returns the application for participants.

    Args:
        service: The open study.
        secure: Whether browsers come by TLS, so that cookies are for TLS alone.
        segmenter: Answers in live rounds.
    """
    return _Server(service, secure, segmenter).application


def preview_key(service: Service) -> str:
    """Returns the value of the parameter that shows the study without counting."""
    return tokens.keyed(service.study.secret, PREVIEW)


class _Server:
    def __init__(
        self, service: Service, secure: bool, segmenter: Segmenter | None
    ) -> None:
        self._service = service
        self._secure = secure
        self._segmenter = segmenter
        self._pool = ThreadPoolExecutor(_THREADS, "study")
        most = service.study.config.limits.events_a_minute
        self._rates = rates.Rates(most, most, service.clock)
        self._entries = rates.Rates(_ENTRIES_A_MINUTE, _ENTRIES_AT_ONCE, service.clock)
        self._visits = visits.Visits()
        self._pictures = pictures.Pictures(service.asset)
        self._fetching = fetched_pictures.Fetching()
        self._seats = seats.Seats(service.study.config.live.seats)
        self._files = page_files.load()
        self._version = page_files.version(self._files)
        first = next(iter(service.study.languages.values()))
        self._shell = page_files.shell(
            service.study.config.study.title, first, self._version
        )
        calls = {
            "consent": _Call(messages.Consent, self._plain(service.consent)),
            "device": _Call(messages.DeviceFacts, self._plain(service.device)),
            "begin": _Call(messages.Begin, self._plain(lambda t, _: service.begin(t))),
            "next": _Call(messages.NextQuery, self._next),
            "click": _Call(messages.ClickEvent, self._click),
            "live": _Call(messages.LiveEvent, self._live),
            "heartbeat": _Call(messages.Heartbeat, self._plain(service.heartbeat)),
            "void": _Call(messages.Void, self._plain(service.void)),
            "withdraw": _Call(messages.Withdraw, self._withdraw),
            "finish": _Call(messages.FinishQuery, self._plain(service.finish)),
        }
        self.application = guards.Guarded(
            dispatch.Dispatch(
                [
                    Address("GET", "/", self._page),
                    Address("GET", f"/w/{self._version}/{{name}}", self._file),
                    Address("GET", "/a/{name}", self._picture),
                    Address("GET", "/api/texts/{name}", self._texts),
                    Address("POST", "/api/enter", self._enter),
                    *(
                        Address("POST", f"/api/{name}", self._endpoint(call))
                        for name, call in calls.items()
                    ),
                    Address("GET", "/robots.txt", _robots),
                ]
            ),
            service.frame_ancestors(),
        )

    # ----- Pages and files -----

    async def _page(self, request: Request) -> Response:
        return HTMLResponse(self._shell)

    async def _file(self, request: Request) -> Response:
        file = self._files.get(request.path_params["name"])
        if file is None:
            raise HTTPException(404)
        headers = {"Cache-Control": _FOR_EVER}
        return Response(file.content, media_type=file.media_type, headers=headers)

    async def _picture(self, request: Request) -> Response:
        asset_id, _, suffix = request.path_params["name"].partition(".")
        content = await self._pictures.content(asset_id) if suffix == "webp" else None
        if content is None:
            raise HTTPException(404)
        self._fetching.fetch(request.cookies.get(COOKIE, ""), asset_id)
        tag = f'"{asset_id}"'
        headers = {"Cache-Control": _ASK_AGAIN, "ETag": tag, "Vary": "Cookie"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return pictures.PictureResponse(content, headers)

    async def _texts(self, request: Request) -> Response:
        wanted = request.path_params["name"]
        language = languages.chosen(self._service.study.languages, wanted)
        return answer_json(
            messages.Texts(
                language=language.code,
                direction=language.direction,
                texts=dict(language.texts),
            )
        )

    # ----- Messages -----

    async def _enter(self, request: Request) -> Response:
        guards.check_origin(request)
        self._count(self._entries, "")
        message = _decoded(await guards.body(request), messages.Enter)
        answer = await _settled(self._service.enter(message, self._kind(message)))
        self._visits.enter(self._service.session_id(answer.session), message.visit)
        response = answer_json(answer)
        response.set_cookie(
            COOKIE,
            self._service.session_id(answer.session),
            path="/",
            httponly=True,
            samesite="lax",
            secure=self._secure,
        )
        return response

    def _kind(self, message: messages.Enter) -> words.SessionKind:
        key = message.parameters.get(PREVIEW, "")
        if key and tokens.equal(key, preview_key(self._service)):
            return "test"
        return "real" if self._service.desk.source == "people" else "bot"

    def _endpoint(self, call: _Call) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            guards.check_origin(request)
            scheme, _, token = request.headers.get("authorization", "").partition(" ")
            session_id = self._service.session_id(
                token if scheme.lower() == "bearer" else ""
            )
            self._count(self._rates, session_id)
            message = _decoded(await guards.body(request), call.kind)
            told = await call.answer(request, token, message)
            stored = getattr(told, "stored", "")
            return answer_json(told, 409 if stored == "duplicate" else 200)

        return answer

    @staticmethod
    def _count(counted: rates.Rates, session_id: str) -> None:
        if seconds := counted.wait(session_id):
            raise refusal(429, "too_many", f"Try again in {seconds:.0f} s.")

    @staticmethod
    def _plain(
        method: "Callable[[str, Any], Future[Any]]",
    ) -> Callable[[Request, str, Any], Awaitable[Any]]:
        async def answer(request: Request, token: str, message: Any) -> Any:
            return await _settled(method(token, message))

        return answer

    async def _next(
        self, request: Request, token: str, message: messages.NextQuery
    ) -> messages.Next:
        session_id = self._service.session_id(token)
        if not self._visits.is_here(session_id, message.visit):
            raise refusal(409, "elsewhere", "The person goes on in another page.")
        # A live task is given once there is a seat for it: its photograph is seen then.
        # Whoever waits gets another task, if there is one.
        seated = self._segmenter is None or self._seats.take(session_id)
        if seated and self._segmenter is not None and self._segmenter.rests:
            raise refusal(503, "busy", "The segmenter failed several times.")
        given = await _settled(self._service.next_task(token, message, seated=seated))
        if isinstance(given, messages.Finish) or (seated and not self._is_used(given)):
            self._seats.leave(session_id)
        if not isinstance(given, messages.Task):
            return given
        self._fetching.give(session_id, given.assignment, given.preload)
        if given.pace != "live":
            self._seats.keep(session_id, _seconds(given))
        elif self._segmenter is not None:
            photograph = self._service.live_photograph(given.assignment)
            self._segmenter.prepare(photograph)
        return given

    def _is_used(self, given: messages.Next) -> bool:
        """Tells whether a session with a seat needs it: now, or after a short task."""
        if self._segmenter is None or not isinstance(given, messages.Task):
            return False
        return given.pace == "live" or self._service.is_apart(given.assignment)

    async def _withdraw(
        self, request: Request, token: str, message: messages.Withdraw
    ) -> messages.Withdrawn:
        told = await _settled(self._service.withdraw(token, message))
        self._seats.leave(self._service.session_id(token))
        return told

    async def _click(
        self, request: Request, token: str, message: messages.ClickEvent
    ) -> messages.ClickAnswer:
        session_id = self._service.session_id(token)
        fetched = None
        # Some frames get no cookies.
        if request.cookies.get(COOKIE) == session_id:
            fetched = self._fetching.fetched(session_id, message.assignment)
        # A click is judged in the thread that calls, which may read a region.
        future = await asyncio.get_running_loop().run_in_executor(
            self._pool, self._service.take_click, token, message, fetched
        )
        return await _settled(future)

    async def _live(
        self, request: Request, token: str, message: messages.LiveEvent
    ) -> messages.LiveAnswer:
        turn = await _settled(self._service.take_live(token, message))
        if turn.answer is not None:
            return turn.answer
        mask, milliseconds = None, 0.0
        if turn.needs_mask:
            if self._segmenter is None:
                raise refusal(503, "busy", "No segmenter is running.")
            self._seats.use(self._service.session_id(token))
            try:
                mask, milliseconds = await self._segmenter.ask(turn)
            except Refusal as error:
                if not error.problem.retry:
                    await _settled(self._service.fail_live(token, turn))
                raise
        # The mask is compared with the target in the thread that calls.
        future = await asyncio.get_running_loop().run_in_executor(
            self._pool, self._service.answer_live, token, turn, mask, milliseconds
        )
        return await _settled(future)


async def _settled(future: "Future[Any]") -> Any:
    """Waits until the result of a future is durable."""
    # A browser that leaves must not cancel what is being written.
    return await asyncio.shield(asyncio.wrap_future(future))


def _seconds(task: messages.Task) -> float:
    """Returns the most seconds that a timed task takes."""
    limited = all(step.limit_ms for step in task.steps if step.click == "wanted")
    planned = sum(step.ms + step.limit_ms for step in task.steps) / 1000
    return planned if limited else task.lease_s


def _decoded(content: bytes, kind: type[Any]) -> Any:
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise refusal(400, "bad_request", str(error)[:200]) from error


async def _robots(request: Request) -> Response:
    return PlainTextResponse("User-agent: *\nDisallow: /\n")
