"""A bot in live rounds: it clicks, looks at the answer, and mends its mistake.

What it does is a function of the settings, its number, the task and the masks that the
segmenter answers.
"""

import base64
import dataclasses
import math
from collections.abc import Callable
from typing import Literal, NamedTuple

import cv2
import numpy as np

from rclicks_jax.collection import messages
from rclicks_jax.collection.simulation import behaviour
from rclicks_jax.collection.simulation.behaviour import Click, Traits
from rclicks_jax.collection.simulation.record import Acted, Played
from rclicks_jax.collection.simulation.targets import Target
from rclicks_jax.settings.collection import SimulationSettings

# An answer is on the screen so long after it came, ms.
_DRAWN_MS = 40.0


class Move(NamedTuple):
    """What a bot does next.

    Attributes:
        act: What it does.
        positive: Whether the click says "object".
        click: Where and when; of other acts, when alone.
    """

    act: Literal["click", "undo", "done"]
    positive: bool
    click: Click


@dataclasses.dataclass
class Round:
    """A live task as far as a bot has played it.

    Attributes:
        mask: The newest answer, `bool[h w]`.
        clicked: Pixels `(y, x)` that were clicked so far.
        missed: Whether the last click missed what it meant.
        acts: Acts that were made.
        clicks: Clicks that stand.
        ended: Whether the task is over.
    """

    mask: np.ndarray
    clicked: list[tuple[int, int]] = dataclasses.field(default_factory=list)
    missed: bool = False
    acts: int = 0
    clicks: int = 0
    ended: bool = False


def play(
    settings: SimulationSettings,
    bot: Traits,
    target: Target,
    task: messages.Task,
    send: Callable[[messages.LiveEvent, bool], messages.LiveAnswer],
    wait: Callable[[float], None],
    note: Callable[[Acted | Played], None],
    *,
    most_acts: int | None = None,
) -> None:
    """Plays a live task to its end.

    Args:
        settings: What is planted.
        bot: The bot.
        target: What it clicks on.
        task: The task, as the browser was given it.
        send: Sends an act, twice at the same time if the second argument says so.
        wait: Waits for seconds of the study.
        note: Is told of each acknowledged act, and of the end.
        most_acts: Acts after which the bot goes, without a word; None to the end.
    """
    now = begun = behaviour.BEGIN_MS + behaviour.LOAD_MS
    rounds = Round(np.zeros(target.inside.shape, bool))
    wait(behaviour.LOAD_MS / 1000)
    while not rounds.ended and rounds.acts != most_acts:
        move = next_move(settings, bot, target, task, rounds)
        wait(move.click.seconds)
        now = begun + 1000 * move.click.seconds
        event = _event(bot, target, task, rounds.acts, move, (begun, now))
        answer = send(event, move.click.doubled)
        note(Acted(bot.number, event.client_id, task.assignment, move.act))
        _take(rounds, move, answer, event, target)
        begun = now + answer.machine_ms + _DRAWN_MS
    if rounds.ended:
        note(Played(bot.number, task.assignment, rounds.acts, rounds.clicks))


def next_move(
    settings: SimulationSettings,
    bot: Traits,
    target: Target,
    task: messages.Task,
    rounds: Round,
) -> Move:
    """Returns what a bot does next: after a slip it takes the click back."""
    click = behaviour.click(settings, bot, target, task, rounds.acts)
    if rounds.missed:
        return Move("undo", True, click)
    if not rounds.acts:
        return Move("click", True, click)
    if rounds.clicks and _is_good(settings, target, rounds.mask):
        return Move("done", True, click)
    # It imports JAX.
    from rclicks_jax.clicks import error_masks, strategies

    errors = error_masks.of_arrays(target.inside, rounds.mask, target.ignored)
    clicked = np.array(rounds.clicked, np.int32).reshape(-1, 2)
    found = strategies.baseline_click(errors, clicked)
    if not click.missed:
        click = dataclasses.replace(click, yx=(found.y + 0.5, found.x + 0.5))
    return Move("click", found.positive, click)


def _is_good(settings: SimulationSettings, target: Target, mask: np.ndarray) -> bool:
    counted = mask & ~target.ignored
    both = np.count_nonzero(counted & target.inside)
    either = np.count_nonzero(counted | target.inside)
    return bool(both >= settings.content * either)


def _take(
    rounds: Round,
    move: Move,
    answer: messages.LiveAnswer,
    event: messages.LiveEvent,
    target: Target,
) -> None:
    """Notes what became of an act."""
    rounds.acts += 1
    rounds.clicks = answer.clicks
    rounds.ended = answer.ended
    rounds.missed = move.act == "click" and move.click.missed
    if event.uv is not None:
        height, width = target.inside.shape
        x, y = math.floor(event.uv[0] * width), math.floor(event.uv[1] * height)
        rounds.clicked.append((min(y, height - 1), min(x, width - 1)))
    if not answer.ended:
        rounds.mask = _decoded(answer, target.inside.shape)


def _decoded(answer: messages.LiveAnswer, shape: tuple[int, ...]) -> np.ndarray:
    if not answer.mask:
        return np.zeros(shape, bool)
    png = np.frombuffer(base64.b64decode(answer.mask), np.uint8)
    mask = cv2.imdecode(png, cv2.IMREAD_GRAYSCALE)
    assert mask is not None, "the server sends a PNG"
    return mask > 0


def _event(
    bot: Traits,
    target: Target,
    task: messages.Task,
    number: int,
    move: Move,
    times: tuple[float, float],
) -> messages.LiveEvent:
    uv = behaviour.uv_of(move.click, target.facts) if move.act == "click" else None
    return messages.LiveEvent(
        # A bot that is stopped and started again gets another assignment.
        client_id=f"bot{bot.number:05}-{number:04}-{task.assignment}",
        assignment=task.assignment,
        token=task.token,
        number=number,
        act=move.act,
        positive=move.positive,
        uv=uv,
        shown_t=times[0],
        t=times[1],
        pointer="touch" if bot.device == "mobile" else "mouse",
        rect=behaviour.rect_of(bot.facts, task.image),
        device=bot.facts,
    )
