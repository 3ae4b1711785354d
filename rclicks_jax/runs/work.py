"""The images of a benchmark; what goes wrong with one is written down."""

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from concurrent import futures
from typing import Any

import jax
import tqdm

from rclicks_jax import errors, hosts
from rclicks_jax.clicks import click_models
from rclicks_jax.config import BenchmarkConfig
from rclicks_jax.data import raw
from rclicks_jax.runs import (
    artifacts,
    failures,
    first_clicks,
    plan,
    records,
    rollout,
    store,
    tracks,
)
from rclicks_jax.segmenters import base
from rclicks_jax.types import ImageExample, InstanceExample

_MEMORY_ADVICE = (
    "Set --config.click_model_batch and --config.instances_per_batch to less"
)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a benchmark ended.

    Attributes:
        counts: Objects of this process's images by status, earlier runs included.
        images: Images worked on now.
        encodes: Images encoded now.
        stopped: Name of the signal that ended it early; empty if it is complete.
    """

    counts: dict[str, int]
    images: int
    encodes: int
    stopped: str

    def failed_share(self) -> float:
        """Returns the share of objects that failed."""
        return records.failed_share(self.counts)


class Worker:
    """Works on images, and never stops because of one of them."""

    def __init__(
        self,
        config: BenchmarkConfig,
        setup: tracks.Setup,
        segmenter: base.Segmenter,
        click_model: click_models.ClickModel | None,
        folder: store.RunFolder,
    ) -> None:
        """Takes what all images share."""
        self._config = config
        self._setup = setup
        self._segmenter = segmenter
        self._click_model = click_model
        self._folder = folder
        self._together = config.instances_per_batch or default_instances_per_batch()

    def work(self, planned: Sequence[plan.Unit]) -> Outcome:
        """Works on what is left of a plan, until done or asked to stop.

        Raises:
            RunFolderError: A record cannot be written.
            RClicksError: The device has too little memory for the batch.
        """
        left = plan.remaining(planned, self._folder)
        mine = [u for u in planned if hosts.owns(f"{u.package.dataset}/{u.row.name}")]
        finished = 0
        with (
            hosts.stop_on_signal() as stop,
            tqdm.tqdm(
                total=len(mine),
                initial=len(mine) - len(left),
                desc=f"Benchmarking {self._segmenter.name}",
                unit="image",
                disable=jax.process_index() != 0,
            ) as bar,
        ):
            for record in self._records(left, stop):
                self._folder.write(record)
                finished += 1
                bar.update()
        encodes = self._segmenter.encodes
        assert encodes <= finished, "an image is encoded once, whatever is played on it"
        return Outcome(self._counts(), finished, encodes, stop.reason)

    def _records(
        self, left: Sequence[plan.Unit], stop: hosts.StopRequest
    ) -> Iterator[records.ImageRecord]:
        """Works on as many images at a time as the segmenter can; yields what is done.

        Which images are together, and in which order they end, changes no record.
        """
        if self._segmenter.parallel == 1:
            for unit in left:
                if stop:
                    return
                yield self._image(unit)
            return
        units = iter(left)
        with futures.ThreadPoolExecutor(self._segmenter.parallel) as pool:
            pending: set[futures.Future[records.ImageRecord]] = set()
            while True:
                room = 0 if stop else self._segmenter.parallel - len(pending)
                started = itertools.islice(units, room)
                pending |= {pool.submit(self._image, unit) for unit in started}
                if not pending:
                    return
                done, pending = futures.wait(
                    pending, return_when=futures.FIRST_COMPLETED
                )
                yield from (future.result() for future in done)

    def _counts(self) -> dict[str, int]:
        images = self._folder.read_all()
        return records.count(one.status for image in images for one in image.instances)

    def _image(self, unit: plan.Unit) -> records.ImageRecord:
        clock = tracks.Clock()
        try:
            instances = self._instances(unit, unit.package.read(unit.row), clock)
        except errors.RunFolderError:
            raise
        except Exception as error:
            reason = failures.reason(error, _MEMORY_ADVICE)
            names = unit.row.instance_ids or (unit.row.name,)
            instances = [_unusable(name, reason) for name in names]
        seconds = {part: round(value, 4) for part, value in clock.seconds.items()}
        return records.ImageRecord(
            dataset=unit.package.dataset,
            image_id=unit.row.name,
            attempt=unit.attempt,
            encodes=int(clock.seconds["encode"] > 0),
            seconds=seconds,
            instances=tuple(instances),
        )

    def _instances(
        self, unit: plan.Unit, example: ImageExample, clock: tracks.Clock
    ) -> list[records.InstanceRecord]:
        done = [_unusable(*problem) for problem in example.problems]
        if not example.instances:
            return done
        with clock.measure("encode"):
            features = self._segmenter.encode(example.image)
        try:
            for first in range(0, len(example.instances), self._together):
                together = example.instances[first : first + self._together]
                done += self._objects(unit, example, together, features, clock)
        finally:
            self._segmenter.release(features)
        return done

    def _objects(
        self,
        unit: plan.Unit,
        example: ImageExample,
        instances: Sequence[InstanceExample],
        features: Any,
        clock: tracks.Clock,
    ) -> list[records.InstanceRecord]:
        """Plays some objects together; if that fails, each alone."""
        try:
            return self._play(unit, example, instances, features, clock)
        except errors.SegmenterError as error:
            if len(instances) == 1:
                name = instances[0].instance_id
                return [records.InstanceRecord(name, "failed", str(error))]
        return [
            record
            for instance in instances
            for record in self._objects(unit, example, [instance], features, clock)
        ]

    def _play(
        self,
        unit: plan.Unit,
        example: ImageExample,
        instances: Sequence[InstanceExample],
        features: Any,
        clock: tracks.Clock,
    ) -> list[records.InstanceRecord]:
        played = rollout.play(
            example,
            instances,
            self._segmenter,
            features,
            self._click_model,
            self._setup,
            clock,
            watched=artifacts.SHOWN if unit.pictured else (),
        )
        users = [first_clicks.FirstClicks((), None) for _ in instances]
        if self._config.users:
            users = [
                first_clicks.play_all(
                    f"{example.dataset}/{instance.instance_id}",
                    instance,
                    one.first_map,
                    self._segmenter,
                    features,
                    self._setup,
                    clock,
                )
                for instance, one in zip(instances, played, strict=True)
            ]
        if unit.pictured:
            means = [one.mean_mask for one in users]
            artifacts.write(
                self._folder, example, instances, played, means, self._setup
            )
        return [
            records.InstanceRecord(
                instance_id=instance.instance_id,
                status="ok",
                area=int(instance.gt_mask.sum()),
                input_device=instance.input_device if firsts.trajectories else "",
                trajectories=one.trajectories + firsts.trajectories,
                image_pixels=instance.gt_mask.size,
            )
            for instance, one, firsts in zip(instances, played, users, strict=True)
        ]


def default_instances_per_batch() -> int:
    """Returns how many objects advance together: on CPU larger batches gain nothing."""
    return 1 if jax.default_backend() == "cpu" else 8


def _unusable(instance_id: str, reason: str) -> records.InstanceRecord:
    """An empty object is no target and is skipped; anything else is a failure."""
    status = "skipped" if reason == raw.EMPTY else "failed"
    return records.InstanceRecord(instance_id, status, reason)
