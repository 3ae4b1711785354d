"""What an encode of a live round does to the answers of everybody else.

    python tests/perf/live_rounds.py

One person gets live tasks whose encode computes for 5 s on all cores; two others send
heartbeats, each of which is written to the disk. Spans with and without an encode
alternate.
"""

import asyncio
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

import httpx
import msgspec

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
SECONDS, PAIRS, PEOPLE, PER_SECOND = 5.0, 4, 2, 20.0
_SERVE = (
    "import sys, pathlib; from rclicks_jax.collection.web import server; "
    "server.serve(pathlib.Path(sys.argv[1]), server.Options(port=0), "
    "lambda line: print(line, flush=True))"
)


def study(parent: pathlib.Path) -> pathlib.Path:
    """Makes a live study with a slow segmenter."""
    import collect_studies

    spec = f"bridge:adapter={HERE / 'slow_encode_adapter.py'}:seconds={SECONDS}"
    return collect_studies.make(
        parent,
        tuple(f"p{number}" for number in range(PEOPLE + 2 * PAIRS + 2)),
        study={"pace": "live", "per_person": 1000},
        live={"segmenter": spec, "seats": 100},
        assignment={"clicks": 50, "devices": ("pc",), "block": 1000},
        limits={"events_a_minute": 100_000},
    )


class Person:
    """Asks the server by HTTP."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http, self.session = http, ""

    async def post(self, name: str, body: object) -> dict:
        headers = {"Authorization": f"Bearer {self.session}"} if self.session else {}
        answer = await self.http.post(f"/api/{name}", json=body, headers=headers)
        answer.raise_for_status()
        return answer.json()

    async def begin(self) -> dict:
        """Enters, agrees, and asks for a task."""
        entered = await self.post("enter", {"platform": "open", "device": device()})
        self.session = entered["session"]
        agreed = {"version": "1", "language": "en", "agreed": True}
        await self.post("consent", agreed)
        await self.post("begin", {})
        return await self.next()

    async def next(self) -> dict:
        return await self.post("next", {"device": device(), "rested": True})


def device() -> object:
    from collect_events import PC

    return msgspec.to_builtins(PC)


async def times_of(people: list[tuple[Person, str]], seconds: float) -> list[float]:
    """Returns the milliseconds of heartbeats that are sent at a steady rate."""
    taken: list[float] = []

    async def beat(person: Person, assignment: str) -> None:
        begun = time.perf_counter()
        await person.post("heartbeat", {"assignment": assignment})
        taken.append((time.perf_counter() - begun) * 1000)

    begun, number, sent = time.perf_counter(), 0, []
    while time.perf_counter() - begun < seconds:
        sent.append(asyncio.create_task(beat(*people[number % len(people)])))
        number += 1
        due = begun + number / PER_SECOND - time.perf_counter()
        await asyncio.sleep(max(0.0, due))
    await asyncio.gather(*sent)
    return taken


async def measure(address: str) -> tuple[list[float], list[float]]:
    """Returns times beside no encode, and beside one."""
    async with httpx.AsyncClient(base_url=address, timeout=120) as http:
        others = []
        for _ in range(PEOPLE):
            person = Person(http)
            others.append((person, (await person.begin())["assignment"]))
        slow = Person(http)
        await slow.begin()
        # All photographs of the beginning are encoded one after another.
        await asyncio.sleep((PEOPLE + 1) * SECONDS + 2)
        quiet: list[float] = []
        beside: list[float] = []
        for _ in range(PAIRS):
            quiet += await times_of(others, SECONDS)
            await slow.next()
            beside += await times_of(others, SECONDS)
            await asyncio.sleep(1)
        return quiet, beside


def main() -> None:
    """Prints the table."""
    with tempfile.TemporaryDirectory() as parent:
        run = subprocess.Popen(
            [sys.executable, "-c", _SERVE, str(study(pathlib.Path(parent)))],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert run.stdout is not None
            address = None
            while address is None:
                address = re.search(r"http://127\.0\.0\.1:\d+", run.stdout.readline())
            results = asyncio.run(measure(address[0]))
        finally:
            run.terminate()
            run.wait()
    for name, taken in zip(("no encode", "an encode"), results, strict=True):
        cuts = statistics.quantiles(taken, n=100)
        print(
            f"beside {name}: {len(taken)} answers, median {cuts[49]:.1f} ms, "
            f"p95 {cuts[94]:.1f} ms, p99 {cuts[98]:.1f} ms"
        )


if __name__ == "__main__":
    main()
