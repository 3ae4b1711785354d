"""Bots wait for a server that is away, and give up what is refused."""

import contextlib
import http.server
import threading

import msgspec
import pytest

from rclicks_jax import errors
from rclicks_jax.collection import messages
from rclicks_jax.collection.simulation import connection

PROBLEM = messages.Problem(problem="closed", detail="It is over.", retry=False)


@contextlib.contextmanager
def answering(*answers):
    """Serves answers `(status, body)`, one after another; None cuts the connection."""
    left, seen = list(answers), []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            seen.append(self.rfile.read(int(self.headers["Content-Length"])))
            answer = left.pop(0)
            if answer is None:
                self.close_connection = True
                return
            self.send_response(answer[0])
            self.send_header("Content-Length", str(len(answer[1])))
            self.end_headers()
            self.wfile.write(answer[1])

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def begin(url):
    bot = connection.Connection(url)
    try:
        return bot.post("begin", messages.Begin(), messages.VoidAnswer)
    finally:
        bot.close()


def test_the_same_message_is_sent_until_there_is_an_answer():
    good = msgspec.json.encode(messages.VoidAnswer(client_id="a" * 16))
    with answering(None, (503, b""), (429, b""), (200, good)) as (url, seen):
        assert begin(url).client_id == "a" * 16
    assert len(seen) == 4
    assert len(set(seen)) == 1


def test_what_is_refused_is_not_sent_again():
    with (
        answering((403, msgspec.json.encode(PROBLEM))) as (url, seen),
        pytest.raises(connection.RefusedError, match="403 closed: It is over"),
    ):
        begin(url)
    assert len(seen) == 1


def test_a_server_that_stays_away_is_given_up(monkeypatch):
    monkeypatch.setattr(connection, "_PATIENCE_SECONDS", 0.2)
    with answering() as (url, _):
        pass
    with pytest.raises(errors.RClicksError, match="gives no answer"):
        begin(url)


def test_an_address_is_one_of_the_web():
    with pytest.raises(errors.BadValueError, match="--url"):
        connection.Connection("ftp://127.0.0.1")
