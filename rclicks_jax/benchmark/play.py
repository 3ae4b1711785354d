"""What becomes of one image: it is encoded once, and all its objects are played."""

import dataclasses
import functools
import threading
from collections.abc import Callable, Mapping, Sequence

from rclicks_jax import errors
from rclicks_jax.benchmark import (
    artifacts,
    first_clicks,
    lockstep,
    questions,
    replays,
    rollout,
)
from rclicks_jax.benchmark.clock import Clock
from rclicks_jax.benchmark.records import ImageRecord, InstanceRecord
from rclicks_jax.benchmark.setup import Setup
from rclicks_jax.clicks import on_device
from rclicks_jax.data import raw
from rclicks_jax.data.recorded_trajectories import RecordedTrajectory
from rclicks_jax.jobs import failures, meter, scheduler
from rclicks_jax.jobs.store import RunFolder
from rclicks_jax.jobs.work_units import Unit
from rclicks_jax.segmenters import base
from rclicks_jax.types import ImageExample

MEMORY_ADVICE = (
    "Set --config.click_model_batch, --config.objects_in_flight and "
    "--config.instances_per_batch to less, or make the photograph smaller."
)
# People's trajectories by dataset and object.
Recorded = Mapping[tuple[str, str], Sequence[RecordedTrajectory]]
_BLANK = (
    "every click map was zero everywhere: the click model says that people click "
    "nowhere, and no click would be people's"
)


class ImagePlayer:
    """Plays images, and never stops because of one of them.

    Attributes:
        asked: Images that the segmenter was asked to encode.
        encoded: Images that it has encoded.
    """

    def __init__(
        self,
        setup: Setup,
        segmenter: base.Segmenter,
        *,
        users: bool,
        together: int,
        in_processes: bool = False,
        recorded: Recorded | None = None,
    ) -> None:
        """Takes what all images share.

        Args:
            setup: Setup of the run.
            segmenter: The segmenter under test.
            users: Whether real first clicks are replayed.
            together: Objects of an image that advance together.
            in_processes: Whether an answerer of `questions.MISTAKES` is asked.
            recorded: People's whole trajectories that are replayed; None for none.
        """
        self._recorded = recorded or {}
        self._setup = setup
        self._segmenter = segmenter
        self._users = users
        self._together = together
        self._in_processes = in_processes
        self._lock = threading.Lock()
        # Images that each lane of the segmenter has.
        self._held = [0] * max(1, segmenter.lanes)
        self.asked = self.encoded = 0

    def play(
        self,
        unit: Unit,
        folder: RunFolder | None,
        advance: Callable[[int], None],
        noted: meter.Meter,
    ) -> scheduler.Coroutine[ImageRecord]:
        """Plays an image.

        Args:
            unit: The image.
            folder: Run folder that keeps pictures of it; None for no pictures.
            advance: Called after each round with the number of clicks that were
                answered; perhaps from several threads at a time.
            noted: Notes the time of reading.

        Raises:
            RunFolderError: A picture cannot be written.
            DeviceError: A device is lost. Nothing else is raised.
        """
        clock = Clock()
        example: ImageExample | None = None
        try:
            with noted.part("decode"):
                example = _read(unit)
            instances = [_unusable(*problem) for problem in example.problems]
            if len(example.instances):
                instances += yield from self._played(example, clock, folder, advance)
        except (errors.RunFolderError, errors.DeviceError):
            raise
        except Exception as error:
            if lost := on_device.lost(error):
                raise lost from error
            reason = failures.reason(error, MEMORY_ADVICE)
            # A name that comes twice is once in a record.
            names = dict.fromkeys(unit.objects or (unit.name,))
            instances = [_unusable(name, reason) for name in names]
        seconds = {part: round(value, 4) for part, value in clock.seconds.items()}
        return ImageRecord(
            dataset=unit.dataset,
            image_id=unit.name,
            attempt=1,
            encodes=int(example is not None and len(example.instances) > 0),
            seconds=seconds,
            instances=tuple(instances),
        )

    def _played(
        self,
        example: ImageExample,
        clock: Clock,
        folder: RunFolder | None,
        advance: Callable[[int], None],
    ) -> scheduler.Coroutine[list[InstanceRecord]]:
        """Encodes an image, plays its objects, and has the segmenter forget it."""
        lane = self._take_lane()
        to = questions.lane_name(lane)
        try:
            question = scheduler.Question(to, [questions.Encoding(example.image)])
            (features,) = yield question
            self._note_encoded()
            clock.add("encode", question.seconds)
        except Exception:
            self._leave_lane(lane)
            raise
        start = functools.partial(self._segmenter.start, features)
        photograph = first_clicks.Photograph(start, lane, self._setup, clock)
        image = _EncodedImage(example, photograph, folder, advance)
        failure: Exception | None = None
        finished: list[InstanceRecord] = []
        try:
            if folder:
                artifacts.write_photograph(folder, example)
            finished = yield from self._objects(image)
        except Exception as error:
            failure = error
        # Not in `finally`: a coroutine that is dropped cannot ask.
        try:
            yield scheduler.Question(to, [questions.Release(features)])
        finally:
            self._leave_lane(lane)
        if failure is not None:
            raise failure
        return finished

    def _take_lane(self) -> int:
        """Returns the lane that has the fewest images."""
        with self._lock:
            self.asked += 1
            lane = min(range(len(self._held)), key=self._held.__getitem__)
            self._held[lane] += 1
        return lane

    def _note_encoded(self) -> None:
        with self._lock:
            self.encoded += 1

    def _leave_lane(self, lane: int) -> None:
        with self._lock:
            self._held[lane] -= 1

    def _objects(
        self, image: "_EncodedImage"
    ) -> scheduler.Coroutine[list[InstanceRecord]]:
        """Plays all objects, some together; those that fail together, each alone."""
        count = len(image.example.instances)
        parts = [
            range(first, min(first + self._together, count))
            for first in range(0, count, self._together)
        ]
        records = yield from self._side_by_side(image, parts)
        again = [
            range(number, number + 1)
            for part in parts
            if part[0] not in records
            for number in part
        ]
        if again:
            records |= yield from self._side_by_side(image, again)
        return [record for first in sorted(records) for record in records[first]]

    def _side_by_side(
        self, image: "_EncodedImage", parts: Sequence[range]
    ) -> scheduler.Coroutine[dict[int, list[InstanceRecord]]]:
        """Plays objects; those of a part advance together.

        Args:
            image: The image.
            parts: Numbers of objects.

        Returns:
            The records of each part, by its first number; not those of several objects
            that failed together.

        Raises:
            Exception: A failure that is no matter of one object.
        """
        pixels = image.example.image.shape[0] * image.example.image.shape[1]
        children = [
            scheduler.Child(
                self._play_together(image, part),
                places=len(part),
                bytes=len(part) * pixels * self._bytes_per_pixel,
            )
            for part in parts
        ]
        results: list[list[InstanceRecord] | Exception]
        results = yield scheduler.Children(children)
        records: dict[int, list[InstanceRecord]] = {}
        for part, result in zip(parts, results, strict=True):
            if not isinstance(result, Exception):
                records[part[0]] = result
                continue
            ours = isinstance(result, errors.RClicksError)
            stops = isinstance(result, errors.RunFolderError | errors.DeviceError)
            if stops or not (ours or failures.is_memory(result)):
                raise result
            if len(part) == 1:
                reason = failures.reason(result, MEMORY_ADVICE)
                name = image.example.instances[part[0]].instance_id
                records[part[0]] = [InstanceRecord(name, "failed", reason)]
        return records

    @property
    def _bytes_per_pixel(self) -> int:
        """Memory of an object in play, bytes for each pixel of its image.

        A trajectory has the segmenter's answer, and as bits its mask and what is wrong
        in it. Beside them are maps, levels and masks of one object that are made and
        dropped.
        """
        return 2 * len(self._setup.trajectory_keys()) + 24

    def _play_together(
        self, image: "_EncodedImage", numbers: range
    ) -> scheduler.Coroutine[list[InstanceRecord]]:
        example, photograph = image.example, image.photograph
        instances = [example.instances[number] for number in numbers]
        trajectories = len(self._setup.trajectory_keys())
        session = photograph.start(
            [instance.gt_mask for instance in instances for _ in range(trajectories)]
        )
        rollouts = [
            rollout.rollout(
                example,
                instance,
                self._setup,
                photograph.clock,
                watched=artifacts.SHOWN if image.folder else (),
                wants_map=self._users or image.folder is not None,
            )
            for instance in instances
        ]
        played = yield from lockstep.play(
            rollouts,
            session,
            lane=photograph.lane,
            trajectories=trajectories,
            in_processes=self._in_processes,
            on_device=self._setup.on_device,
            advance=image.advance,
        )
        users: list[first_clicks.FirstClicks] = []
        people: list[replays.Replays] = []
        for instance, of_object in zip(instances, played, strict=True):
            firsts = first_clicks.FirstClicks((), None)
            if self._users:
                name = f"{example.dataset}/{instance.instance_id}"
                firsts = yield from first_clicks.play_all(
                    name, instance, of_object.first_map, photograph
                )
            users.append(firsts)
            recorded = self._recorded.get((example.dataset, instance.instance_id), ())
            replayed = yield from replays.play_all(recorded, instance, photograph)
            people.append(replayed)
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
                trajectories=of_object.trajectories
                + firsts.trajectories
                + replayed.trajectories,
                category=instance.category,
                image_pixels=instance.gt_mask.size,
                people=replayed.people,
            )
            for instance, of_object, firsts, replayed in zip(
                instances, played, users, people, strict=True
            )
        ]


@dataclasses.dataclass(frozen=True)
class _EncodedImage:
    """An image that was encoded, and what is done beside playing it.

    Attributes:
        example: The image with its objects.
        photograph: The image as the segmenter has it.
        folder: Run folder that keeps pictures of it; None for no pictures.
        advance: Called with the number of clicks that were answered.
    """

    example: ImageExample
    photograph: first_clicks.Photograph
    folder: RunFolder | None
    advance: Callable[[int], None]


def _read(unit: Unit) -> ImageExample:
    """Reads an image.

    Raises:
        DataError: It cannot be read, or two objects have the same name.
    """
    example: ImageExample = unit.source.read()
    if len({*unit.objects}) < len(unit.objects):
        raise errors.DataError("two objects of the image have the same name")
    return example


def _unusable(instance_id: str, reason: str) -> InstanceRecord:
    """Records an object without a mask as skipped, and any other as failed."""
    return InstanceRecord(instance_id, raw.status_of(reason), reason)
