"""Checkpoints of training: asynchronous, atomic, the latest and the best."""

import dataclasses
from typing import Any

import jax
import orbax.checkpoint as ocp
from etils import epath
from orbax.checkpoint import checkpoint_managers

from rclicks_jax import errors
from rclicks_jax.config import TrainConfig
from rclicks_jax.training import devices
from rclicks_jax.training.state import TrainState

BEST_METRIC = "sim"


class Checkpoints:
    """The checkpoints of one training, in `workdir/checkpoints`."""

    def __init__(self, workdir: epath.Path, config: TrainConfig) -> None:
        """Opens the folder.

        Raises:
            TrainingError: It cannot be written.
        """

        def metric(metrics: dict[str, float]) -> float:
            return metrics[BEST_METRIC]

        policy = checkpoint_managers.AnyPreservationPolicy(
            [
                checkpoint_managers.LatestN(1),
                checkpoint_managers.BestN(n=1, get_metric_fn=metric),
            ]
        )
        options = ocp.CheckpointManagerOptions(
            best_fn=metric, best_mode="max", preservation_policy=policy
        )
        self._config = dataclasses.asdict(config)
        try:
            self._manager = ocp.CheckpointManager(
                (workdir / "checkpoints").resolve(), options=options
            )
        except OSError as error:
            raise errors.TrainingError(
                f"Checkpoints cannot be kept in {workdir}: {error}."
            ) from error

    def save(self, state: TrainState, metrics: dict[str, float]) -> None:
        """Starts saving; returns before it is done."""
        host_state = devices.to_host(state)
        self._manager.save(
            int(host_state.step),
            args=ocp.args.Composite(
                state=ocp.args.StandardSave(host_state),
                config=ocp.args.JsonSave(self._config),
            ),
            metrics=metrics,
        )

    def restore_latest(self, template: TrainState) -> TrainState | None:
        """Returns the newest saved state; None if there is none.

        Raises:
            TrainingError: It was saved with other settings.
        """
        step = self._manager.latest_step()
        return None if step is None else self._restore(step, template)

    def restore_best(self, template: TrainState) -> tuple[TrainState, dict[str, Any]]:
        """Returns the state that was best on validation, with its metrics."""
        step = self._manager.best_step()
        assert step is not None
        metrics = self._manager.metrics(step) or {}
        return self._restore(step, template), dict(metrics)

    def wait(self) -> None:
        """Waits until what was started is saved."""
        self._manager.wait_until_finished()

    def close(self) -> None:
        """Waits, and lets go of the folder."""
        self._manager.close()

    def _restore(self, step: int, template: TrainState) -> TrainState:
        shapes = jax.tree.map(ocp.utils.to_shape_dtype_struct, template)
        as_json = ocp.args.Composite(config=ocp.args.JsonRestore())
        self._check_config(self._manager.restore(step, args=as_json)["config"])
        as_state = ocp.args.Composite(state=ocp.args.StandardRestore(shapes))
        return self._manager.restore(step, args=as_state)["state"]

    def _check_config(self, saved: dict[str, Any]) -> None:
        changed = [
            f"{key} was {saved.get(key)!r} and is {value!r}"
            for key, value in self._config.items()
            if key not in ("workers", "keep_every") and saved.get(key) != value
        ]
        if changed:
            raise errors.TrainingError(
                f"This workdir holds a training with other settings: "
                f"{'; '.join(changed)}. Take another --workdir, or the same settings."
            )
