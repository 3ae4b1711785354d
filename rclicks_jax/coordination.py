"""Connects the processes of a run by `jax.distributed`, with clear messages."""

import contextlib
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import jax

from rclicks_jax import errors, waits

# Time for the other processes of a run to start.
_START_SECONDS = 300.0
_POLL_SECONDS = 0.2
# JAX aborts all processes once one has been silent for so long.
_HEARTBEAT_SECONDS = 50


def connect(coordinator: str, process_count: int, process_id: int) -> None:
    """Joins the processes of a run; returns when all have joined.

    Args:
        coordinator: `host:port` of process 0, or `auto`.
        process_count: Number of processes; 0 with `auto`.
        process_id: Number of this process; -1 with `auto`.

    Raises:
        BadValueError: The arguments are not valid, or no process 0 answers there.
    """
    if coordinator == "auto":
        with _starting("the other hosts of the pod or of the SLURM job"):
            _initialize()
            jax.devices()
        return
    if process_count < 1 or not 0 <= process_id < process_count:
        raise errors.BadValueError(
            "--process_id and --process_count",
            f"{process_id} of {process_count}",
            "0 <= process_id < process_count beside --coordinator=host:port",
        )
    address = _address(coordinator)
    if process_id:
        _reach(coordinator, address)
    else:
        _check_port(address[1])
    with _starting(f"all {process_count} processes to come to {coordinator}"):
        _initialize(coordinator, process_count, process_id)
        # The first use of devices exchanges them between processes, which waits too.
        jax.devices()


def _initialize(*place: Any) -> None:
    # Our own limit is shorter, since JAX's limit aborts with a stack trace.
    patience = int(2 * _START_SECONDS)
    try:
        jax.distributed.initialize(
            *place,
            initialization_timeout=patience,
            heartbeat_timeout_seconds=_HEARTBEAT_SECONDS,
        )
    except (ValueError, RuntimeError, OSError) as error:
        given = f"{place[0] if place else 'auto'} ({errors.reason(error)})"
        raise errors.BadValueError(
            "--coordinator",
            given,
            "host:port of process 0's machine, or auto on a TPU pod or under SLURM",
        ) from error


@contextlib.contextmanager
def _starting(what: str) -> Iterator[None]:
    """Prints what is waited for, and ends this process after a time limit."""

    def give_up() -> None:
        print(
            f"error: Waited {_START_SECONDS:.0f} s for {what}, in vain. Look at the "
            "output of the others, and at --coordinator, --process_count and "
            "--process_id of each.",
            file=sys.stderr,
            flush=True,
        )
        # The waiting call cannot be interrupted.
        os._exit(2)

    timer = threading.Timer(_START_SECONDS, give_up)
    timer.daemon = True
    timer.start()
    try:
        with waits.waiting(what):
            yield
    finally:
        timer.cancel()


def _address(coordinator: str) -> tuple[str, int]:
    host, _, port = coordinator.rpartition(":")
    allowed = "host:port, such as 10.0.0.1:1234, or auto"
    if (
        not host
        or not port.isascii()
        or not port.isdigit()
        or not 0 < int(port) < 65536
    ):
        raise errors.BadValueError("--coordinator", repr(coordinator), allowed)
    host = host.strip("[]")
    try:
        socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        given = f"{coordinator!r}, and {host} is unknown ({errors.reason(error)})"
        raise errors.BadValueError("--coordinator", given, allowed) from error
    return host, int(port)


def _check_port(port: int) -> None:
    """Checks that process 0 can listen on its port; otherwise JAX would crash."""
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("", port))
    except OSError as error:
        raise errors.BadValueError(
            "--coordinator",
            f"port {port}, which process 0 cannot have ({error.strerror or error})",
            "host:port with a port that nobody uses on process 0's machine",
        ) from error


def _reach(coordinator: str, address: tuple[str, int]) -> None:
    """Waits until process 0 listens; it may start later than this process."""
    why = "no answer"
    limit = time.monotonic() + _START_SECONDS
    with waits.waiting(lambda: f"process 0 at {coordinator} ({why})"):
        while time.monotonic() < limit:
            try:
                with socket.create_connection(address, timeout=5):
                    return
            except OSError as error:
                why = error.strerror or str(error)
            time.sleep(_POLL_SECONDS)
    raise errors.BadValueError(
        "--coordinator",
        f"{coordinator}, where nobody answered for {_START_SECONDS:.0f} s ({why})",
        "host:port of process 0, which is the same flag there",
    )
