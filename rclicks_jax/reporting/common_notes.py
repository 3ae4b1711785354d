"""Notes above the numbers of runs."""

from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from rclicks_jax.types import JsonObject


def of_counts(counts: Mapping[str, int], noun: str) -> list[str]:
    """Returns notes on the objects or tasks that no mean includes.

    Args:
        counts: Counts by status; a status may be missing.
        noun: Word for what was counted.
    """
    total = sum(counts.values())
    missing = {status: counts.get(status, 0) for status in ("failed", "skipped")}
    notes: list[str] = []
    if any(missing.values()):
        notes.append(
            f"Of {total} {noun}s {missing['failed']} failed and {missing['skipped']} "
            "were skipped: no mean includes them."
        )
    if total and not counts.get("ok"):
        notes.append(f"No {noun} is “ok”: there are no numbers.")
    return notes


def of_data(provenance: JsonObject) -> list[str]:
    """Returns the notes on data in the provenance of a run."""
    notes = cast(Sequence[object], provenance.get("data_notes", ()))
    return list(map(str, notes))


def together(by_label: Iterable[tuple[str, Sequence[str]]]) -> list[str]:
    """Returns each note of several runs once, with the labels of its runs."""
    labels: dict[str, list[str]] = {}
    count = 0
    for label, notes in by_label:
        count += 1
        for note in notes:
            labels.setdefault(note, []).append(label)
    return [
        note if len(labels_of_note) == count else f"{', '.join(labels_of_note)}: {note}"
        for note, labels_of_note in labels.items()
    ]
