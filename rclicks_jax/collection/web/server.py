"""Serves a study: two servers in one process, until a signal ends both."""

import asyncio
import contextlib
import dataclasses
import gc
import ipaddress
import logging
import pathlib
import secrets
import signal
from collections.abc import Callable, Iterator, Sequence

import uvicorn
from starlette.types import ASGIApp

from rclicks_jax import errors
from rclicks_jax.collection.service.answers import Service
from rclicks_jax.collection.web import (
    admin,
    connections,
    guards,
    live_segmenter,
    routes,
)

# Requests that are being answered at the end have so many seconds.
_GRACE_SECONDS = 10
# A person who looks at a picture and clicks needs no new connection for the next one.
_KEEP_ALIVE_SECONDS = 20
# More connections at a time are told to come again.
_MOST_CONNECTIONS = 4000
_LOCAL = "127.0.0.1"


@dataclasses.dataclass(frozen=True)
class Options:
    """How a study is served.

    Attributes:
        host: Address to listen on.
        port: Port for participants.
        admin_port: Port of the pages for the study's owner, always on this machine
            alone; 0 for the one after `port`.
        behind_proxy: Whether a proxy with TLS stands in front.
        new_wave: Whether a study that changed may begin a new wave.
        log_requests: Whether each request gets a line.
    """

    host: str = _LOCAL
    port: int = 8000
    admin_port: int = 0
    behind_proxy: bool = False
    new_wave: bool = False
    log_requests: bool = False

    def __post_init__(self) -> None:
        """Refuses to show people a page without TLS.

        Raises:
            BadValueError: The host is public, or a port is none.
        """
        if not self.behind_proxy and not _is_loopback(self.host):
            raise errors.BadValueError(
                "--host",
                self.host,
                f"{_LOCAL}, or any address with --behind_proxy, if a proxy with TLS "
                "stands in front: without TLS anybody on the way can read and change "
                "what people send",
            )
        for name, port in (("--port", self.port), ("--admin_port", self.admin_port)):
            if not 0 <= port < 1 << 16:
                raise errors.BadValueError(name, port, "0 to 65535")


class _Server(uvicorn.Server):
    """A server whose end is decided by `_serve` alone."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves the signals to `_serve`."""
        yield


def serve(
    folder: pathlib.Path,
    options: Options,
    say: Callable[[str], None] = print,
    clock: Callable[[], float] | None = None,
) -> str:
    """Serves a study until SIGTERM or SIGINT.

    Args:
        folder: The study.
        options: Addresses.
        say: Is told what to open, and how it ended.
        clock: Seconds since 1970 that never jump; that of simulated people runs faster.

    Returns:
        The name of the signal.

    Raises:
        DataError: The folder is no study.
        BadValueError: Settings changed what participants see, and there are clicks.
        RClicksError: A port is taken.
    """
    service = Service.open(folder, clock, new_wave=options.new_wave)
    segmenter = None
    try:
        live = service.study.config.live
        if service.study.config.study.pace == "live":
            segmenter = live_segmenter.Answerer(
                live.segmenter, live.seats, live.timeout_s
            )
            say(f"The segmenter {live.segmenter} is being loaded.")
            segmenter.warm_up()
        token = secrets.token_urlsafe(24)
        pages = routes.application(
            service, secure=options.behind_proxy, segmenter=segmenter
        )
        # Answers that a segmenter still owes are asked for again at the next start.
        at_end = segmenter.abort if segmenter is not None else None
        owner = admin.application(service, token)
        # What is there now stays: looking for garbage in it again and again costs time.
        gc.collect()
        gc.freeze()
        # Without `log_config` it would set up loggers of its own.
        factory = uvicorn.Config(pages, log_config=None).get_loop_factory()
        with asyncio.Runner(loop_factory=factory) as runner:
            return runner.run(
                _serve(pages, owner, service, options, token, say, at_end)
            )
    finally:
        if segmenter is not None:
            segmenter.close()
        service.close()


async def _serve(
    pages: ASGIApp,
    admin_pages: ASGIApp,
    service: Service,
    options: Options,
    token: str,
    say: Callable[[str], None],
    at_end: Callable[[], None] | None,
) -> str:
    guards.REQUESTS.setLevel(logging.INFO if options.log_requests else logging.WARNING)
    if options.log_requests:
        guards.REQUESTS.addHandler(logging.StreamHandler())
        guards.REQUESTS.propagate = False
    admin_port = options.admin_port or (options.port + 1 if options.port else 0)
    servers = [
        _server(pages, options.host, options.port),
        _server(admin_pages, _LOCAL, admin_port),
    ]
    ended = ""

    def end(name: str) -> None:
        nonlocal ended
        if at_end is not None:
            at_end()
        for item in servers:
            # The second signal does not wait for requests.
            item.force_exit = item.should_exit
            item.should_exit = True
        ended = ended or name

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end, number.name)
    running = [asyncio.create_task(_run(item)) for item in servers]
    try:
        await _until_started(servers, running)
        for line in _greeting(service, options, _ports(servers), token):
            say(line)
        await asyncio.gather(*running)
    finally:
        end("an error")
        await asyncio.gather(*running, return_exceptions=True)
    return ended


def _server(app: ASGIApp, host: str, port: int) -> _Server:
    return _Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            http=connections.protocol(),
            access_log=False,
            log_config=None,
            server_header=False,
            date_header=False,
            # No address of a person is needed anywhere.
            proxy_headers=False,
            lifespan="off",
            ws="none",
            limit_concurrency=_MOST_CONNECTIONS,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
    )


async def _run(item: _Server) -> None:
    try:
        await item.serve()
    except SystemExit:
        # This is how uvicorn says that a port is taken.
        raise errors.RClicksError(
            f"{item.config.host}:{item.config.port} cannot be used: another program "
            "listens there. --port and --admin_port choose others."
        ) from None


async def _until_started(
    servers: Sequence[_Server], running: Sequence["asyncio.Task[None]"]
) -> None:
    while not all(item.started for item in servers):
        for task in running:
            if task.done():
                task.result()
        await asyncio.sleep(0.02)


def _ports(servers: Sequence[_Server]) -> list[int]:
    return [item.servers[0].sockets[0].getsockname()[1] for item in servers]


def _greeting(
    service: Service, options: Options, ports: Sequence[int], token: str
) -> list[str]:
    """Says what to open."""
    host = f"[{options.host}]" if ":" in options.host else options.host
    own = f"http://{host}:{ports[0]}"
    names = service.study.platforms
    lines = [f"The study {service.study.config.study.title!r} is open."]
    if service.desk.source == "bots":
        lines.append("  It is for bots: whoever clicks here is no person.")
    if "open" in names:
        lines.append(f"  People:   {own}/?platform=open")
    others = [name for name in names if name != "open"]
    if others:
        lines.append(f"  People:   {own}/?platform={'|'.join(others)}&...")
    key = f"{routes.PREVIEW}={routes.preview_key(service)}"
    first = next(iter(names))
    lines += [
        f"  To look:  {own}/?platform={first}&{key}   (never counted)",
        f"  Progress: http://{_LOCAL}:{ports[1]}/?token={token}",
        "Ctrl-C ends it; whatever was acknowledged is stored.",
    ]
    return lines


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
