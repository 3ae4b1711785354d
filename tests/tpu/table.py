"""The table of programs in docs/performance.md, written and read."""

import dataclasses
import re
import sys
from collections.abc import Sequence

HEAD = (
    "| program | of | on | memory, GB of the chip's | estimate, ms "
    "| products, ms | memory traffic, ms | collectives | their MB "
    "| program, MB | compiling, s |",
    "|---|---|---|---:|---:|---:|---:|---:|---:|---:|---:|",
)


@dataclasses.dataclass(frozen=True)
class Row:
    """A compiled program; all but the time of compiling is the compiler's word.

    Attributes:
        program: Name of the program.
        shape: What it works on, in words.
        chip: Name of the chip.
        devices: Devices it runs on.
        memory: GB of memory it needs on a device.
        chip_memory: GB of memory the device has.
        estimate: Milliseconds by the compiler's estimate.
        products: Milliseconds of its products at the chip's peak.
        traffic: Milliseconds of its reads and writes at the chip's peak.
        collectives: Exchanges among devices.
        collective_bytes: MB of their results on a device.
        code: MB of the program itself.
        seconds: Seconds of compiling.
    """

    program: str
    shape: str
    chip: str
    devices: int
    memory: float
    chip_memory: float
    estimate: float
    products: float
    traffic: float
    collectives: int
    collective_bytes: float
    code: float
    seconds: float


def line(row: Row) -> str:
    """Writes a row."""
    return (
        f"| {row.program} | {row.shape} | {row.chip} x {row.devices} "
        f"| {row.memory:.2f} of {row.chip_memory:.0f} | {row.estimate:.2f} "
        f"| {row.products:.2f} | {row.traffic:.2f} | {row.collectives} "
        f"| {row.collective_bytes:.1f} | {row.code:.0f} | {row.seconds:.0f} |"
    )


def lines(rows: Sequence[Row]) -> list[str]:
    """Writes the table."""
    return [*HEAD, *map(line, rows)]


def read(page: str) -> list[Row]:
    """Reads the rows of a page."""
    found = page.partition(HEAD[0] + "\n" + HEAD[1] + "\n")[2]
    return [_row(text) for text in found.partition("\n<!--")[0].splitlines()]


def find(rows: Sequence[Row], chip: str, program: str, shape: str) -> Row | None:
    """Returns the row of a program on one device whose shape has a text, if any."""
    for row in rows:
        same = (row.program, row.chip, row.devices) == (program, chip, 1)
        if same and shape in row.shape:
            return row
    return None


def estimate(
    rows: Sequence[Row], chip: str, program: str, shape: str
) -> tuple[float, int]:
    """Returns the seconds of a program on one device, and how many it makes of what.

    Exits with a sentence if there is no such row.
    """
    row = find(rows, chip, program, shape)
    if row is None:
        sys.exit(f"The table has no {program} of {shape} on a {chip}: `make tpu`.")
    # Its shape says first, or after the variant, how many it makes.
    return row.estimate / 1e3, int(re.findall(r"\b\d+\b", row.shape)[0])


def _row(text: str) -> Row:
    program, shape, place, memory, *numbers = [
        cell.strip() for cell in text.strip("| ").split("|")
    ]
    chip, _, devices = place.rpartition(" x ")
    needed, _, of_chip = memory.partition(" of ")
    estimate, products, traffic, collectives, moved, code, seconds = numbers
    return Row(
        program,
        shape,
        chip,
        int(devices),
        float(needed),
        float(of_chip),
        float(estimate),
        float(products),
        float(traffic),
        int(collectives),
        float(moved),
        float(code),
        float(seconds),
    )
