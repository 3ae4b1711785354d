"""Settings of a study in which people click: the tables of `study.toml`.

What the original did not publish is a setting here. Defaults are the original's where
they are known.
"""

import dataclasses
from typing import Annotated, Literal

from rclicks_jax import errors
from rclicks_jax.settings import checks

MODES = (
    "Text_Description",
    "Object_CutOut",
    "Shifted_CutOut",
    "Silhouette_Mask",
    "Highlighted_Instance",
)
DEVICES = ("pc", "mobile", "tablet", "pen", "keyboard")
CORNERS = ("top_left", "top_right", "bottom_left", "bottom_right")


def _each_of(names: tuple[str, ...]) -> checks.Check:
    """Allows several of some names, each once, and at least one."""

    def holds(values: tuple[str, ...]) -> bool:
        known = set(values) <= set(names)
        return known and 0 < len(values) == len(set(values))

    return checks.Check(holds, f"one or more of {', '.join(names)}, each once")


def _is_line(text: str) -> bool:
    return bool(text.strip()) and text.isprintable() and len(text) <= 200


LINE = checks.Check(_is_line, "a line of text, 1 to 200 characters")


@dataclasses.dataclass(frozen=True)
class StudySettings:
    """The table [study]: what it is, and who takes part.

    Attributes:
        title: Title, which participants see.
        contact: Whom participants may write to; they see it on every page.
        data: Photographs and objects, as `init` was given them.
        pace: How tasks go: `timed` with steps of fixed length, `self_paced` without,
            whose seconds are what annotation costs, or `live` with a segmenter that
            answers.
        languages: Languages of the pages; the first is used where a browser asks for
            none of them.
        platforms: Where people come from: names in `platforms.toml`; `open` lets
            anybody in who has the address.
        consent_version: Version of the consent text; a new one is agreed to anew.
        minutes: How long the study takes, as the page says.
        per_person: Tasks of a person, practice apart.
    """

    title: Annotated[str, LINE] = "Where would you click?"
    contact: str = ""
    data: str = ""
    pace: Literal["timed", "self_paced", "live"] = "timed"
    languages: tuple[str, ...] = ("en",)
    platforms: tuple[str, ...] = ("local",)
    consent_version: Annotated[str, LINE] = "1"
    minutes: Annotated[int, checks.at_least(1)] = 10
    per_person: Annotated[int, checks.within(1, 1000)] = 60

    def __post_init__(self) -> None:
        """Refuses what no study could use."""
        checks.check(self, "[study] ")
        for name, values in (
            ("languages", self.languages),
            ("platforms", self.platforms),
        ):
            if not values or len(set(values)) < len(values):
                raise errors.BadValueError(
                    f"[study] {name}",
                    ", ".join(values) or "none",
                    "one or more, each once",
                )


@dataclasses.dataclass(frozen=True)
class DisplaySettings:
    """The table [display]: how a target is shown, and for how long.

    Attributes:
        modes: Display modes; several are compared.
        before_ms: The photograph, before the target.
        target_ms: The target.
        after_ms: The photograph again, before a click is taken.
        word_ms: Time added to `target_ms` for each word of a text beyond the fifth.
        early: What a click during `after_ms` does: `ignored` counts it, `wanted` takes
            it.
        limit_ms: Longest wait for a click; 0 for none.
        grey: Grey around a cut-out, 0 to 255.
        highlight: What Highlighted_Instance draws: the object's contour or its box.
        highlight_colour: Colour of it: red, green and blue, 0 to 255.
        highlight_width: Width of the line, as a share of the photograph's diagonal.
        corner: Corner to which Shifted_CutOut moves the object.
        longest_side: Limit on the longest side of pictures for browsers, pixels.
        quality: Quality of their WebP, 1 to 100.
    """

    modes: Annotated[tuple[str, ...], _each_of(MODES)] = ("Object_CutOut",)
    before_ms: Annotated[int, checks.within(0, 60_000)] = 1500
    target_ms: Annotated[int, checks.within(100, 60_000)] = 2000
    after_ms: Annotated[int, checks.within(0, 60_000)] = 1500
    word_ms: Annotated[int, checks.within(0, 2_000)] = 200
    early: Literal["ignored", "wanted"] = "ignored"
    limit_ms: Annotated[int, checks.within(0, 600_000)] = 20_000
    grey: Annotated[int, checks.within(0, 255)] = 127
    highlight: Literal["contour", "box"] = "contour"
    highlight_colour: tuple[int, ...] = (255, 0, 0)
    highlight_width: Annotated[float, checks.within(0.0005, 0.05)] = 0.004
    corner: Annotated[str, checks.one_of(CORNERS)] = "top_left"
    longest_side: Annotated[int, checks.within(64, 8192)] = 1280
    quality: Annotated[int, checks.within(1, 100)] = 90

    def __post_init__(self) -> None:
        """Refuses what cannot be drawn."""
        checks.check(self, "[display] ")
        colour = self.highlight_colour
        if len(colour) != 3 or not all(0 <= part <= 255 for part in colour):
            raise errors.BadValueError(
                "[display] highlight_colour", colour, "three numbers from 0 to 255"
            )


@dataclasses.dataclass(frozen=True)
class AssignmentSettings:
    """The table [assignment]: who gets which task.

    Attributes:
        clicks: Accepted clicks for each task, display mode and device.
        devices: Devices whose clicks are wanted.
        order: `blocks` gives a person one display mode in a block and balances the
            order of the modes over people; `free` mixes them.
        block: Tasks in a block; a pause follows.
        lease_s: Seconds after which a task that is not answered goes to others.
        seed: Seed of all that is shuffled.
    """

    clicks: Annotated[int, checks.within(1, 100_000)] = 25
    devices: Annotated[tuple[str, ...], _each_of(DEVICES)] = ("pc", "mobile")
    order: Literal["blocks", "free"] = "blocks"
    block: Annotated[int, checks.within(1, 1000)] = 20
    lease_s: Annotated[int, checks.within(10, 3600)] = 180
    seed: Annotated[int, checks.SEED] = 0

    def __post_init__(self) -> None:
        """Refuses what cannot be assigned."""
        checks.check(self, "[assignment] ")


@dataclasses.dataclass(frozen=True)
class ApartSettings:
    """The table [practice] or [control]: photographs that are apart from the data.

    Attributes:
        count: Practice: tasks of a person, with feedback. Control: photographs to
            choose; hidden among the others.
        every: Control: one task in so many is for control; 0 for none. Not used by
            practice.
        images: Stems of the photographs; empty lets `init` choose.
    """

    count: Annotated[int, checks.within(0, 100)] = 5
    every: Annotated[int, checks.within(0, 1000)] = 20
    images: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuses what cannot be set apart."""
        checks.check(self, "[practice] or [control] ")


@dataclasses.dataclass(frozen=True)
class JudgementSettings:
    """The table [judgement]: which clicks are accepted. May change during a study.

    Attributes:
        tolerance: Farthest that a click may be from its region, in click radii (0.71 %
            of the diagonal). The original's number is not known.
        min_ms: Least time from when a click is taken until it is made.
        max_ms: Most of that time.
        exposure_ms: Most that the shown time of a step may differ from the wanted one.
        exposure_share: The same as a share of the wanted time; the larger counts.
        drag_px: Most between press and release, CSS pixels.
        tiny_px: Least longer side of the region's box on the screen, CSS pixels.
        place_px: Most that a click's place in the picture and its place in the window
            may contradict each other, CSS pixels.
        clock_s: Most that a server's seconds may be fewer than those of the steps.
        zoom: Scale of a pinch zoom from which a click is noted as zoomed.
        control_failed: Control tasks that a session may fail.
        control_share: Share of its control tasks that a session may fail; it is
            rejected if it fails more than both.
        same_place: Spread of clicks over the picture below which a session is flagged.
        same_place_clicks: Least clicks for that.
        speed_deviations: Deviations below the study's median time from which a session
            is flagged.
    """

    tolerance: Annotated[float, checks.within(0, 1000)] = 1.0
    min_ms: Annotated[float, checks.at_least(0)] = 150.0
    max_ms: Annotated[float, checks.more_than(0)] = 20_000.0
    exposure_ms: Annotated[float, checks.at_least(0)] = 50.0
    exposure_share: Annotated[float, checks.within(0, 1)] = 0.1
    drag_px: Annotated[float, checks.at_least(0)] = 10.0
    tiny_px: Annotated[float, checks.at_least(0)] = 12.0
    place_px: Annotated[float, checks.more_than(0)] = 2.0
    clock_s: Annotated[float, checks.at_least(0)] = 0.2
    zoom: Annotated[float, checks.at_least(1)] = 1.01
    control_failed: Annotated[int, checks.at_least(0)] = 1
    control_share: Annotated[float, checks.within(0, 1)] = 0.3
    same_place: Annotated[float, checks.within(0, 1)] = 0.03
    same_place_clicks: Annotated[int, checks.at_least(2)] = 15
    speed_deviations: Annotated[float, checks.more_than(0)] = 3.0

    def __post_init__(self) -> None:
        """Refuses what cannot be judged by."""
        checks.check(self, "[judgement] ")


@dataclasses.dataclass(frozen=True)
class LiveSettings:
    """The table [live]: rounds in which a segmenter answers.

    Attributes:
        segmenter: The segmenter, as `--segmenter` of a benchmark takes it.
        seats: People who have live tasks at a time; further people wait. The segmenter
            holds a photograph for each.
        timeout_s: Seconds that loading the segmenter, encoding a photograph or an
            answer may take; then its process is replaced once.
        most_clicks: Clicks after which a task ends.
        first_clicks: Share of the objects that are for a first click each, with timed
            steps, and not for live rounds. People who wait for a seat get these
            meanwhile, and tasks of `masks`.
    """

    segmenter: str = ""
    seats: Annotated[int, checks.within(1, 1000)] = 8
    timeout_s: Annotated[float, checks.within(1, 3600)] = 60.0
    most_clicks: Annotated[int, checks.within(1, 100)] = 20
    first_clicks: Annotated[float, checks.within(0, 1)] = 0.0

    def __post_init__(self) -> None:
        """Refuses what cannot be played."""
        checks.check(self, "[live] ")


@dataclasses.dataclass(frozen=True)
class LimitSettings:
    """The table [limits]: what is refused or shrunk. May change during a study.

    Attributes:
        pixels: Most pixels of a photograph.
        window_px: Least width and height of a window's inside, CSS pixels.
        region_share: Least area of an error region of a later round, as a share of the
            photograph.
        region_px: Least area of an error region, pixels.
        events_a_minute: Most requests of a session in a minute.
        identity_days: Days after which `status` reminds of identities that are kept.
    """

    pixels: Annotated[int, checks.within(1, 1 << 30)] = 100_000_000
    window_px: Annotated[int, checks.within(1, 10_000)] = 300
    region_share: Annotated[float, checks.within(0, 1)] = 0.0005
    region_px: Annotated[int, checks.at_least(1)] = 64
    events_a_minute: Annotated[int, checks.at_least(1)] = 240
    identity_days: Annotated[int, checks.at_least(0)] = 90

    def __post_init__(self) -> None:
        """Refuses limits that nothing could keep."""
        checks.check(self, "[limits] ")


@dataclasses.dataclass(frozen=True)
class CollectionConfig:
    """All settings of a study; each field is a table of `study.toml`.

    Attributes:
        study: What it is, and who takes part.
        display: How a target is shown.
        assignment: Who gets which task.
        practice: Practice tasks.
        control: Control tasks.
        judgement: Which clicks are accepted.
        live: Live rounds.
        limits: What is refused or shrunk.
    """

    study: StudySettings = StudySettings()
    display: DisplaySettings = DisplaySettings()
    assignment: AssignmentSettings = AssignmentSettings()
    practice: ApartSettings = ApartSettings()
    control: ApartSettings = ApartSettings()
    judgement: JudgementSettings = JudgementSettings()
    live: LiveSettings = LiveSettings()
    limits: LimitSettings = LimitSettings()

    def __post_init__(self) -> None:
        """Refuses settings that contradict each other."""
        if self.study.pace == "live" and not self.live.segmenter:
            raise errors.BadValueError(
                "[live] segmenter", "nothing", 'a segmenter, for [study] pace = "live"'
            )


def _is_mode_or_none(name: str) -> bool:
    return name in ("", *MODES)


@dataclasses.dataclass(frozen=True)
class SimulationSettings:
    """Bots that take part in a study: what `simulate` plants.

    Attributes:
        bots: Bots that take part, all at once.
        seed: Seed of what the bots do; who gets which task depends on the server.
        speed: Seconds of the study in a second: the clocks of bots and server run so
            much faster. 1 for a server that was given by its address.
        model: Where bots click: `gaussian` around the middle of the region, UD, DT, or
            the folder of a click model.
        spread: Standard deviation of `gaussian`, in sides of the region's box.
        pulled: Display mode whose clicks are pulled to the middle; empty for none.
        pull: Share of the way to the middle by which they are pulled.
        phones: Share of bots on phones, if the study wants both devices.
        phone_noise: Standard deviation of the noise that phones add, in click radii.
        misses: Share of clicks far beside the target.
        drop_outs: Share of bots that leave in the middle of a task, without a word.
        withdrawals: Share of bots that withdraw, with deletion.
        double_posts: Share of clicks that are sent twice at the same time.
        click_seconds: Mean time of a click, from when it may be made; in live rounds
            of each act.
        content: IoU of the segmenter's answer from which a bot of live rounds is done.
        kills: How often the server is killed (SIGKILL) and started again.
    """

    bots: Annotated[int, checks.within(1, 2000)] = 200
    seed: Annotated[int, checks.SEED] = 0
    speed: Annotated[float, checks.within(1, 1000)] = 20.0
    model: str = "gaussian"
    spread: Annotated[float, checks.within(0.01, 1)] = 0.17
    pulled: Annotated[
        str, checks.Check(_is_mode_or_none, f"empty, {', '.join(MODES)}", MODES)
    ] = ""
    pull: Annotated[float, checks.within(0, 1)] = 0.3
    phones: Annotated[float, checks.within(0, 1)] = 0.5
    phone_noise: Annotated[float, checks.within(0, 10)] = 1.0
    misses: Annotated[float, checks.within(0, 1)] = 0.03
    drop_outs: Annotated[float, checks.within(0, 1)] = 0.1
    withdrawals: Annotated[float, checks.within(0, 1)] = 0.02
    double_posts: Annotated[float, checks.within(0, 1)] = 0.05
    click_seconds: Annotated[float, checks.within(0.3, 10)] = 0.9
    content: Annotated[float, checks.within(0, 1)] = 0.9
    kills: Annotated[int, checks.within(0, 1000)] = 0

    def __post_init__(self) -> None:
        """Refuses what no bots could do."""
        checks.check(self, "--set ")
        if self.drop_outs + self.withdrawals > 1:
            raise errors.BadValueError(
                "--set drop_outs and withdrawals",
                f"{self.drop_outs:g} and {self.withdrawals:g}",
                "shares that are at most 1 together",
            )
