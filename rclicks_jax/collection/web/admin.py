"""Pages for the owner of a study: progress, what was rejected, clicks of a task.

They listen on this machine alone and need a token, which the server prints.
"""

import asyncio
import collections
import hmac
import urllib.parse
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    HTMLResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
)
from starlette.routing import Route
from starlette.types import ASGIApp

from rclicks_jax.collection import words
from rclicks_jax.collection.service import judgement
from rclicks_jax.collection.service.answers import Service
from rclicks_jax.collection.store import assignments, catalogue, cells, views
from rclicks_jax.collection.web import guards, page_files

_COOKIE = "rclicks_admin"
_HOSTS = {"127.0.0.1", "localhost", "[::1]"}
# Clicks that are read at a time, so that others can read between.
_CHUNK = 2000
_MOST_DOTS = 3000
_TASKS_ON_A_PAGE = 100

_Handler = Callable[[Request], Awaitable[Response]]


class _Reasons:
    """Counts reasons against clicks; reads each click once."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._last = 0
        self.clicks = 0
        self.rejected = 0
        self.counts: collections.Counter[str] = collections.Counter()
        self._lock = asyncio.Lock()

    async def update(self) -> None:
        """Counts the clicks that came since the last time."""
        async with self._lock:
            while await asyncio.to_thread(self._read):
                pass

    def _read(self) -> bool:
        last = self._last
        found = self._service.store.read(
            lambda db: views.clicks_after(db, last, _CHUNK)
        )
        for click in found:
            self._last = click.number
            if click.counted:
                reasons = _judged(click).reasons
                self.clicks += 1
                self.rejected += not judgement.accepted(reasons)
                self.counts.update(reasons)
        return len(found) == _CHUNK


def application(service: Service, token: str) -> ASGIApp:
    """Returns the application for the owner.

    Args:
        service: The open study.
        token: What the address must have once; a cookie keeps it.
    """
    files = page_files.load()
    reasons = _Reasons(service)

    def guarded(handler: _Handler) -> _Handler:
        async def answer(request: Request) -> Response:
            # Another name for this machine may be a trap of a foreign page.
            if request.headers.get("host", "").rpartition(":")[0] not in _HOSTS:
                raise HTTPException(403)
            if _same(request.query_params.get("token", ""), token):
                response = RedirectResponse(request.url.path, 303)
                response.set_cookie(_COOKIE, token, httponly=True, samesite="strict")
                return response
            if not _same(request.cookies.get(_COOKIE, ""), token):
                raise HTTPException(403)
            return await handler(request)

        return answer

    async def style(request: Request) -> Response:
        return Response(files["admin.css"].content, media_type="text/css")

    async def overview(request: Request) -> Response:
        await reasons.update()
        first = _number(request.query_params.get("from", "0"))
        page = await asyncio.to_thread(_overview, service, reasons, first)
        return HTMLResponse(page)

    async def task(request: Request) -> Response:
        page = await asyncio.to_thread(_task, service, request.path_params["task"])
        if not page:
            raise HTTPException(404)
        return HTMLResponse(page)

    async def picture(request: Request) -> Response:
        path = service.asset(request.path_params["asset"])
        if path is None:
            raise HTTPException(404)
        return FileResponse(path, media_type="image/webp")

    routes = [
        Route("/", guarded(overview)),
        Route("/admin.css", guarded(style)),
        Route("/task/{task}", guarded(task)),
        Route("/picture/{asset}", guarded(picture)),
    ]
    app = Starlette(routes=routes, exception_handlers={HTTPException: _http_error})
    return guards.Guarded(app)


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0


def _judged(click: views.Click) -> judgement.JudgedClick:
    return msgspec.json.decode(click.content, type=judgement.JudgedClick)


def _overview(service: Service, reasons: _Reasons, first: int) -> str:
    store, config = service.store, service.study.config
    listed = store.read(lambda db: views.tasks(db, first, _TASKS_ON_A_PAGE + 1))
    totals = store.read(cells.totals)
    return page_files.render(
        "admin.html.jinja",
        title=config.study.title,
        source=service.desk.source,
        trouble=store.trouble,
        totals=[
            (mode, device, tasks, wanted, accepted, held, _percent(accepted, wanted))
            for mode, device, tasks, wanted, accepted, held in totals
        ],
        phases=store.read(views.phases),
        states=store.read(assignments.by_state),
        clicks=reasons.clicks,
        rejected=reasons.rejected,
        reasons=[
            (name, number, _percent(number, reasons.clicks), _is_soft(name))
            for name, number in reasons.counts.most_common()
        ],
        tasks=[(_quoted(row[0]), *row[1:]) for row in listed[:_TASKS_ON_A_PAGE]],
        previous=max(0, first - _TASKS_ON_A_PAGE) if first else None,
        following=first + _TASKS_ON_A_PAGE if len(listed) > _TASKS_ON_A_PAGE else None,
    )


def _task(service: Service, task_id: str) -> str:
    """Returns the page of a task; empty if there is none."""
    store = service.store
    facts = store.read(lambda db: catalogue.task(db, task_id))
    if facts is None:
        return ""
    found = store.read(lambda db: views.clicks_of_task(db, task_id, _MOST_DOTS))
    maps: dict[str, list[tuple[float, float, str]]] = {}
    for click in found:
        judged = _judged(click)
        good = judgement.accepted(judged.reasons)
        kind = "good" if good and click.counted else "bad" if click.counted else "test"
        place = (judged.click.x + 0.5, judged.click.y + 0.5, kind)
        maps.setdefault(click.mode, []).append(place)
    return page_files.render(
        "task.html.jinja",
        name=facts.full_stem,
        ask=facts.ask,
        role=facts.role,
        width=facts.width,
        height=facts.height,
        radius=max(2.0, facts.radius),
        image=facts.image,
        maps=[(mode, dots, _counted(dots)) for mode, dots in sorted(maps.items())],
    )


def _counted(dots: Sequence[tuple[float, float, str]]) -> dict[str, int]:
    kinds = collections.Counter(kind for _, _, kind in dots)
    return {kind: kinds[kind] for kind in ("good", "bad", "test")}


def _percent(part: int, whole: int) -> int:
    return round(100 * part / whole) if whole else 0


def _is_soft(reason: str) -> bool:
    return reason in words.SOFT_REASONS


def _quoted(text: str) -> str:
    return urllib.parse.quote(text, safe="")


async def _http_error(request: Request, error: Any) -> Response:
    why = {
        403: "Open the address with the token that the server printed.",
        404: "There is no such page.",
    }
    return PlainTextResponse(why.get(error.status_code, "No."), error.status_code)
