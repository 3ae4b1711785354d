"""The images of a benchmark; what goes wrong with one is written down."""

import dataclasses
import itertools
import sys
from collections.abc import Iterator, Sequence
from concurrent import futures
from typing import Any

import jax

from rclicks_jax import errors, hosts
from rclicks_jax.clicks import click_models
from rclicks_jax.config import BenchmarkConfig
from rclicks_jax.data import raw
from rclicks_jax.runs import (
    artifacts,
    failures,
    first_clicks,
    plan,
    progress,
    records,
    rollout,
    store,
    tracks,
)
from rclicks_jax.segmenters import base
from rclicks_jax.types import ImageExample, InstanceExample, Status

_MEMORY_ADVICE = (
    "Set --config.click_model_batch and --config.instances_per_batch to less, or make "
    "the photograph smaller."
)
_BLANK = (
    "every click map was zero everywhere: the click model says that people click "
    "nowhere, and no click would be people's"
)
_NO_CLICKS = (
    "warning: --config.users had no effect: no object of the run that was played has "
    "real clicks (clicks.csv; docs/add_a_dataset.md)."
)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a benchmark ended.

    Attributes:
        counts: Objects of the run folder by status, of all processes and earlier runs.
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
            RClicksError: Nothing works: the first images all failed in the same way.
        """
        left = plan.remaining(planned, self._folder)
        mine = [unit for unit in planned if hosts.owns(plan.key_of(unit))]
        total, to_do = (sum(map(self._clicks, units)) for units in (mine, left))
        what = f"Benchmarking {self._segmenter.name}"
        first = progress.FirstFailures(self._config.max_failed)
        finished = 0
        with (
            hosts.stop_on_signal() as stop,
            progress.Bar(what, "click", total, total - to_do) as self._bar,
        ):
            for record in self._records(left, stop):
                self._folder.write(record)
                finished += 1
                done = len(mine) - len(left) + finished
                self._bar.advance(0, f"{done}/{len(mine)} images")
                self._check_first(first, record)
        if not stop:
            # What failed is counted, and decides on the exit status, once all are done.
            hosts.barrier("benchmarked")
        encodes = self._segmenter.encodes
        assert encodes <= finished, "an image is encoded once, whatever is played on it"
        return Outcome(self._counts(), finished, encodes, stop.reason)

    def _clicks(self, unit: plan.Unit) -> int:
        """Returns how many clicks an image has at most."""
        # Whose objects are not known counts as having one.
        objects = len(unit.row.instance_ids) or 1
        trajectories = len(self._setup.strategies())
        return objects * trajectories * self._setup.protocol.max_clicks

    def _check_first(
        self, first: progress.FirstFailures, record: records.ImageRecord
    ) -> None:
        """Ends a run of which nothing works.

        Images that the segmenter was not asked about, as those that cannot be read,
        say nothing about it.
        """
        reasons = [one.reason for one in record.instances if one.status == "failed"]
        asked = bool(record.encodes)
        too_many = first.add(reasons * asked, record.has_results)
        if too_many and not self._folder.has_results():
            raise progress.stop_of(reasons[0], "image", "--config.max_failed")

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
        with (
            futures.ThreadPoolExecutor(self._segmenter.parallel) as pool,
            base.aborted_on_error(self._segmenter),
        ):
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
        """Counts objects by status; says what failed, and whose clicks are missing."""
        statuses: list[Status] = []
        reasons: list[str] = []
        clicked = False
        for image in self._folder.read_all():
            for one in image.instances:
                statuses.append(one.status)
                reasons += [one.reason] * (one.status == "failed")
                clicked |= bool(one.input_device)
        progress.say_failures(reasons)
        if self._config.users and not clicked and hosts.is_first():
            print(_NO_CLICKS, file=sys.stderr)
        return records.count(statuses)

    def _image(self, unit: plan.Unit) -> records.ImageRecord:
        clock = tracks.Clock()
        share = Share(self._clicks(unit), self._bar)
        try:
            example = unit.package.read(unit.row)
            instances = self._instances(unit, example, clock, share)
        except errors.RunFolderError:
            raise
        except Exception as error:
            reason = failures.reason(error, _MEMORY_ADVICE)
            names = unit.row.instance_ids or (unit.row.name,)
            # A name that comes twice is once in a record.
            instances = [_unusable(name, reason) for name in dict.fromkeys(names)]
        share.finish()
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
        self,
        unit: plan.Unit,
        example: ImageExample,
        clock: tracks.Clock,
        share: "Share",
    ) -> list[records.InstanceRecord]:
        if len({*unit.row.instance_ids}) < len(unit.row.instance_ids):
            raise errors.DataError("two objects of the image have the same name")
        done = [_unusable(*problem) for problem in example.problems]
        if not example.instances:
            return done
        with clock.measure("encode"):
            features = self._segmenter.encode(example.image)
        try:
            for first in range(0, len(example.instances), self._together):
                together = tuple(example.instances[first : first + self._together])
                done += self._objects(unit, example, together, features, clock, share)
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
        share: "Share",
    ) -> list[records.InstanceRecord]:
        """Plays some objects together; if that fails, each alone."""
        try:
            return self._play(unit, example, instances, features, clock, share)
        except errors.RunFolderError:
            raise
        except Exception as error:
            ours = isinstance(error, errors.RClicksError)
            if not ours and not failures.is_memory(error):
                raise
            if len(instances) == 1:
                reason = failures.reason(error, _MEMORY_ADVICE)
                return [
                    records.InstanceRecord(instances[0].instance_id, "failed", reason)
                ]
        return [
            record
            for instance in instances
            for record in self._objects(
                unit, example, [instance], features, clock, share
            )
        ]

    def _play(
        self,
        unit: plan.Unit,
        example: ImageExample,
        instances: Sequence[InstanceExample],
        features: Any,
        clock: tracks.Clock,
        share: "Share",
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
            advance=share.advance,
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
            records.InstanceRecord(instance.instance_id, "failed", _BLANK)
            if one.blank
            else records.InstanceRecord(
                instance_id=instance.instance_id,
                status="ok",
                area=int(instance.gt_mask.sum()),
                input_device=instance.input_device if firsts.trajectories else "",
                trajectories=one.trajectories + firsts.trajectories,
                category=instance.category,
                image_pixels=instance.gt_mask.size,
            )
            for instance, one, firsts in zip(instances, played, users, strict=True)
        ]


class Share:
    """The part of a progress bar that belongs to one image."""

    def __init__(self, clicks: int, bar: progress.Bar) -> None:
        """Owns so many clicks."""
        self._left, self._bar = clicks, bar

    def advance(self, clicks: int) -> None:
        """Says that clicks were answered; those of a second try count once."""
        counted = min(clicks, self._left)
        self._left -= counted
        self._bar.advance(counted)

    def finish(self) -> None:
        """Says that the image is done, also where fewer clicks were needed."""
        self.advance(self._left)


def default_instances_per_batch() -> int:
    """Returns how many objects advance together: on CPU larger batches gain nothing."""
    return 1 if jax.default_backend() == "cpu" else 8


def _unusable(instance_id: str, reason: str) -> records.InstanceRecord:
    """Records an object without a mask as skipped, and any other as failed."""
    return records.InstanceRecord(instance_id, raw.status_of(reason), reason)
