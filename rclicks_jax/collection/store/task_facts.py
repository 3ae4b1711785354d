"""A task of a study: what is to be clicked, and where its files are. Kept as JSON."""

import hashlib
from collections.abc import Iterable

import msgspec

from rclicks_jax.collection import words


class TaskFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A task of a study. None of this but ids of pictures and texts goes to a browser.

    Attributes:
        task_id: Id, made of `full_stem` and the secret.
        image_id: Id of the photograph; no person sees a photograph twice.
        role: Whether it is data, practice or control.
        full_stem: Name of the click task in `clicks.csv`.
        image_stem: Name of the photograph.
        object_stem: Name of the object in its photograph; empty if it is alone.
        click_type: `first`, `fn` or `fp`.
        mask_source: What made the mask before; empty for first clicks.
        height: Height of the frame of clicks, pixels.
        width: Width of it.
        box: Half-open box `(y0, y1, x0, x1)` of the region, pixels.
        radius: Radius of a click in this frame, pixels; 1 or more.
        image: Id of the photograph's picture.
        targets: Ids of the target's pictures, by display mode.
        texts: Description of the object, by language; empty if there is none.
    """

    task_id: str
    image_id: str
    role: words.Role
    full_stem: str
    image_stem: str
    object_stem: str
    click_type: str
    mask_source: str
    height: int
    width: int
    box: tuple[int, int, int, int]
    radius: int
    image: str
    targets: dict[words.Mode, str]
    texts: dict[str, str] = {}

    @property
    def ask(self) -> words.Ask:
        """What the task asks for."""
        return words.ASKS[self.click_type]

    def modes(self, wanted: Iterable[words.Mode]) -> list[words.Mode]:
        """Returns the display modes in which it can be shown, of those wanted."""
        return [
            mode
            for mode in wanted
            if mode in self.targets or (mode == words.TEXT_MODE and self.texts)
        ]


def digest(tasks: Iterable[TaskFacts]) -> str:
    """Returns a hash of tasks and their pictures; their order does not matter."""
    lines = sorted(msgspec.json.encode(task) for task in tasks)
    return hashlib.sha256(b"\n".join(lines)).hexdigest()[:16]
