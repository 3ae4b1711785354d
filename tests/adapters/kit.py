"""Adapters against the code they drive: seeded networks, clicks, bugs, golden files.

With random weights of the usual size nearly every mistake hides below the tolerance,
so weights are larger and biases are perturbed, and every comparison is repeated with
mistakes made on purpose, which must show.
"""

import hashlib
import json
import os
import pathlib
from typing import Any, NamedTuple

import numpy as np

from rclicks_jax.bridge import answers
from rclicks_jax.bridge.switches import Switches

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = pathlib.Path(__file__).parent / "golden"
ROUNDS = 5
# Of a map, in both directions; about six hundred points of a photograph of GrabCut.
STRIDE = 17
LEVELS = 65535
# No switch of the original is on.
STRICT = Switches(drop_mask_prompt=False, empty_mask_keeps_crop=False)
# (y, x) as shares of the photograph, and whether it is on the object. The second
# trajectory's second click is negative: the original then drops the mask prompt.
CLICKS = (
    ((0.52, 0.47, 1), (0.30, 0.61, 1), (0.71, 0.35, 0), (0.44, 0.52, 1), (0.1, 0.9, 0)),
    ((0.41, 0.33, 1), (0.80, 0.78, 0), (0.57, 0.42, 1), (0.22, 0.15, 0), (0.6, 0.6, 1)),
    ((0.63, 0.66, 1), (0.55, 0.71, 1), (0.35, 0.58, 1), (0.90, 0.12, 0), (0.5, 0.2, 0)),
)


class Clicks(NamedTuple):
    """What an adapter is given."""

    yx: np.ndarray
    positive: np.ndarray
    count: np.ndarray


def photographs(longest: int | None = None) -> list[np.ndarray]:
    """Returns a wide and a tall photograph of GrabCut, `u8[h w 3]`.

    Args:
        longest: Their longer side, if it is to be smaller.
    """
    from PIL import Image

    folder = data_folder() / "GrabCut" / "data_GT"
    images = []
    for name in ("271008.jpg", "grave.jpg"):
        image = Image.open(folder / name).convert("RGB")
        if longest:
            scale = longest / max(image.size)
            size = [max(1, round(side * scale)) for side in image.size]
            image = image.resize(size, Image.Resampling.BILINEAR)
        images.append(np.asarray(image))
    return images


def data_folder() -> pathlib.Path:
    """Returns the folder of real data, which may be absent."""
    given = os.environ.get("RCLICKS_DATA_DIR")
    return pathlib.Path(given) if given else ROOT.parent / "shared" / "data"


def checkout(name: str) -> pathlib.Path:
    """Returns where a checkout is expected, such as `ritm_interactive_segmentation`."""
    given = os.environ.get("RCLICKS_CHECKOUTS")
    return (pathlib.Path(given) if given else ROOT.parent / "checkouts") / name


def clicks_on(image: np.ndarray) -> list[list[tuple[int, int, bool]]]:
    """Returns `(y, x, positive)` of each click of each trajectory."""
    height, width = image.shape[:2]
    return [
        [(int(y * height), int(x * width), bool(on)) for y, x, on in trajectory]
        for trajectory in CLICKS
    ]


def batch_of(trajectories: list[list[tuple[int, int, bool]]], count: int) -> Clicks:
    """Returns the first clicks of each trajectory as an adapter gets them."""
    yx = np.array([[c[:2] for c in one[:count]] for one in trajectories], np.int32)
    positive = np.array([[c[2] for c in one[:count]] for one in trajectories])
    return Clicks(yx, positive, np.full(len(trajectories), count, np.int32))


def seeded(
    shapes: dict[str, Any],
    seed: int,
    gain: float = 1.6,
    factors: dict[str, float] | None = None,
) -> dict[str, Any]:
    """Returns weights that are a function of their names, shapes and the seed.

    Args:
        shapes: A state dictionary, whose values are replaced.
        seed: Of all of them.
        gain: Matrices have a deviation of `gain / sqrt(fan_in)`.
        factors: Weights whose names contain a key are multiplied by its value.
    """
    import torch

    made = {}
    for key, value in shapes.items():
        if not value.is_floating_point():
            made[key] = value
            continue
        digest = hashlib.sha256(f"{seed}/{key}".encode()).digest()
        drawn = np.random.default_rng(list(digest)).standard_normal(tuple(value.shape))
        if key.endswith("running_var"):
            drawn = np.exp(0.2 * drawn)
        elif value.ndim > 1:
            drawn *= gain / np.sqrt(np.prod(value.shape[1:]))
        else:
            drawn = 0.2 * drawn + (0 if key.endswith(("bias", "mean")) else 1)
        for part, factor in (factors or {}).items():
            drawn *= factor if part in key else 1
        drawn = np.asarray(drawn, np.float32)  # Of a number it made a scalar.
        made[key] = torch.from_numpy(drawn).to(value.dtype)
    return made


def play(
    adapter: Any,
    model: Any,
    image: np.ndarray,
    on_clicks: Any = lambda clicks, image: clicks,
    on_state: Any = lambda state: state,
) -> np.ndarray:
    """Plays all trajectories as one batch, a click at a time.

    Args:
        adapter: With `encode` and `predict`.
        model: What its `load` returns.
        image: `u8[h w 3]`.
        on_clicks: What is done to the clicks before they reach the adapter.
        on_state: What is done to the state before it is given back.

    Returns:
        Probabilities, `f32[trajectories rounds h w]`.
    """
    features = adapter.encode(model, image)
    trajectories = clicks_on(image)
    state, rounds = None, []
    for count in range(1, ROUNDS + 1):
        clicks = on_clicks(batch_of(trajectories, count), image)
        answer, state = adapter.predict(model, features, clicks, state)
        state = on_state(state)
        rounds.append(answers.arrays_of(answer, adapter, True)["probabilities"].copy())
    return np.stack(rounds, axis=1)


def sampled(probabilities: np.ndarray) -> np.ndarray:
    """Returns points of maps, `f32[... h w]`, on a grid, `f32[... n]`."""
    points = probabilities[..., ::STRIDE, ::STRIDE]
    return points.reshape(*points.shape[:-2], -1)


def labels_swapped(clicks, image):
    return clicks._replace(positive=~clicks.positive)


def axes_swapped(clicks, image):
    limits = np.array(image.shape[:2]) - 1
    return clicks._replace(yx=np.minimum(clicks.yx[..., ::-1], limits))


def half_a_pixel_off(clicks, image):
    return clicks._replace(yx=clicks.yx + 0.5)


def click_missing(clicks, image):
    if clicks.yx.shape[1] == 1:
        return clicks
    # The newest but one.
    kept = np.delete(np.arange(clicks.yx.shape[1]), -2)
    return Clicks(clicks.yx[:, kept], clicks.positive[:, kept], clicks.count - 1)


def states_exchanged(state):
    return {key: value[[1, 0, 2]] for key, value in state.items()}


def state_lost(state):
    return None


# Mistakes that every adapter could make. A case adds its own and may leave one out,
# with a reason, where the method does not look at what is wrong.
BUGS = {
    "labels swapped": {"on_clicks": labels_swapped},
    "x and y swapped": {"on_clicks": axes_swapped},
    "half a pixel off": {"on_clicks": half_a_pixel_off},
    "a click missing": {"on_clicks": click_missing},
    "states exchanged": {"on_state": states_exchanged},
    "mask prompt missing": {"on_state": state_lost},
}


def write_golden(name: str, maps: list[np.ndarray], provenance: dict[str, Any]) -> None:
    """Writes what the original answered.

    Args:
        name: Of the case.
        maps: Probabilities of each photograph, `f32[trajectories rounds h w]`.
        provenance: Repository, commit, seed, recipe of the weights, versions.
    """
    GOLDEN.mkdir(exist_ok=True)
    points = [np.rint(sampled(one) * LEVELS).astype(np.uint16) for one in maps]
    threshold = provenance["threshold"]
    shares = np.array([(one > threshold).mean(axis=(-2, -1)) for one in maps])
    arrays = {f"image{index}": one for index, one in enumerate(points)}
    np.savez_compressed(
        GOLDEN / f"{name}.npz",
        object_share=shares.astype(np.float32),
        provenance=json.dumps(provenance, indent=1, sort_keys=True),
        **arrays,
    )


def read_golden(name: str) -> tuple[list[np.ndarray], np.ndarray, dict[str, Any]]:
    """Returns points of each photograph, shares of the object, and provenance."""
    with np.load(GOLDEN / f"{name}.npz", allow_pickle=False) as file:
        count = sum(key.startswith("image") for key in file.files)
        points = [file[f"image{i}"] / np.float32(LEVELS) for i in range(count)]
        return points, file["object_share"], json.loads(str(file["provenance"]))
