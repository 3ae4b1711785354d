"""A server for bots in a process of its own, whose clock runs faster.

All that a server measures (steps, leases, rates) is measured by its clock. Bots wait by
the same clock, so a study goes faster and no rule of it is changed.
"""

import contextlib
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request

from rclicks_jax import errors

_LOCAL = "127.0.0.1"
_LOG = "server.log"
# Lines of it that say why a server does not start.
_LOG_LINES = 20
# Systems give ports from 32768 or 49152 on.
_PORTS = range(20_000, 32_000)
# One that fails ends; one that starts is slow on a busy machine.
_START_SECONDS = 600.0


class BotServer:
    """The server of a study for bots; may be killed and started again."""

    def __init__(self, folder: pathlib.Path, origin: float, speed: float) -> None:
        """Starts the server.

        Args:
            folder: The study.
            origin: When the simulation began, seconds since 1970.
            speed: Seconds of its clock in a second.

        Raises:
            RClicksError: It does not start.
        """
        self._folder = folder
        self._clock = f"{origin!r}", f"{speed!r}"
        self._ports = _free_ports()
        self.url = f"http://{_LOCAL}:{self._ports[0]}"
        self.kills = 0
        self._process = self._start()

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    def kill(self) -> None:
        """Kills the server as a power cut does, and starts another."""
        self._process.kill()
        self._end()
        self.kills += 1
        self._process = self._start()

    def stop(self) -> None:
        """Ends the server; what was acknowledged is stored."""
        self._process.terminate()
        self._end()

    def _end(self) -> None:
        self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()

    def _start(self) -> "subprocess.Popen[bytes]":
        log = self._folder / _LOG
        with log.open("ab") as file:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-m", __name__),
                    *(str(self._folder), *map(str, self._ports), *self._clock),
                ],
                # The end of this pipe ends the server, however this process ends.
                stdin=subprocess.PIPE,
                stdout=file,
                stderr=file,
            )
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            try:
                urllib.request.urlopen(f"{self.url}/robots.txt", timeout=5).close()
                return process
            except OSError:
                time.sleep(0.05)
        process.kill()
        process.wait()
        # The study may be a copy that is removed with its log.
        last = log.read_text(errors="replace").splitlines()[-_LOG_LINES:]
        raise errors.RClicksError(
            "\n".join([f"The server of {self._folder} does not start:", *last])
        )


def _free_ports() -> tuple[int, int]:
    """Returns two ports that the system gives to no connection.

    Who asks for a connection to a port of those that it gives, while nobody listens
    there, may be given that very port: the server could not come back.
    """
    found: list[int] = []
    for port in random.SystemRandom().sample(_PORTS, len(_PORTS)):
        with socket.socket() as tried, contextlib.suppress(OSError):
            tried.bind((_LOCAL, port))
            found.append(port)
        if len(found) == 2:
            break
    one, other = found
    return one, other


def _serve(folder: str, port: str, admin_port: str, origin: str, speed: str) -> None:
    """Serves a study until the process that started this one ends."""
    from rclicks_jax.collection.service import clocks
    from rclicks_jax.collection.web import server

    def watch() -> None:
        # Without a buffer, whose lock would be held when this process ends.
        os.read(sys.stdin.fileno(), 1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()
    begun, factor = float(origin), float(speed)
    server.serve(
        pathlib.Path(folder),
        server.Options(port=int(port), admin_port=int(admin_port)),
        clock=clocks.StudyClock(
            lambda: begun + (time.time() - begun) * factor,
            lambda: clocks.passing() * factor,
        ),
    )


if __name__ == "__main__":
    _serve(*sys.argv[1:])
