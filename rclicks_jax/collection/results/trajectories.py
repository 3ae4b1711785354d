"""Whole trajectories of live rounds: `trajectories.jsonl`.

The first line is a header: `{"format": 1, "kind": "trajectories", "source": ...,
"segmenter": ...}`. Each further line is a person on an object:

| key | meaning |
| --- | --- |
| `person`, `full_stem`, `mode`, `device`, `wave` | who, what and how |
| `height`, `width` | frame of the clicks, pixels |
| `acts` | in order: `act` (`click`, `undo`, `done`, `give_up`), `seconds` of the person, and of a click `y`, `x`, `positive` |
| `intersection`, `union` | after each act, pixels; null where the segmenter gave no answer |
| `machine_seconds` | after each act |
| `ended` | `done`, `give_up`, `most_clicks`, or `left` |
"""  # noqa: E501

import json
import sqlite3
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from rclicks_jax.collection.results.judged_clicks import Judged
from rclicks_jax.collection.service import live_rounds
from rclicks_jax.collection.store import assignments, catalogue, events
from rclicks_jax.collection.store.assignments import Assignment
from rclicks_jax.collection.store.task_facts import TaskFacts

FORMAT = 1
FILE = "trajectories.jsonl"


class Trajectory(NamedTuple):
    """A person on an object.

    Attributes:
        person: Name of the person in tables.
        assignment: The assignment.
        task: The task.
        acts: Acts in order.
        answers: Answers of the segmenter, by number of the act.
    """

    person: str
    assignment: Assignment
    task: TaskFacts
    acts: list[live_rounds.Act]
    answers: dict[int, live_rounds.Answered]


def read(db: sqlite3.Connection, judged: Judged) -> list[Trajectory]:
    """Returns the trajectories that are data, by object and person."""
    tasks = {task.task_id: task for task in catalogue.tasks(db, "main")}
    found: list[Trajectory] = []
    for session in judged.sessions.values():
        if not judged.counts(session):
            continue
        for assignment in assignments.of_session(db, session.session_id):
            own = events.of_assignment(db, assignment.assignment_id)
            acts = live_rounds.acts_of(db, assignment.assignment_id)
            if not acts or assignment.task_id not in tasks:
                continue
            answers = [
                msgspec.json.decode(event.content, type=live_rounds.Answered)
                for event in own
                if event.kind == "live_answer"
            ]
            found.append(
                Trajectory(
                    judged.labels[session.person_id],
                    assignment,
                    tasks[assignment.task_id],
                    acts,
                    {answer.number: answer for answer in answers},
                )
            )
    return sorted(found, key=lambda t: (t.task.full_stem, t.person))


def lines(
    trajectories: list[Trajectory], source: str, segmenter: str, most_clicks: int
) -> Iterator[str]:
    """Yields the lines of the file."""
    head = {"format": FORMAT, "kind": "trajectories"}
    yield json.dumps({**head, "source": source, "segmenter": segmenter})
    for trajectory in trajectories:
        yield json.dumps(_line(trajectory, most_clicks))


def _line(trajectory: Trajectory, most_clicks: int) -> dict[str, Any]:
    acts, answers = trajectory.acts, trajectory.answers
    made: list[dict[str, Any]] = []
    for act in acts:
        message = act.message
        seconds = max(0.0, message.t - message.shown_t - message.hidden_ms) / 1000
        told: dict[str, Any] = {"act": message.act, "seconds": round(seconds, 3)}
        if message.act == "click":
            told |= {"y": act.y, "x": act.x, "positive": message.positive}
        made.append(told)
    got = [answers.get(number) for number in range(len(acts))]
    last = acts[-1].message.act
    full = len(live_rounds.standing(acts)) >= most_clicks
    return {
        "person": trajectory.person,
        "full_stem": trajectory.task.full_stem,
        "mode": trajectory.assignment.mode,
        "device": acts[0].device,
        "wave": json.loads(trajectory.assignment.given)["wave"],
        "height": trajectory.task.height,
        "width": trajectory.task.width,
        "acts": made,
        "intersection": [answer and answer.intersection for answer in got],
        "union": [answer and answer.union for answer in got],
        "machine_seconds": [answer and round(answer.machine_ms / 1000, 3)
                            for answer in got],
        "ended": last if last in ("done", "give_up")
        else "most_clicks" if full else "left",
    }  # fmt: skip
