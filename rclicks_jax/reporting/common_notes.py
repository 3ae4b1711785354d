"""Notes on runs that stand above their numbers."""

from collections.abc import Iterable, Mapping, Sequence


def of_counts(counts: Mapping[str, int], noun: str) -> list[str]:
    """Returns notes of what is in no mean.

    Args:
        counts: By status; may lack some.
        noun: What was counted.
    """
    total = sum(counts.values())
    missing = {status: counts.get(status, 0) for status in ("failed", "skipped")}
    found = []
    if any(missing.values()):
        found.append(
            f"Of {total} {noun}s {missing['failed']} failed and {missing['skipped']} "
            "were skipped: they are in no mean."
        )
    if total and not counts.get("ok"):
        found.append(f"No {noun} is “ok”: there are no numbers.")
    return found


def together(by_label: Iterable[tuple[str, Sequence[str]]]) -> list[str]:
    """Returns the notes of several runs, each once, with the runs that have it."""
    labels: dict[str, list[str]] = {}
    count = 0
    for label, notes in by_label:
        count += 1
        for note in notes:
            labels.setdefault(note, []).append(label)
    return [
        note if len(of) == count else f"{', '.join(of)}: {note}"
        for note, of in labels.items()
    ]
