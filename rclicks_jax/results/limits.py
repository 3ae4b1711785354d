"""What limited a run: a table, a time line of its first minute, and one sentence."""

import html
from collections.abc import Sequence
from typing import NamedTuple

from rclicks_jax.jobs.utilisation import Utilisation

HOST = "host"
# From this share of the time on, something is what the run waits for.
_LIMITS = 0.8
# A start that is shorter says little, in seconds.
_SHORT = 5.0
_WIDTH, _HEIGHT, _LABEL = 600, 16, 110


class Row(NamedTuple):
    """How busy a part of the machine was.

    Attributes:
        name: Its name.
        calls: Number of calls or passes; empty for the host.
        rows: Rows that were asked for; empty for the host.
        fill: Share of the computed rows that were asked for; empty for the host.
        seconds: Seconds in which it worked; of the host, of all its threads.
        busy: Share of the time in which it worked; of the host, of all its threads.
        first_minute: The same for each second of the first minute.
    """

    name: str
    calls: str
    rows: str
    fill: str
    seconds: float
    busy: float
    first_minute: tuple[float, ...]


def longest(starts: Sequence[Utilisation]) -> Utilisation | None:
    """Returns the start that says most; None if there is none."""
    return max(starts, key=lambda start: start.seconds, default=None)


def rows_of(start: Utilisation) -> list[Row]:
    """Returns a row for each answerer, and one for the host."""
    rows = [
        Row(
            name=use.name,
            calls=str(use.calls),
            rows=str(use.real),
            fill=f"{100 * use.fill:.1f} %",
            seconds=use.busy,
            busy=start.busy_share(use),
            first_minute=use.first_minute,
        )
        for use in start.answerers
    ]
    shares = start.host_share, start.host_first_minute
    return [*rows, Row(HOST, "", "", "", start.host_seconds, *shares)]


def sentence(start: Utilisation) -> str:
    """Returns what limited a start, in a sentence."""
    rows = rows_of(start)
    busiest = max(rows, key=lambda row: row.busy)
    share = f"{100 * busiest.busy:.0f} %"
    if start.seconds < _SHORT:
        return f"The start took {start.seconds:.1f} s, too short to say what limits it."
    if busiest.busy >= _LIMITS:
        whole = "all its threads" if busiest.name == HOST else "it"
        return (
            f"The {busiest.name} limits this run: {whole} worked for {share} of the "
            "time."
        )
    return (
        f"No part worked all the time. The {busiest.name} worked most, {share} of the "
        "time. More objects at a time (--config.objects_in_flight) may help, unless "
        "the data has too few."
    )


def parts_of(start: Utilisation) -> str:
    """Returns the seconds of the parts of the host's work, in words."""
    parts = {"decoding": "decode", "records": "records"}
    seconds = [
        f"{word} {start.parts[name]:.1f} s"
        for word, name in parts.items()
        if name in start.parts
    ]
    return ", ".join(seconds)


def time_line(start: Utilisation) -> str:
    """Draws the first minute as SVG text: the darker a second, the busier."""
    rows = rows_of(start)
    noted = max(len(row.first_minute) for row in rows)
    seconds = max(1, min(noted, round(start.seconds)))
    step = (_WIDTH - _LABEL) / seconds
    lines: list[str] = []
    for number, row in enumerate(rows):
        top = number * (_HEIGHT + 4)
        name = html.escape(row.name)
        lines.append(f'<text x="0" y="{top + 12}" font-size="11">{name}</text>')
        for second, share in enumerate(row.first_minute[:seconds]):
            left = _LABEL + second * step
            lines.append(
                f'<rect x="{left:.1f}" y="{top}" width="{step:.1f}" '
                f'height="{_HEIGHT}" fill="#0072B2" '
                f'fill-opacity="{min(1.0, max(0.0, share)):.2f}"/>'
            )
    height = len(rows) * (_HEIGHT + 4)
    words = f"How busy each second of the first {seconds} was; numbers are in the table"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{words}" '
        f'viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}">'
        f"{''.join(lines)}</svg>"
    )


def shown(starts: Sequence[Utilisation]) -> dict[str, object] | None:
    """Returns the values for the template of a report; None if nothing was noted."""
    start = longest(starts)
    if start is None:
        return None
    return {
        "sentence": sentence(start),
        "heads": ("", "calls", "rows", "fill", "seconds", "busy"),
        "rows": [
            (
                row.name,
                row.calls,
                row.rows,
                row.fill,
                f"{row.seconds:.1f}",
                f"{100 * row.busy:.1f} %",
            )
            for row in rows_of(start)
        ],
        "seconds": f"{start.seconds:.1f}",
        "threads": start.threads,
        "parts": parts_of(start),
        "time_line": time_line(start),
    }
