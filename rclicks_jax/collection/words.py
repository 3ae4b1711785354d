"""Names in messages, tables and files of a study. They never change their meaning."""

from typing import Literal, get_args

Mode = Literal[
    "Text_Description",
    "Object_CutOut",
    "Shifted_CutOut",
    "Silhouette_Mask",
    "Highlighted_Instance",
]
MODES: tuple[Mode, ...] = get_args(Mode)
TEXT_MODE: Mode = "Text_Description"
# What is asked for: the object, a missed part of it, or what is wrongly taken.
Ask = Literal["object", "missing", "excess"]
ASKS: dict[str, Ask] = {"first": "object", "fn": "missing", "fp": "excess"}
# Steps with fixed times; as long as the person likes; or with a segmenter that answers.
Pace = Literal["timed", "self_paced", "live"]
# Tasks that are for practice or control are apart: they are no data.
Role = Literal["main", "practice", "control"]
# The device of a click, by the pointer that made it. The first two are compared.
Device = Literal["pc", "mobile", "tablet", "pen", "keyboard"]
DEVICES: tuple[Device, ...] = get_args(Device)
Pointer = Literal["mouse", "touch", "pen", "keyboard"]
# Kinds of sessions; only clicks of `real` ones are counted and exported as people's.
SessionKind = Literal["real", "test", "bot"]
Phase = Literal["consent", "device", "instructions", "tasks", "finished", "withdrawn"]
# Why a request is refused: each has a text, `problem_KEY`.
Problem = Literal[
    "bad_request",
    "no_session",
    "no_consent",
    "bad_token",
    "too_early",
    "too_many",
    "closed",
    "not_wanted",
    "busy",
    "full",
    "no_seat",
    "elsewhere",
    "segmenter",
]
# States of an assignment. A task of a cell is held by `open`, used up by `accepted`.
AssignmentState = Literal[
    "open", "accepted", "rejected", "expired", "void", "surplus", "withdrawn"
]
Reason = Literal[
    "outside",
    "too_fast",
    "too_slow",
    "exposure",
    "hidden",
    "resized",
    "drag",
    "multi_touch",
    "untrusted",
    "tiny",
    "clock",
    "early",
    "geometry",
    "not_fetched",
    "other_device",
    "zoomed",
    "keyboard",
    "tablet",
]
REASONS: tuple[Reason, ...] = get_args(Reason)
# These are noted and do not reject a click.
SOFT_REASONS: frozenset[Reason] = frozenset(
    {"other_device", "zoomed", "keyboard", "tablet"}
)
SessionReason = Literal["session_control", "session_same_place", "session_speed"]
# These are flags, on which a person decides; the others reject a session.
SOFT_SESSION_REASONS: frozenset[SessionReason] = frozenset(
    {"session_same_place", "session_speed"}
)
