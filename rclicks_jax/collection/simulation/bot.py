"""A bot: goes through a study as a browser does, one request after another."""

import concurrent.futures
import threading
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from rclicks_jax import errors
from rclicks_jax.collection import messages
from rclicks_jax.collection.simulation import behaviour
from rclicks_jax.collection.simulation.connection import Connection
from rclicks_jax.collection.simulation.record import (
    Acknowledged,
    Ended,
    Entered,
    Record,
)
from rclicks_jax.collection.simulation.targets import Targets
from rclicks_jax.collection.study.platforms import Platform
from rclicks_jax.settings.collection import CollectionConfig, SimulationSettings

_PAUSE_SECONDS = 5.0


class World(NamedTuple):
    """What all bots of a simulation share.

    Attributes:
        url: Address of the server.
        settings: What is planted.
        config: Settings of the study.
        targets: What is clicked on.
        platform: Where the bots come from.
        record: What they did.
        sessions: Session tokens of bots that were here before, by number.
        over: Set when all bots shall stop.
    """

    url: str
    settings: SimulationSettings
    config: CollectionConfig
    targets: Targets
    platform: Platform
    record: Record
    sessions: Mapping[int, str]
    over: threading.Event

    def wait(self, seconds: float) -> None:
        """Waits for seconds of the study.

        Raises:
            StoppedError: All bots shall stop.
        """
        if self.over.wait(seconds / self.settings.speed):
            raise StoppedError("The simulation was stopped; the same command goes on.")


class StoppedError(errors.RClicksError):
    """The simulation was stopped."""


def take_part(world: World, number: int) -> Ended:
    """Takes part in a study, to the end or until the bot leaves.

    Raises:
        RefusedError: The server refused a request.
        RClicksError: The server is away for too long.
    """
    traits = behaviour.traits(world.settings, world.config, number)
    connection = Connection(world.url)
    try:
        ended = _take_part(world, traits, connection)
    finally:
        connection.close()
    world.record.add(ended)
    return ended


_decode_next = msgspec.json.Decoder(messages.Next).decode


def _take_part(world: World, traits: behaviour.Traits, connection: Connection) -> Ended:
    _enter(world, traits, connection)
    rested = False
    while True:
        query = messages.NextQuery(rested=rested, device=traits.facts)
        given = _decode_next(connection.send("next", query))
        rested = isinstance(given, messages.Pause)
        if isinstance(given, messages.Finish):
            connection.post("finish", messages.FinishQuery(), messages.Finish)
            return Ended(traits.number, given.ending, given.done)
        if isinstance(given, messages.Pause):
            world.wait(_PAUSE_SECONDS)
            continue
        if traits.leaves_after is not None and given.done >= traits.leaves_after:
            return _leave(traits, connection, given.done)
        _click(world, traits, connection, given)


def _enter(world: World, traits: behaviour.Traits, connection: Connection) -> None:
    """Enters, agrees and begins; a bot that was here before goes on."""
    platform = world.platform
    name = f"bot-{world.settings.seed}-{traits.number}"
    entered = connection.post(
        "enter",
        messages.Enter(
            platform=platform.name,
            parameters={platform.person: name} if platform.person else {},
            language=world.config.study.languages[0],
            session=world.sessions.get(traits.number, ""),
            device=traits.facts,
        ),
        messages.Entered,
    )
    connection.session = entered.session
    if traits.number not in world.sessions:
        world.record.add(Entered(traits.number, entered.session))
    if entered.phase == "consent":
        consent = messages.Consent(
            version=entered.consent_version, language=entered.language, agreed=True
        )
        entered = connection.post("consent", consent, messages.Entered)
    if entered.phase == "instructions":
        connection.post("begin", messages.Begin(), messages.Entered)


def _click(
    world: World,
    traits: behaviour.Traits,
    connection: Connection,
    task: messages.Task,
) -> None:
    """Looks at the pictures of a task and clicks when it is time."""
    for url in task.preload:
        connection.get(url)
    target = world.targets.of(task)
    click = behaviour.click(world.settings, traits, target, task)
    world.wait(behaviour.task_seconds(task, click))
    event = behaviour.event(traits, click, target, task)
    if click.doubled:
        answers = _twice(connection, event)
    else:
        answers = [connection.post("click", event, messages.ClickAnswer)]
    world.record.add(
        Acknowledged(
            bot=traits.number,
            client_id=event.client_id,
            device=traits.device,
            y=click.yx[0],
            x=click.yx[1],
            missed=click.missed,
            doubled=click.doubled,
            stored=tuple(sorted(answer.stored for answer in answers)),
        )
    )


def _twice(
    connection: Connection, event: messages.ClickEvent
) -> list[messages.ClickAnswer]:
    """Sends a click twice at the same time, as two tabs or a hasty browser do."""
    other = connection.copy()
    try:
        with concurrent.futures.ThreadPoolExecutor(1) as second:
            later = second.submit(other.post, "click", event, messages.ClickAnswer)
            first = connection.post("click", event, messages.ClickAnswer)
            return [first, later.result()]
    finally:
        other.close()


def _leave(traits: behaviour.Traits, connection: Connection, done: int) -> Ended:
    if not traits.withdraws:
        return Ended(traits.number, "dropped_out", done)
    connection.post("withdraw", messages.Withdraw(erase=True), messages.Withdrawn)
    return Ended(traits.number, "withdrawn", done)
