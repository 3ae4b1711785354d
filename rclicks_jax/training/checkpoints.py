"""Checkpoints of training: atomic, written in the background, the latest and the best.

Every process holds the whole state, so process 0 alone writes it, and Orbax waits for
no other process: its barriers are programs of the devices, which a thread beside the
training must not start. The others read the same folder.
"""

import concurrent.futures
import contextlib
import hashlib
import json
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp
from etils import epath
from orbax.checkpoint import checkpoint_managers

from rclicks_jax import distributed, errors
from rclicks_jax.jobs import identity
from rclicks_jax.settings.training import TrainConfig
from rclicks_jax.training import devices, orbax_noise
from rclicks_jax.training.state import TrainState

BEST_METRIC = "sim"
# Checksum of the numbers of a checkpoint: TensorStore restores flipped bits in silence.
_CHECK = "check"
# Settings with which a training learns the same.
_CHANGE_NOTHING = ("workers", "save_every")
# File in which Orbax lists the parts of a checkpoint.
_NOTE = "_CHECKPOINT_METADATA"


class Checkpoints:
    """The checkpoints of one training, in `workdir/checkpoints`."""

    def __init__(self, workdir: epath.Path, config: TrainConfig) -> None:
        """Opens the folder; the other processes wait until process 0 has.

        Raises:
            TrainingError: It cannot be written.
        """
        self._folder = (workdir / "checkpoints").resolve()
        self._config = identity.to_json(config)
        self._writer = concurrent.futures.ThreadPoolExecutor(1, "checkpoint")
        self._saving: concurrent.futures.Future[None] | None = None
        orbax_noise.silence()
        if not distributed.is_first():
            distributed.barrier("checkpoints")
        try:
            self._manager = _open(self._folder)
        # Orbax reads the metrics of all steps, which may be damaged in any way.
        except Exception as error:
            raise errors.TrainingError(
                f"Checkpoints cannot be kept in {workdir / 'checkpoints'}: "
                f"{errors.reason(error)}. If "
                "one is broken, remove its folder, the number of its step, and the "
                "same command goes on from the one before."
            ) from error
        if distributed.is_first():
            distributed.barrier("checkpoints")

    def save(self, state: TrainState, metrics: dict[str, float] | None) -> None:
        """Starts saving in the background; waits for the checkpoint before alone.

        The state is copied from the device there too, so its arrays must not be donated
        to a step.

        Args:
            state: The state, replicated over all devices.
            metrics: Metrics of the validation split; None within an epoch.

        Raises:
            TrainingError: The checkpoint before cannot be written.
        """
        self.wait()
        if distributed.is_first():
            self._saving = self._writer.submit(self._save, state, metrics)

    def _save(self, state: TrainState, metrics: dict[str, float] | None) -> None:
        with self._explained("written"):
            host_state = devices.to_host(state)
            arguments = ocp.args.Composite(
                state=ocp.args.StandardSave(host_state),
                config=ocp.args.JsonSave(self._config),
                **{_CHECK: ocp.args.JsonSave(_checks_of(host_state, metrics))},
            )
            self._manager.save(int(host_state.step), args=arguments, metrics=metrics)
            self._manager.wait_until_finished()

    def restore_latest(self, template: TrainState) -> TrainState | None:
        """Returns the newest saved state; None if there is none.

        Raises:
            TrainingError: It was saved with other settings, or is damaged, or another
                process sees another one.
        """
        self.wait()
        with self._explained("read"):
            step = self._manager.latest_step()
        self._check_all_see(step)
        return None if step is None else self._restore(step, template)

    def restore_best(self, template: TrainState) -> tuple[TrainState, dict[str, float]]:
        """Returns the state that was best on validation, with its metrics.

        Only process 0 knows what was saved since it was opened.

        Raises:
            TrainingError: A checkpoint is damaged.
        """
        self.wait()
        with self._explained("read"):
            steps = self._manager.all_steps()
        # A wrong number of any of them would choose another one.
        metrics = {step: self._metrics(step) for step in steps}
        with self._explained("read"):
            step = self._manager.best_step()
            if step is None:
                raise ValueError("none has metrics")
        return self._restore(step, template), metrics[step]

    def _metrics(self, step: int) -> dict[str, float]:
        with self._explained("read", step):
            metrics = dict(self._manager.metrics(step) or {})
            check = self._check(step)
            # As text, so that a metric that is no number equals itself.
            if check and json.dumps(check["metrics"]) != json.dumps(metrics):
                raise ValueError("its metrics are not those that were saved")
            return metrics

    def _check(self, step: int) -> dict[str, Any]:
        """Returns the checksum and the metrics that were saved beside a checkpoint.

        Nothing for a checkpoint of a release that saved none.
        """
        folder = self._manager.directory / str(step)
        if not (folder / _CHECK).exists():
            if _CHECK in _listed_items(folder):
                raise ValueError(f"its folder {_CHECK} is lost")
            return {}
        read = ocp.args.Composite(**{_CHECK: ocp.args.JsonRestore()})
        check = self._manager.restore(step, args=read)[_CHECK]
        if set(check) != {"sha256", "metrics"}:
            raise ValueError("its checksum is damaged")
        return check

    def wait(self) -> None:
        """Waits until all that `save` started is on disk.

        Raises:
            TrainingError: It cannot be written.
        """
        saving, self._saving = self._saving, None
        if saving is not None:
            saving.result()

    def close(self) -> None:
        """Waits until all is saved, and closes the folder.

        Raises:
            TrainingError: The last checkpoint cannot be written.
        """
        try:
            self.wait()
        finally:
            self._writer.shutdown()
            with self._explained("written"):
                self._manager.close()

    @contextlib.contextmanager
    def _explained(self, done: str, step: int | None = None) -> Iterator[None]:
        """Turns what Orbax and TensorStore raise into a message for the user."""
        try:
            yield
        # A damaged file makes them raise anything.
        except Exception as error:
            which = "A checkpoint" if step is None else f"The checkpoint of step {step}"
            others = [kept for kept in self._manager.all_steps() if kept != step]
            raise errors.TrainingError(
                f"{which} in {self._manager.directory} cannot be {done}: "
                f"{orbax_noise.reason(error)}. "
                f"Others: {', '.join(map(str, others)) or 'none'}. Make room if the "
                "disk is full; if a checkpoint is broken, remove its folder and the "
                "same command goes on from the one before."
            ) from error

    def _restore(self, step: int, template: TrainState) -> TrainState:
        shapes = jax.tree.map(ocp.utils.to_shape_dtype_struct, template)
        self._check_config(step)
        as_state = ocp.args.Composite(state=ocp.args.StandardRestore(shapes))
        with self._explained("read", step):
            state = self._manager.restore(step, args=as_state)["state"]
            check = self._check(step)
            if check and check["sha256"] != _checksum(state):
                raise ValueError("its numbers are not those that were saved")
            if int(state.step) != step:
                raise ValueError(f"it is that of step {int(state.step)}")
            return state

    def _check_all_see(self, step: int | None) -> None:
        """Makes sure that all processes go on from the same checkpoint."""
        seen = distributed.texts_of_all("checkpoint", str(step))
        others = [number for number, text in enumerate(seen) if text != seen[0]]
        if others:
            raise errors.TrainingError(
                f"Process {others[0]} sees another latest checkpoint in {self._folder} "
                f"than process 0: that of step {seen[others[0]]} instead of {seen[0]}. "
                "--workdir must name one folder, or bucket, that all hosts share."
            )

    def _check_config(self, step: int) -> None:
        """Makes sure that a checkpoint was saved with settings that learn the same."""
        as_json = ocp.args.Composite(config=ocp.args.JsonRestore())
        with self._explained("read", step):
            saved = self._manager.restore(step, args=as_json)["config"]
            changes = identity.changes(
                TrainConfig, saved, self._config, "the training that saved it"
            )
        lines = [
            line
            for setting, differences in changes.items()
            if setting not in _CHANGE_NOTHING
            for line in differences
        ]
        if lines:
            raise errors.TrainingError(
                f"This workdir holds a training with other settings: "
                f"{'; '.join(lines)}. Take another --workdir, or the same settings."
            )


def _open(folder: epath.Path) -> ocp.CheckpointManager:
    """Opens a folder of checkpoints, which process 0 makes if there is none."""

    def metric(metrics: dict[str, float]) -> float:
        return metrics[BEST_METRIC]

    policy = checkpoint_managers.AnyPreservationPolicy(
        [
            checkpoint_managers.LatestN(1),
            checkpoint_managers.BestN(
                n=1, get_metric_fn=metric, keep_checkpoints_without_metrics=False
            ),
        ]
    )
    own = jax.process_index()
    if distributed.is_first():
        folder.mkdir(parents=True, exist_ok=True)
    options = ocp.CheckpointManagerOptions(
        best_fn=metric,
        best_mode="max",
        preservation_policy=policy,
        create=False,
        cleanup_tmp_directories=distributed.is_first(),
        multiprocessing_options=ocp.options.MultiprocessingOptions(
            primary_host=own, active_processes={own}
        ),
    )
    return ocp.CheckpointManager(folder, options=options)


def _listed_items(folder: epath.Path) -> frozenset[str]:
    """Returns the parts that Orbax lists of a checkpoint; none if the list is lost."""
    try:
        handlers = json.loads((folder / _NOTE).read_text())["item_handlers"]
        return frozenset(map(str, handlers))
    except (OSError, ValueError, TypeError, KeyError):
        return frozenset()


def _checks_of(state: TrainState, metrics: dict[str, float] | None) -> dict[str, Any]:
    """Returns checksum and metrics of a checkpoint, as JSON gives them back."""
    plain = {name: float(value) for name, value in (metrics or {}).items()}
    return {"sha256": _checksum(state), "metrics": plain}


def _checksum(state: TrainState) -> str:
    """Returns the SHA-256 of all numbers of a state, with names and types."""
    digest = hashlib.sha256()
    for path, leaf in jax.tree_util.tree_leaves_with_path(state):
        array = np.asarray(leaf, order="C")
        name = jax.tree_util.keystr(path)
        digest.update(f"{name}/{array.dtype}/{array.shape}/".encode())
        # Without a copy of the bytes.
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
