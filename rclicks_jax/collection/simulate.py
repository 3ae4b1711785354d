"""Bots take part in a study through its web server; then what they planted is found.

The server runs in a process of its own, which never imports JAX. Bots are threads of
this process: they wait most of the time.
"""

import concurrent.futures
import contextlib
import dataclasses
import json
import pathlib
import sys
import threading
from collections.abc import Sequence
from typing import Any

import tqdm

from rclicks_jax import errors
from rclicks_jax.collection.service import open_studies
from rclicks_jax.collection.simulation import bot, copies, record, summary
from rclicks_jax.collection.simulation.bot_server import BotServer
from rclicks_jax.collection.simulation.targets import Targets
from rclicks_jax.collection.simulation.world import World
from rclicks_jax.collection.store import catalogue
from rclicks_jax.collection.study import study_files
from rclicks_jax.collection.study.platforms import Platform
from rclicks_jax.reporting import table_formats
from rclicks_jax.settings import dicts
from rclicks_jax.settings.collection import SimulationSettings


def run(folder: str, out: str, url: str, settings: Sequence[str]) -> int:
    """Lets bots take part in a study, and prints what was planted and found.

    Args:
        folder: The study. Unless it is for bots, they get a copy.
        out: The copy; empty for the study's folder with `-bots`.
        url: Address of a server of a study for bots; empty to start one.
        settings: `name=value` of `SimulationSettings`.

    Returns:
        The exit status: 1 if something that was planted is not found.

    Raises:
        BadValueError: A setting is wrong, or a server of people was given.
        DataError: The folder is no study.
        RClicksError: The server is away for too long.
    """
    planted = settings_of(settings)
    study = _study_of_bots(pathlib.Path(folder), pathlib.Path(out) if out else None)
    if url:
        planted = dataclasses.replace(planted, speed=1.0, kills=0)
    kills = simulate(study, planted, url, show=True)
    comparisons = look(study, planted)
    made = summary.table(comparisons)
    print(f"{made.title}: {study}\n\n{table_formats.to_text(made)}")
    if kills:
        print(f"The server was killed {kills} times.")
    return int(any(item.agrees is False for item in comparisons))


def settings_of(given: Sequence[str]) -> SimulationSettings:
    """Returns the settings of a simulation.

    Raises:
        BadValueError: One has not the form `name=value`, is unknown, or is wrong.
    """
    values: dict[str, Any] = {}
    for setting in given:
        name, equals, text = setting.partition("=")
        if not equals:
            raise errors.BadValueError("--set", setting, "name=value")
        values[name] = _value(text)
    return dicts.from_config_dict(SimulationSettings, values, "--set")


def _value(text: str) -> object:
    with contextlib.suppress(ValueError):
        return json.loads(text)
    return text


def _study_of_bots(folder: pathlib.Path, out: pathlib.Path | None) -> pathlib.Path:
    """Returns the study that bots take part in: a copy unless it is for bots."""
    opened = open_studies.open_for_commands(folder)
    opened.store.close()
    if opened.desk.source == "bots":
        if out is not None:
            raise errors.BadValueError("--out", out, f"nothing: {folder} is for bots")
        return folder
    copy = out or folder.with_name(f"{folder.name}-bots")
    copies.make(folder, copy)
    return copy


def simulate(
    folder: pathlib.Path,
    settings: SimulationSettings,
    url: str = "",
    *,
    show: bool = False,
) -> int:
    """Lets bots take part in a study for bots; goes on where it was stopped.

    Args:
        folder: The study.
        settings: What is planted.
        url: Address of a server that runs at the real pace; empty to start one.
        show: Whether a bar shows progress.

    Returns:
        How often the server was killed.

    Raises:
        BadValueError: Bots with other settings were here.
        RClicksError: The server is away for too long, or refuses a bot.
    """
    origin = copies.begin(folder, settings)
    opened = open_studies.open_for_commands(folder)
    study = opened.study
    tasks = {task.task_id: task for task in opened.store.read(catalogue.tasks)}
    opened.store.close()
    path = folder / record.FILE
    before = list(record.read(path))
    ended = {item.bot for item in before if isinstance(item, record.Ended)}
    sessions = {i.bot: i.session for i in before if isinstance(i, record.Entered)}
    waiting = [number for number in range(settings.bots) if number not in ended]
    server = None if url or not waiting else BotServer(folder, origin, settings.speed)
    written = record.Record(path)
    try:
        world = World(
            url=server.url if server else url,
            settings=settings,
            config=study.config,
            targets=Targets(study, tasks, settings),
            platform=_platform(study),
            record=written,
            sessions=sessions,
            over=threading.Event(),
        )
        with _killing(server, world, settings), _bar(show, settings) as bar:
            bar.update(len(ended))
            _play(world, waiting, bar)
        return server.kills if server else 0
    finally:
        written.close()
        if server is not None:
            server.stop()


def look(
    folder: pathlib.Path, settings: SimulationSettings
) -> list[summary.Comparison]:
    """Compares what bots planted with what a study has."""
    opened = open_studies.open_for_commands(folder)
    with contextlib.closing(opened.store):
        recorded = record.read(folder / record.FILE)
        return summary.compare(opened, settings, recorded)


def _play(world: World, waiting: Sequence[int], bar: Any) -> None:
    """Runs bots until all have ended; the first error ends the others, too."""
    if not waiting:
        return
    pool = concurrent.futures.ThreadPoolExecutor(len(waiting), "bot")
    futures = [pool.submit(bot.take_part, world, number) for number in waiting]
    try:
        for future in concurrent.futures.as_completed(futures):
            future.result()
            bar.update(1)
    finally:
        world.over.set()
        pool.shutdown(wait=True, cancel_futures=True)


def _platform(study: study_files.Study) -> Platform:
    """Returns where bots come from: a platform that knows people by names, if any."""
    platforms = list(study.platforms.values())
    return next((item for item in platforms if item.person), platforms[0])


@contextlib.contextmanager
def _bar(show: bool, settings: SimulationSettings) -> Any:
    with tqdm.tqdm(
        total=settings.bots,
        desc="bots",
        unit="bot",
        disable=None if show else True,
        file=sys.stderr,
    ) as bar:
        yield bar


@contextlib.contextmanager
def _killing(
    server: BotServer | None, world: World, settings: SimulationSettings
) -> Any:
    """Kills the server from time to time, spread over the clicks to come.

    Raises:
        RClicksError: The server did not start again.
    """
    if server is None or not settings.kills:
        yield
        return
    clicks = settings.bots * world.config.study.per_person
    every = max(1, clicks // settings.kills // 2)
    over = threading.Event()
    failed: list[errors.RClicksError] = []

    def kill() -> None:
        for number in range(1, settings.kills + 1):
            while world.record.clicks < number * every:
                if over.wait(0.02):
                    return
            try:
                server.kill()
            except errors.RClicksError as error:
                failed.append(error)
                world.over.set()
                return

    thread = threading.Thread(target=kill, name="killer")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        if failed:
            raise failed[0]
