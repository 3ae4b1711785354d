"""What becomes of one image: it is encoded once, and all its objects are played."""

import dataclasses
import functools
from collections.abc import Callable, Sequence

import numpy as np

from rclicks_jax import errors
from rclicks_jax.benchmark import artifacts, first_clicks, lockstep
from rclicks_jax.benchmark.clock import Clock
from rclicks_jax.benchmark.records import ImageRecord, InstanceRecord
from rclicks_jax.benchmark.setup import Setup
from rclicks_jax.clicks import click_models
from rclicks_jax.data import raw
from rclicks_jax.jobs import failures
from rclicks_jax.jobs.store import RunFolder
from rclicks_jax.jobs.work_units import Unit
from rclicks_jax.segmenters import base
from rclicks_jax.types import ImageExample, InstanceExample

MEMORY_ADVICE = (
    "Set --config.click_model_batch and --config.instances_per_batch to less, or make "
    "the photograph smaller."
)
_BLANK = (
    "every click map was zero everywhere: the click model says that people click "
    "nowhere, and no click would be people's"
)


class ImagePlayer:
    """Plays images, and never stops because of one of them."""

    def __init__(
        self,
        setup: Setup,
        segmenter: base.Segmenter,
        click_model: click_models.ClickModel | None,
        *,
        users: bool,
        together: int,
    ) -> None:
        """Takes what all images share.

        Args:
            setup: Setup of the run.
            segmenter: The segmenter under test.
            click_model: Where people click; None if no group plays.
            users: Whether real first clicks are replayed.
            together: Objects that advance together.
        """
        self._setup = setup
        self._segmenter = segmenter
        self._click_model = click_model
        self._users = users
        self._together = together

    def play(
        self, unit: Unit, folder: RunFolder | None, advance: Callable[[int], None]
    ) -> ImageRecord:
        """Plays an image.

        Args:
            unit: The image.
            folder: Run folder that keeps pictures of it; None for no pictures.
            advance: Called after each round with the number of clicks that were
                answered.

        Raises:
            RunFolderError: A picture cannot be written.
            DeviceError: A device is lost. Nothing else is raised.
        """
        clock = Clock()
        try:
            instances = self._instances(unit, folder, clock, advance)
        except (errors.RunFolderError, errors.DeviceError):
            raise
        except Exception as error:
            reason = failures.reason(error, MEMORY_ADVICE)
            # A name that comes twice is once in a record.
            names = dict.fromkeys(unit.objects or (unit.name,))
            instances = [_unusable(name, reason) for name in names]
        seconds = {part: round(value, 4) for part, value in clock.seconds.items()}
        return ImageRecord(
            dataset=unit.dataset,
            image_id=unit.name,
            attempt=1,
            encodes=int(clock.seconds["encode"] > 0),
            seconds=seconds,
            instances=tuple(instances),
        )

    def _instances(
        self,
        unit: Unit,
        folder: RunFolder | None,
        clock: Clock,
        advance: Callable[[int], None],
    ) -> list[InstanceRecord]:
        example: ImageExample = unit.source.read()
        if len({*unit.objects}) < len(unit.objects):
            raise errors.DataError("two objects of the image have the same name")
        finished = [_unusable(*problem) for problem in example.problems]
        if not example.instances:
            return finished
        with clock.measure("encode"):
            features = self._segmenter.encode(example.image)
        start = functools.partial(self._segmenter.start, features)
        image = _EncodedImage(example, start, clock, folder, advance)
        try:
            for first in range(0, len(example.instances), self._together):
                together = tuple(example.instances[first : first + self._together])
                finished += self._objects(image, together)
        finally:
            self._segmenter.release(features)
        return finished

    def _objects(
        self, image: "_EncodedImage", instances: Sequence[InstanceExample]
    ) -> list[InstanceRecord]:
        """Plays some objects together; if that fails, each alone."""
        try:
            return self._play_together(image, instances)
        except (errors.RunFolderError, errors.DeviceError):
            raise
        except Exception as error:
            ours = isinstance(error, errors.RClicksError)
            if not ours and not failures.is_memory(error):
                raise
            if len(instances) == 1:
                reason = failures.reason(error, MEMORY_ADVICE)
                return [InstanceRecord(instances[0].instance_id, "failed", reason)]
        return [
            record
            for instance in instances
            for record in self._objects(image, [instance])
        ]

    def _play_together(
        self, image: "_EncodedImage", instances: Sequence[InstanceExample]
    ) -> list[InstanceRecord]:
        example = image.example
        played = lockstep.play(
            example,
            instances,
            image.start,
            self._click_model,
            self._setup,
            image.clock,
            watched=artifacts.SHOWN if image.folder else (),
            advance=image.advance,
        )
        users = [
            self._first_clicks(image, instance, of_object.first_map)
            for instance, of_object in zip(instances, played, strict=True)
        ]
        if image.folder:
            means = [firsts.mean_mask for firsts in users]
            artifacts.write(
                image.folder, example, instances, played, means, self._setup
            )
        return [
            InstanceRecord(instance.instance_id, "failed", _BLANK)
            if of_object.blank
            else InstanceRecord(
                instance_id=instance.instance_id,
                status="ok",
                area=int(instance.gt_mask.sum()),
                input_device=instance.input_device if firsts.trajectories else "",
                trajectories=of_object.trajectories + firsts.trajectories,
                category=instance.category,
                image_pixels=instance.gt_mask.size,
            )
            for instance, of_object, firsts in zip(
                instances, played, users, strict=True
            )
        ]

    def _first_clicks(
        self,
        image: "_EncodedImage",
        instance: InstanceExample,
        first_map: np.ndarray | None,
    ) -> first_clicks.FirstClicks:
        """Plays people's first clicks, and sampled ones, if they are wanted."""
        if not self._users:
            return first_clicks.FirstClicks((), None)
        return first_clicks.play_all(
            f"{image.example.dataset}/{instance.instance_id}",
            instance,
            first_map,
            image.start,
            self._setup,
            image.clock,
        )


@dataclasses.dataclass(frozen=True)
class _EncodedImage:
    """An image that was encoded, and what is done beside playing it.

    Attributes:
        example: The image with its objects.
        start: Starts trajectories of the segmenter on it.
        clock: Takes the time.
        folder: Run folder that keeps pictures of it; None for no pictures.
        advance: Called with the number of clicks that were answered.
    """

    example: ImageExample
    start: base.Start
    clock: Clock
    folder: RunFolder | None
    advance: Callable[[int], None]


def _unusable(instance_id: str, reason: str) -> InstanceRecord:
    """Records an object without a mask as skipped, and any other as failed."""
    return InstanceRecord(instance_id, raw.status_of(reason), reason)
