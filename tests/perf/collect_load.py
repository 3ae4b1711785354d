"""Load on the web server of a study: 1,000 people, a click in 8 seconds each.

python tests/perf/collect_load.py [--people=1000] [--seconds=60] [--kills=0]

The load is made on the same machine, by this process, so the server has less than all
of it. A person asks for a task, fetches its two pictures, and clicks; what is measured
is the time from the first byte of a click to the last byte of its answer, which comes
when the click is on the disk. Then the clicks in the database are compared with those
that were acknowledged.

With `--kills=50` the server is killed (SIGKILL) so often, and started again; the
seconds are those in which it runs. People send again what was not answered, as the
pages do; the times then have the waits for a server in them.
"""

import argparse
import asyncio
import contextlib
import os
import pathlib
import random
import sys
import tempfile
import time

import msgspec
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import collect_studies

from rclicks_jax.collection import checks, messages
from rclicks_jax.collection.service import open_studies
from rclicks_jax.collection.simulation import behaviour, copies
from rclicks_jax.collection.simulation.bot_server import BotServer
from rclicks_jax.collection.simulation.targets import Targets
from rclicks_jax.collection.store import catalogue, events
from rclicks_jax.settings.collection import SimulationSettings

# Seconds from a click of a person to the next one.
_PACE = 8.0
# A server that does not answer for so long does not come back.
_PATIENCE = 600.0
_SETTINGS = SimulationSettings(misses=0, drop_outs=0, withdrawals=0, double_posts=0)


class Browser:
    """A connection that is kept, and requests on it, one after another."""

    def __init__(self, port):
        self._port = port
        self._streams = None
        self.session, self.cookie = "", ""

    async def ask(self, method, path, content=b""):
        """Returns status and body; asks again until it is answered, as pages do."""
        deadline = time.monotonic() + _PATIENCE
        for attempt in range(1_000_000):
            try:
                status, body = await self._ask(method, path, content)
                if status < 500 or time.monotonic() > deadline:
                    return status, body
            except (OSError, asyncio.IncompleteReadError):
                self.close()
                if time.monotonic() > deadline:
                    raise
            # A connection that ended in a silence is opened again at once.
            if attempt:
                wait = min(4.0, 0.2 * 2**attempt)
                await asyncio.sleep(wait * random.uniform(0.5, 1.5))
        raise AssertionError

    async def _ask(self, method, path, content):
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        lines = [
            f"{method} {path} HTTP/1.1",
            f"Host: 127.0.0.1:{self._port}",
            "Content-Type: application/json",
            f"Content-Length: {len(content)}",
            *([f"Authorization: Bearer {self.session}"] if self.session else []),
            *([f"Cookie: {self.cookie}"] if self.cookie else []),
        ]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + content)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in head[1:])
        }
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        if "set-cookie" in headers:
            self.cookie = headers["set-cookie"].partition(";")[0]
        return int(head[0].split()[1]), body

    async def post(self, name, message, kind):
        """Sends a message; returns the answer."""
        status, body = await self.ask(
            "POST", f"/api/{name}", msgspec.json.encode(message)
        )
        assert status == 200, (name, status, body)
        return msgspec.json.decode(body, type=kind)

    def close(self):
        """Ends the connection."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def person(number, port, config, targets, over, latencies, acknowledged, again):
    """Takes part until the time is over."""
    # Nobody begins at the same moment as all others.
    await asyncio.sleep(number % 1000 / 1000 * _PACE)
    browser = Browser(port)
    traits = behaviour.traits(_SETTINGS, config, number)
    try:
        enter = messages.Enter(platform="open", device=traits.facts)
        entered = await browser.post("enter", enter, messages.Entered)
        browser.session = entered.session
        agreed = messages.Consent(version="1", language="en", agreed=True)
        await browser.post("consent", agreed, messages.Entered)
        await browser.post("begin", messages.Begin(), messages.Entered)
        while not over.is_set():
            begun = time.monotonic()
            query = messages.NextQuery(rested=True, device=traits.facts)
            status, body = await browser.ask(
                "POST", "/api/next", msgspec.json.encode(query)
            )
            assert status == 200, body
            task = msgspec.json.decode(body, type=messages.Next)
            if not isinstance(task, messages.Task):
                return
            for url in task.preload:
                assert (await browser.ask("GET", url))[0] == 200
            await asyncio.sleep(max(0.0, begun + _PACE - time.monotonic()))
            target = targets.of(task)
            click = behaviour.click(_SETTINGS, traits, target, task)
            event = behaviour.event(traits, click, target, task)
            sent = time.perf_counter()
            answer = await browser.post("click", event, messages.ClickAnswer)
            latencies.append(1000 * (time.perf_counter() - sent))
            acknowledged.append(answer.client_id)
            again.append(answer.stored == "again")
    finally:
        browser.close()


def make(parent, seconds):
    """Makes a study for bots with photographs enough for so long; returns it."""
    count = max(24, int(seconds / _PACE) + 8)
    names = tuple(f"photo{number:03}" for number in range(count))
    folder = collect_studies.make(
        parent,
        names,
        study={"per_person": count, "platforms": ("open",), "pace": "self_paced"},
        assignment={"clicks": 100_000, "devices": ("pc", "mobile"), "block": count},
    )
    copies.make(folder, parent / "bots")
    return parent / "bots"


def memory(pid):
    """Returns the most memory that a process had, MB."""
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    (peak,) = (line.split()[1] for line in lines if line.startswith("VmHWM"))
    return int(peak) / 1000


async def kill(server, count, seconds):
    """Kills the server at moments that nobody can foresee; returns after the time."""
    for _ in range(count):
        await asyncio.sleep(random.uniform(0, 2) * seconds / (count + 1))
        await asyncio.to_thread(server.kill)
    await asyncio.sleep(seconds / (count + 1))


async def play(server, people, seconds, kills, opened):
    """Runs all people.

    Returns:
        Latencies, ms; acknowledged ids; whether each had been stored before it was
        answered, because the server was killed between.
    """
    port = int(server.url.rpartition(":")[2])
    tasks = {task.task_id: task for task in opened.store.read(catalogue.tasks)}
    targets = Targets(opened.study, tasks, _SETTINGS)
    latencies, acknowledged, again = [], [], []
    over = asyncio.Event()

    async def end():
        # People come within the first seconds, and are there when it begins.
        await asyncio.sleep(_PACE * (kills > 0))
        await kill(server, kills, seconds)
        over.set()

    # A server that does not come back ends all.
    await asyncio.gather(
        end(),
        *(
            person(
                number,
                port,
                opened.study.config,
                targets,
                over,
                latencies,
                acknowledged,
                again,
            )
            for number in range(people)
        ),
    )
    return latencies, acknowledged, again


def main():
    """Prints the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--kills", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as parent:
        # A start of the server takes seconds, in which people go on.
        folder = make(pathlib.Path(parent), options.seconds + 10 * options.kills)
        server = BotServer(folder, time.time(), 1.0)
        opened = open_studies.open_for_commands(folder)
        with contextlib.closing(opened.store):
            begun = time.monotonic()
            # What starts the server and opens the study is no part of a click.
            before = _processor(server.pid), time.process_time()
            latencies, acknowledged, again = asyncio.run(
                play(server, options.people, options.seconds, options.kills, opened)
            )
            taken = time.monotonic() - begun
            peak = memory(server.pid)
            used = _processor(server.pid) - before[0]
            own = time.process_time() - before[1]
            server.stop()
            stored = opened.store.read(
                lambda db: [event.client_id for event in events.every(db, "click")]
            )
            repeated = opened.store.read(
                lambda db: sum(1 for _ in events.every(db, "duplicate"))
            )
            wrong = [item.text for item in checks.check(opened) if not item.good]
    p50, p95, p99 = np.percentile(latencies, (50, 95, 99))
    print(f"{options.people} people, {len(latencies)} clicks in {taken:.0f} s")
    print(f"click: p50 {p50:.1f} ms, p95 {p95:.1f}, p99 {p99:.1f}")
    clicks = len(latencies)
    if options.kills:
        print(f"the server was killed {server.kills} times,")
        print(f"    {sum(again)} clicks had been stored, and not answered")
    else:
        print(f"server: {peak:.0f} MB at most, {used / taken:.2f} cores")
        print(
            f"processor time of a click: {1000 * used / clicks:.2f} ms in the server,"
        )
    print(f"    {1000 * own / clicks:.2f} ms in the load")
    lost = len(set(acknowledged) - set(stored))
    double = len(stored) - len(set(stored))
    print(f"lost {lost}, double {double}, second clicks of a task {repeated}")
    print(f"load average {os.getloadavg()[0]:.1f}")
    for text in wrong:
        print(text)
    if lost or double or repeated or wrong or server.kills != options.kills:
        sys.exit("Clicks were lost or doubled, or counters are wrong.")


def _processor(pid):
    """Returns the processor time of a process, seconds."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
