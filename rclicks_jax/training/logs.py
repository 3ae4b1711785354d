"""What a training writes for people: lines of metrics, and TensorBoard's files."""

import importlib
import importlib.util
import json
import sys

import jax
import tqdm
from etils import epath

METRICS_NAME = "metrics.jsonl"
TENSORBOARD_NAME = "tensorboard"


class Logs:
    """The metrics of a training, one line of JSON an epoch.

    TensorBoard's files are written beside it where tensorboardX is installed
    (`pip install 'rclicks-jax[tensorboard]'`) and the folder is no bucket.
    """

    def __init__(self, workdir: epath.Path) -> None:
        """Opens the files; only the first process writes."""
        self._path = workdir / METRICS_NAME
        self._board = None
        here = jax.process_index() == 0 and "://" not in str(workdir)
        if here and importlib.util.find_spec("tensorboardX"):
            tensorboard = importlib.import_module("tensorboardX")
            self._board = tensorboard.SummaryWriter(str(workdir / TENSORBOARD_NAME))

    def write(self, epoch: int, step: int, metrics: dict[str, float]) -> None:
        """Adds an epoch, in place of what an interrupted run wrote of it."""
        if jax.process_index() != 0:
            return
        text = self._path.read_text() if self._path.exists() else ""
        lines = [
            line for line in text.splitlines() if json.loads(line)["epoch"] < epoch
        ]
        rounded = {name: round(value, 6) for name, value in metrics.items()}
        lines.append(json.dumps({"epoch": epoch, "step": step, **rounded}))
        partial = self._path.parent / f"{METRICS_NAME}.partial"
        partial.write_text("\n".join(lines) + "\n")
        partial.replace(self._path)
        if self._board:
            for name, value in rounded.items():
                self._board.add_scalar(name, value, step)
        say(f"Epoch {epoch}: " + "  ".join(f"{k} {v:.4g}" for k, v in rounded.items()))

    def close(self) -> None:
        """Writes out what is left."""
        if self._board:
            self._board.close()


def say(text: str) -> None:
    """Prints a line above the progress bars, on the first process alone."""
    if jax.process_index() == 0:
        tqdm.tqdm.write(text, file=sys.stderr)
