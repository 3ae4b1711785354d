"""Where the server listens, and how it ends."""

import re
import subprocess
import sys

import httpx
import pytest

from rclicks_jax import errors
from rclicks_jax.collection.web import connections, server


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "study.example"])
def test_a_public_address_needs_a_proxy(host):
    with pytest.raises(errors.BadValueError, match="--behind_proxy"):
        server.Options(host=host)
    assert server.Options(host=host, behind_proxy=True).host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_this_machine_needs_no_proxy(host):
    assert server.Options(host=host).host == host


def test_a_signal_ends_the_command_with_all_stored(opened):
    folder = opened().study.folder
    run = subprocess.Popen(
        [
            *(sys.executable, "-c"),
            "import sys, pathlib; from rclicks_jax.collection.web import server; "
            "print(server.serve(pathlib.Path(sys.argv[1]), server.Options(port=0),"
            " lambda line: print(line, flush=True)))",
            str(folder),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert run.stdout is not None
    lines = [run.stdout.readline() for _ in range(6)]
    address = re.search(r"http://127\.0\.0\.1:\d+/", " ".join(lines))
    assert address, lines
    assert httpx.get(address[0]).status_code == 200
    run.terminate()
    assert run.communicate(timeout=30)[0].strip().endswith("SIGTERM")
    assert run.returncode == 0


def test_the_fast_parser_may_be_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn.protocols.http.httptools_impl", None)
    assert connections.protocol() == "h11"
