"""A bot: goes through a study as a browser does, one request after another."""

import concurrent.futures
import functools
from typing import TypeVar

import msgspec

from rclicks_jax.collection import messages
from rclicks_jax.collection.simulation import behaviour, live_play
from rclicks_jax.collection.simulation.connection import Connection, RefusedError
from rclicks_jax.collection.simulation.record import (
    Acknowledged,
    Ended,
    Entered,
)
from rclicks_jax.collection.simulation.world import World

T = TypeVar("T", messages.ClickAnswer, messages.LiveAnswer)
_PAUSE_SECONDS = 5.0
# Who waits for a seat asks so often, as browsers do; these are real seconds.
_NO_SEAT_SECONDS = 1.0
# Acts after which a bot goes that leaves in the middle of a live task.
_ACTS_OF_LEAVER = 1


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
        given = _next(world, connection, query)
        rested = isinstance(given, messages.Pause)
        if isinstance(given, messages.Finish):
            connection.post("finish", messages.FinishQuery(), messages.Finish)
            return Ended(traits.number, given.ending, given.done)
        if isinstance(given, messages.Pause):
            world.wait(_PAUSE_SECONDS)
            continue
        leaves = traits.leaves_after is not None and given.done >= traits.leaves_after
        if given.pace == "live":
            _play(world, traits, connection, given, leaves)
        if leaves:
            return _leave(traits, connection, given.done)
        if given.pace != "live":
            _click(world, traits, connection, given)


def _next(
    world: World, connection: Connection, query: messages.NextQuery
) -> messages.Next:
    """Returns the next task, a pause, or the end; waits for a seat."""
    while True:
        try:
            return _decode_next(connection.send("next", query))
        except RefusedError as error:
            if error.problem != "no_seat":
                raise
        world.wait_really(_NO_SEAT_SECONDS)


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
        answers = _twice(connection, "click", event, messages.ClickAnswer)
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


def _play(
    world: World,
    traits: behaviour.Traits,
    connection: Connection,
    task: messages.Task,
    leaves: bool,
) -> None:
    """Plays a live task; one that the segmenter cannot go on with is left."""
    for url in task.preload:
        connection.get(url)
    kind = messages.LiveAnswer

    def send(event: messages.LiveEvent, doubled: bool) -> messages.LiveAnswer:
        if doubled:
            return _twice(connection, "live", event, kind)[0]
        return connection.post("live", event, kind)

    try:
        live_play.play(
            world.settings,
            traits,
            world.targets.of(task),
            task,
            send,
            world.wait,
            world.record.add,
            most_acts=_ACTS_OF_LEAVER if leaves else None,
        )
    except RefusedError as error:
        if error.problem != "segmenter":
            raise


def _twice(
    connection: Connection, name: str, event: msgspec.Struct, kind: type[T]
) -> list[T]:
    """Sends an event twice at the same time, as two tabs or a hasty browser do."""
    other = connection.copy()
    try:
        with concurrent.futures.ThreadPoolExecutor(1) as second:
            later = second.submit(functools.partial(other.post, name, event, kind))
            first = connection.post(name, event, kind)
            return [first, later.result()]
    finally:
        other.close()


def _leave(traits: behaviour.Traits, connection: Connection, done: int) -> Ended:
    if not traits.withdraws:
        return Ended(traits.number, "dropped_out", done)
    connection.post("withdraw", messages.Withdraw(erase=True), messages.Withdrawn)
    return Ended(traits.number, "withdrawn", done)
