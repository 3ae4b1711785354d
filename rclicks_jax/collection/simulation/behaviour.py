"""What a bot does: pure functions of the settings, its number, and the task.

The same bot clicks in the same way on the same task, whenever it gets it.
"""

import dataclasses
import math

import numpy as np

from rclicks_jax import errors, hashing
from rclicks_jax.collection import messages, words
from rclicks_jax.collection.simulation.targets import Target
from rclicks_jax.collection.store.task_facts import TaskFacts
from rclicks_jax.settings.collection import CollectionConfig, SimulationSettings

PC = messages.DeviceFacts(
    screen=(1920, 1080),
    inner=(1300, 900),
    dpr=1.0,
    coarse=False,
    hover=True,
    touch_points=0,
)
PHONE = messages.DeviceFacts(
    screen=(390, 844),
    inner=(390, 664),
    dpr=3.0,
    coarse=True,
    hover=False,
    touch_points=5,
)
# A task begins at this time of a bot's clock, ms; its pictures take so long to load.
BEGIN_MS, LOAD_MS = 1000.0, 120.0
_FRAME_MS = 1000 / 60
# Spread of the logarithm of times: of a bot's tempo, and of its clicks.
_TEMPO, _HASTE = 0.15, 0.25
_LEAST_SECONDS = 0.2


@dataclasses.dataclass(frozen=True)
class Traits:
    """What a bot is.

    Attributes:
        number: Its number, from 0.
        device: `pc` or `mobile`.
        tempo: Factor of its times.
        leaves_after: Tasks after which it leaves; None if it stays.
        withdraws: Whether it says so when it leaves, and has its clicks erased.
    """

    number: int
    device: words.Device
    tempo: float
    leaves_after: int | None
    withdraws: bool

    @property
    def facts(self) -> messages.DeviceFacts:
        """What its browser says of the device."""
        return PHONE if self.device == "mobile" else PC


@dataclasses.dataclass(frozen=True)
class Click:
    """A click that a bot makes.

    Attributes:
        yx: Place that it means, pixels of the frame.
        noise: What the phone adds `(y, x)`, pixels.
        missed: Whether it means a place far beside the target.
        seconds: Time from when the click may be made.
        doubled: Whether it is sent twice.
        frames: Deviation of each step's shown time, ms.
    """

    yx: tuple[float, float]
    noise: tuple[float, float]
    missed: bool
    seconds: float
    doubled: bool
    frames: tuple[float, ...]


def traits(settings: SimulationSettings, config: CollectionConfig, bot: int) -> Traits:
    """Returns what a bot is.

    Args:
        settings: What is planted.
        config: Settings of the study.
        bot: Number of the bot.

    Raises:
        BadValueError: The study wants neither PCs nor phones.
    """
    devices = config.assignment.devices
    wanted: list[words.Device] = [d for d in words.DEVICES[:2] if d in devices]
    if not wanted:
        raise errors.BadValueError(
            "[assignment] devices",
            ", ".join(config.assignment.devices),
            "pc or mobile among them: bots have a mouse or a finger",
        )
    generator = _generator(settings, f"{bot}")
    on_phone, leaving, share = generator.random(3).tolist()
    tempo = generator.normal(0, _TEMPO)
    device = wanted[-1] if on_phone < settings.phones else wanted[0]
    leaves = leaving < settings.drop_outs + settings.withdrawals
    total = config.study.per_person
    return Traits(
        number=bot,
        device=device,
        tempo=math.exp(tempo - _TEMPO**2 / 2),
        leaves_after=int(share * total) if leaves else None,
        withdraws=leaves and leaving >= settings.drop_outs,
    )


def click(
    settings: SimulationSettings,
    bot: Traits,
    target: Target,
    task: messages.Task,
    number: int = 0,
) -> Click:
    """Returns the click of a bot on a task; `number` counts its acts in live rounds."""
    facts = target.facts
    later = f"/{number}" * (number > 0)
    about = f"{bot.number}/{facts.full_stem}/{task.mode}{later}"
    generator = _generator(settings, about)
    missing, doubling = generator.random(2)
    at = int(np.searchsorted(target.below, generator.random(), side="right"))
    yx = target.places[min(at, len(target.places) - 1)] + generator.random(2)
    if task.mode == settings.pulled:
        yx = target.nearest_inside(yx + settings.pull * (target.middle - yx))
    noise = generator.normal(0, settings.phone_noise * facts.radius, 2)
    if bot.device != "mobile":
        noise = np.zeros(2)
    beside = _beside(facts.box, facts.height, facts.width, facts.radius)
    missed = beside is not None and bool(missing < settings.misses)
    if beside is not None and missed:
        yx, noise = np.array(beside), np.zeros(2)
    haste = math.exp(generator.normal(0, _HASTE) - _HASTE**2 / 2)
    return Click(
        yx=(float(yx[0]), float(yx[1])),
        noise=(float(noise[0]), float(noise[1])),
        missed=missed,
        seconds=max(_LEAST_SECONDS, settings.click_seconds * bot.tempo * haste),
        doubled=bool(doubling < settings.double_posts),
        frames=tuple(generator.uniform(-8, 8, len(task.steps)).tolist()),
    )


def event(
    bot: Traits, click: Click, target: Target, task: messages.Task
) -> messages.ClickEvent:
    """Returns what the bot's browser sends.

    The id of the event belongs to the assignment, so a bot that is stopped and started
    again sends no second event of it.
    """
    uv = uv_of(click, target.facts)
    shown: list[messages.Shown] = []
    now = BEGIN_MS + LOAD_MS
    for number, step in enumerate(task.steps):
        if step.ms:
            ms = step.ms + click.frames[number]
            shown.append(_shown(number, now, ms))
            now += ms
    down = now + 1000 * click.seconds
    if task.steps:
        shown.append(_shown(len(task.steps) - 1, now, 1000 * click.seconds))
    left, top, width, height = rect = rect_of(bot.facts, task.image)
    x, y = left + uv[0] * width, top + uv[1] * height
    return messages.ClickEvent(
        client_id=f"bot{bot.number:05}-{task.assignment}",
        assignment=task.assignment,
        token=task.token,
        uv=uv,
        down=messages.Point(t=down, x=x, y=y),
        up=messages.Point(t=down + 80, x=x, y=y),
        rect=rect,
        pointer="touch" if bot.device == "mobile" else "mouse",
        primary=True,
        contact=(23.0, 23.0) if bot.device == "mobile" else (1.0, 1.0),
        trusted=True,
        shown=tuple(shown),
        enabled_t=now,
        loaded_ms=LOAD_MS,
        device=bot.facts,
        orientation="portrait" if bot.device == "mobile" else "landscape",
    )


def uv_of(click: Click, facts: TaskFacts) -> tuple[float, float]:
    """Returns the place of a click as shares of the picture's width and height."""
    return (
        _share(click.yx[1] + click.noise[1], facts.width),
        _share(click.yx[0] + click.noise[0], facts.height),
    )


def task_seconds(task: messages.Task, click: Click) -> float:
    """Returns how long a bot is busy with a task, on its own clock."""
    steps = sum(step.ms for step in task.steps) + sum(click.frames)
    return (LOAD_MS + steps) / 1000 + click.seconds


def _shown(step: int, on: float, ms: float) -> messages.Shown:
    return messages.Shown(step=step, on=on, off=on + ms, frames=round(ms / _FRAME_MS))


def _generator(settings: SimulationSettings, about: str) -> np.random.Generator:
    seed = hashing.stable_hash(f"{settings.seed}/{about}")
    return np.random.Generator(np.random.Philox(seed))


def _share(place: float, side: int) -> float:
    return min(max(place / side, 0.0), 1.0)


def _beside(
    box: tuple[int, int, int, int], height: int, width: int, radius: int
) -> tuple[float, float] | None:
    """Returns a corner of the frame that is far from a box; None if none is."""
    y0, y1, x0, x1 = box
    corners = [(y, x) for y in (0.5, height - 0.5) for x in (0.5, width - 0.5)]

    def distance(corner: tuple[float, float]) -> float:
        y, x = corner
        return math.hypot(max(y0 - y, y - y1, 0), max(x0 - x, x - x1, 0))

    farthest = max(corners, key=distance)
    return farthest if distance(farthest) > 5 * radius else None


def rect_of(
    device: messages.DeviceFacts, picture: messages.Picture
) -> tuple[float, float, float, float]:
    """Returns left, top, width and height of a picture in the window, CSS pixels."""
    width, height = device.inner[0] - 20, device.inner[1] - 100
    scale = min(width / picture.w, height / picture.h)
    return 10.0, 60.0, picture.w * scale, picture.h * scale
