"""Chooses the photographs for practice and for control, which are no data.

A control task must be easy to do and impossible to pass without looking: its object is
far from the middle of the photograph, where a hurried person clicks. A practice task
has a large object.
"""

import math
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from rclicks_jax import errors, hashing
from rclicks_jax.collection import words
from rclicks_jax.collection.tasks import regions
from rclicks_jax.data import raw, targets
from rclicks_jax.settings.collection import CollectionConfig

# At most one photograph of so many is set apart for each of the two.
_SHARE = 5
# Least distance of a control task's object from the middle, in click radii.
_FAR = 6
# Least share of the photograph that such an object covers.
_VISIBLE = 0.005


class _Candidate(NamedTuple):
    stem: str
    share: float
    middle_radii: float


def choose(
    config: CollectionConfig,
    photographs: Iterable[raw.RawImage],
    stem_of: Callable[[str], str],
) -> dict[str, words.Role]:
    """Returns the role of each photograph that is apart, by stem.

    Args:
        config: Settings; stems that they name are taken, else some are chosen, at most
            a fifth of the photographs for practice and a fifth for control.
        photographs: All photographs.
        stem_of: Returns the stem of a photograph's identity.

    Raises:
        BadValueError: Settings name a photograph that is not there.
    """
    wanted = {
        "practice": config.practice.count,
        "control": config.control.count if config.control.every else 0,
    }
    named = {"practice": config.practice.images, "control": config.control.images}
    found = [c for image in photographs if (c := _candidate(image, stem_of))]
    known = {candidate.stem for candidate in found}
    roles: dict[str, words.Role] = {}
    for role in ("control", "practice"):
        for stem in named[role]:
            if stem not in known or stem in roles:
                raise errors.BadValueError(
                    f"[{role}] images",
                    stem,
                    "stems of photographs with an object, each once",
                    errors.meant(stem, known),
                )
            roles[stem] = role
    for role in ("control", "practice"):
        if not named[role]:
            free = [c for c in found if c.stem not in roles]
            most = min(wanted[role], len(found) // _SHARE)
            roles |= dict.fromkeys(_best(role, free)[:most], role)
    return roles


def _best(role: str, candidates: list[_Candidate]) -> list[str]:
    """Returns the stems that are fit for a role, the best first."""
    if role == "practice":
        return [c.stem for c in sorted(candidates, key=lambda c: (-c.share, c.stem))]
    fit = [c for c in candidates if c.middle_radii >= _FAR and c.share >= _VISIBLE]
    # Any of them will do: not always the same kind.
    return [c.stem for c in sorted(fit, key=lambda c: hashing.stable_hash(c.stem))]


def _candidate(image: raw.RawImage, stem_of: Callable[[str], str]) -> _Candidate | None:
    """Looks at the largest object of a photograph; None if it has none."""
    found = [item.mask for item in image.objects if not item.problem]
    shown = [regions.of_task(mask, None, "first") for mask in found if mask is not None]
    if not shown:
        return None
    largest = max(shown, key=np.count_nonzero)
    height, width = largest.shape
    radius = max(1, targets.click_radius(largest.shape))
    ys, xs = np.nonzero(largest)
    nearest = math.sqrt(((ys - height / 2) ** 2 + (xs - width / 2) ** 2).min())
    share = np.count_nonzero(largest) / largest.size
    return _Candidate(stem_of(image.image_id), share, nearest / radius)
