"""What commands cost that only read or refuse, beside `import jax`.

Processor time, which other programs on the machine change less than seconds on a clock.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import page

PROGRAM = pathlib.Path(__file__).resolve().parent.parent / "programs/light_commands.py"
COMMANDS = (
    ("benchmark", "--help"),
    ("tabulate", "--help"),
    ("segmenters", "list"),
    ("segmenters", "show", "sam"),
    ("benchmark", "--workdir=x", "--config.repeats=0"),
    ("benchmark", "--workdir=x", "--config=tiny", "--segmenter=unknown"),
    ("benchmark", "--workdir=x", "--config=tiny", "--click_model=unknown"),
    ("evaluate", "--workdir=x", "--data=unknown"),
    ("train", "--workdir=x", "--config.recipe=unknown", "--data=sample"),
    ("tabulate", "nowhere"),
)


def table():
    with tempfile.TemporaryDirectory() as folder:
        ended = subprocess.run(
            [sys.executable, PROGRAM, "0"],
            input=json.dumps(COMMANDS),
            capture_output=True,
            check=True,
            text=True,
            cwd=folder,
        )
    yield page.machine()
    yield ""
    yield "| command | processor time, times that of `import jax` |"
    yield "|---|---:|"
    for (name, *rest), result in zip(COMMANDS, json.loads(ended.stdout), strict=True):
        yield f"| `rclicks-{name} {' '.join(rest)}` | {result['share']:.2f} |"


def main():
    page.put("start", page.printed(table()))


if __name__ == "__main__":
    main()
