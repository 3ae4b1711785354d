"""What a training writes for people: lines of metrics, and TensorBoard's files."""

import contextlib
import importlib
import importlib.util
import json
import sys
import time
from collections.abc import Iterator

import jax
import tqdm
from etils import epath

from rclicks_jax import errors, files

METRICS_NAME = "metrics.jsonl"
TENSORBOARD_NAME = "tensorboard"


class Logs:
    """The metrics of a training, one line of JSON an epoch.

    TensorBoard's files are written beside it where tensorboardX is installed
    (`pip install 'rclicks-jax[tensorboard]'`) and the folder is no bucket. They are for
    looking at only: where they cannot be written, training goes on without.
    """

    def __init__(self, workdir: epath.Path) -> None:
        """Opens the files; only the first process writes."""
        self._path = workdir / METRICS_NAME
        self._board = None
        here = jax.process_index() == 0 and "://" not in str(workdir)
        if here and importlib.util.find_spec("tensorboardX"):
            with self._optional():
                self._board = _Board(workdir / TENSORBOARD_NAME)

    def write(self, epoch: int, step: int, metrics: dict[str, float]) -> None:
        """Adds an epoch, in place of what an interrupted run wrote of it.

        Raises:
            TrainingError: The file cannot be read or written.
        """
        if jax.process_index() != 0:
            return
        rounded = {name: round(value, 6) for name, value in metrics.items()}
        line = json.dumps({"epoch": epoch, "step": step, **rounded})
        try:
            lines = [*self._before(epoch), line]
            files.write_atomically(self._path, "\n".join(lines) + "\n")
        except OSError as error:
            raise errors.TrainingError(files.explain(error)) from error
        if self._board:
            with self._optional():
                self._board.add(rounded, step)
        say(f"Epoch {epoch}: " + "  ".join(f"{k} {v:.4g}" for k, v in rounded.items()))

    def _before(self, epoch: int) -> list[str]:
        """Returns the lines of the epochs before."""
        if not self._path.exists():
            return []
        try:
            lines = self._path.read_text().splitlines()
            return [line for line in lines if json.loads(line)["epoch"] < epoch]
        except (ValueError, KeyError, TypeError) as error:
            raise errors.TrainingError(
                f"{self._path} is damaged ({error}). Move it away and run the same "
                "command again; the checkpoints are kept."
            ) from error

    def close(self) -> None:
        """Writes out what is left."""
        if self._board:
            with self._optional():
                self._board.close()

    @contextlib.contextmanager
    def _optional(self) -> Iterator[None]:
        """Goes on without TensorBoard's files where they cannot be written."""
        try:
            yield
        except OSError as error:
            if self._board:
                self._board.drop()
            self._board = None
            say(
                f"note: {self._path.parent / TENSORBOARD_NAME} cannot be written "
                f"({error.strerror or error}); training goes on without."
            )


class _Board:
    """TensorBoard's files, written at once: a thread that writes could only die."""

    def __init__(self, folder: epath.Path) -> None:
        """Opens a new file in a folder."""
        writer = importlib.import_module("tensorboardX.event_file_writer")
        self._summary = importlib.import_module("tensorboardX.summary")
        self._events = importlib.import_module("tensorboardX.proto.event_pb2")
        folder.mkdir(parents=True, exist_ok=True)
        self._writer = writer.EventsWriter(str(folder / "events"))

    def add(self, values: dict[str, float], step: int) -> None:
        """Adds numbers of a step."""
        for name, value in values.items():
            summary = self._summary.scalar(name, value)
            event = self._events.Event(
                summary=summary, step=step, wall_time=time.time()
            )
            self._writer.write_event(event)
        self._writer.flush()

    def close(self) -> None:
        """Closes the file."""
        self._writer.close()

    def drop(self) -> None:
        """Lets go of the file, whatever of it cannot be written."""
        with contextlib.suppress(OSError):
            self._writer._py_recordio_writer.close()


def say(text: str) -> None:
    """Prints a line above the progress bars, on the first process alone."""
    if jax.process_index() == 0:
        tqdm.tqdm.write(text, file=sys.stderr)
