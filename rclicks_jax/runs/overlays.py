"""Pictures with masks, click maps and clicks drawn on the photograph."""

import base64
from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from rclicks_jax.runs.artifacts import Layers
from rclicks_jax.types import ClickQuery

_TARGET, _MASK = (255, 255, 255), (0, 114, 178)
_POSITIVE, _NEGATIVE = (0, 158, 115), (213, 94, 0)
# What `last_masks` calls the region that sampled clicks shall mend.
ERROR = "error"
_ERROR, _SAMPLE = (0, 255, 255), (86, 180, 233)
_DRAWN_SIDE = 640
# A window around object and clicks shows at least this share of the photograph, so that
# surroundings are seen; sampled clicks need no more than a close view.
_SMALLEST_WINDOW, CLOSE = 0.3, 0.1


def window(
    layers: Layers,
    clicks: Sequence[tuple[int, int, bool]],
    least: float = _SMALLEST_WINDOW,
) -> Layers:
    """Cuts pictures to the object and its clicks, and scales them for drawing.

    Args:
        layers: Pictures of the object.
        clicks: `(y, x, positive)` in pixels of the photograph.
        least: Share of each side of the photograph that is shown at least.
    """
    ys, xs = np.nonzero(layers.target)
    clicked = np.array([click[:2] for click in clicks]).reshape(-1, 2) * layers.scale
    ys, xs = np.append(ys, clicked[:, 0]), np.append(xs, clicked[:, 1])
    height, width = layers.target.shape
    y0, y1 = _span(ys.min(), ys.max(), height, least)
    x0, x1 = _span(xs.min(), xs.max(), width, least)
    factor = _DRAWN_SIDE / max(y1 - y0, x1 - x0)
    size = tuple(max(1, round(side * factor)) for side in (x1 - x0, y1 - y0))
    kind = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR

    def cut(array: np.ndarray) -> np.ndarray:
        inside = array[y0:y1, x0:x1]
        if array.dtype == bool:
            soft = inside.astype(np.uint8) * 255
            return cv2.resize(soft, size, interpolation=kind) > 127
        return cv2.resize(inside, size, interpolation=kind)

    return Layers(
        instance_id=layers.instance_id,
        scale=layers.scale * factor,
        photo=cut(layers.photo),
        target=cut(layers.target),
        click_map=None if layers.click_map is None else cut(layers.click_map),
        user_mean=None if layers.user_mean is None else cut(layers.user_mean),
        last_masks={name: cut(mask) for name, mask in layers.last_masks.items()},
        corner=(y0 / layers.scale, x0 / layers.scale),
        rounds={
            name: cv2.resize(
                bits[y0:y1, x0:x1].view(np.int32), size, interpolation=cv2.INTER_NEAREST
            ).view(np.uint32)
            for name, bits in layers.rounds.items()
        },
    )


def _span(low: float, high: float, side: int, least: float) -> tuple[int, int]:
    """Widens a span by a quarter, to a least share, within an image's side."""
    length = max(1.25 * (high - low), least * side)
    middle = (low + high) / 2
    start = min(max(0.0, middle - length / 2), max(0.0, side - length))
    return int(start), min(side, int(np.ceil(start + length)))


def with_click_map(layers: Layers) -> np.ndarray:
    """Draws the first click map as heat, and the outline of the target, `u8[h w 3]`."""
    return _with_heat(layers, layers.click_map)


def with_user_mean(layers: Layers) -> np.ndarray:
    """Draws the mean mask of people's first clicks as heat, `u8[h w 3]`."""
    return _with_heat(layers, layers.user_mean)


def _with_heat(layers: Layers, values: np.ndarray | None) -> np.ndarray:
    """Draws `u8[h w]` as heat, and the outline of the target."""
    canvas = layers.photo.copy()
    if values is not None:
        strength = (values / np.float32(255))[..., None] ** np.float32(0.7)
        heat = cv2.applyColorMap(values, cv2.COLORMAP_INFERNO)[..., ::-1]
        grey = canvas.mean(axis=-1, keepdims=True, dtype=np.float32) / 2
        canvas = (grey * (1 - strength) + heat * strength).astype(np.uint8)
    return _outlined(canvas, layers.target, _TARGET)


def with_clicks(
    layers: Layers, name: str, clicks: Sequence[tuple[int, int, bool]]
) -> np.ndarray:
    """Draws the last mask of a strategy and its clicks, `u8[h w 3]`.

    Positive clicks are green with a plus, negative ones orange with a minus; the first
    three are larger and numbered.

    Args:
        layers: Pictures of the object.
        name: `baseline`, `G1` or `G10`.
        clicks: `(y, x, positive)` in pixels of the photograph.
    """
    canvas = layers.photo.copy()
    mask = layers.last_masks[name]
    tint = 0.55 * canvas[mask] + 0.45 * np.array(_MASK)
    canvas[mask] = tint.astype(np.uint8)
    canvas = _outlined(canvas, layers.target, _TARGET)
    for number in reversed(range(len(clicks))):
        y, x, positive = clicks[number]
        _draw_click(canvas, place_of(layers, y, x), positive, number + 1)
    return canvas


def with_target(layers: Layers) -> np.ndarray:
    """Draws the outline of the target, `u8[h w 3]`."""
    return _outlined(layers.photo, layers.target, _TARGET)


def place_of(layers: Layers, y: int, x: int) -> tuple[int, int]:
    """Returns where a pixel of the photograph is in the pictures, `(x, y)`."""
    where = np.array([x + 0.5, y + 0.5]) - layers.corner[::-1]
    column, row = np.rint(where * layers.scale).astype(int).tolist()
    return column, row


def with_samples(layers: Layers, samples: Mapping[int, np.ndarray]) -> np.ndarray:
    """Draws the click map, and clicks sampled from it as dots, `u8[h w 3]`.

    Args:
        layers: Pictures of the object; an `ERROR` mask is outlined in cyan.
        samples: `(y, x)` in pixels of the photograph, `i32[n 2]`, by group; 0 for those
            of the whole map, in light blue. Groups go from blue to green.
    """
    canvas = with_click_map(layers)
    if ERROR in layers.last_masks:
        canvas = _outlined(canvas, layers.last_masks[ERROR], _ERROR)
    for row, (group, clicks) in enumerate(samples.items()):
        colour = _group_colour(group)
        for y, x in clicks:
            _draw_dot(canvas, place_of(layers, int(y), int(x)), colour)
        if group or len(samples) > 1:
            _draw_key(canvas, row, f"G{group}" if group else "all", colour)
    return canvas


def of_query(
    query: ClickQuery, click_map: np.ndarray | None, samples: Mapping[int, np.ndarray]
) -> np.ndarray:
    """Draws a close view of a task: its click map, outlines, and clicks, `u8[h w 3]`.

    Args:
        query: The task; the error region is outlined unless it is the target itself.
        click_map: 255 at its peak, `u8[h w]`; None for the photograph alone.
        samples: Clicks by group, as `with_samples` takes them.
    """
    image, gt_mask, error_mask = query
    others = {} if error_mask is gt_mask else {ERROR: error_mask > 0.5}
    layers = Layers("", 1.0, image, gt_mask, click_map, others)
    every = [(int(y), int(x), True) for each in samples.values() for y, x in each]
    return with_samples(window(layers, every, CLOSE), samples)


def _draw_key(canvas: np.ndarray, row: int, text: str, colour: tuple[int, ...]) -> None:
    """Says in the top left corner what a colour means."""
    x, y = 14, 16 + 20 * row
    _draw_dot(canvas, (x, y), colour)
    for ink, width in (((0, 0, 0), 3), ((255, 255, 255), 1)):
        font, place = cv2.FONT_HERSHEY_SIMPLEX, (x + 10, y + 5)
        cv2.putText(canvas, text, place, font, 0.5, ink, width, cv2.LINE_AA)


def _group_colour(group: int) -> tuple[int, ...]:
    if not group:
        return _SAMPLE
    shade = np.array([[(group - 1) * 255 // 9]], np.uint8)
    return tuple(cv2.applyColorMap(shade, cv2.COLORMAP_WINTER)[0, 0, ::-1].tolist())


def to_data_uri(picture: np.ndarray) -> str:
    """Encodes `u8[h w 3]` as a JPEG that stands in an HTML page."""
    return "data:image/jpeg;base64," + base64.b64encode(to_jpeg(picture)).decode()


def to_jpeg(picture: np.ndarray) -> bytes:
    """Encodes `u8[h w 3]` as a JPEG file."""
    quality = [cv2.IMWRITE_JPEG_QUALITY, 82]
    return cv2.imencode(".jpg", picture[..., ::-1], quality)[1].tobytes()


def _draw_dot(
    canvas: np.ndarray, centre: tuple[int, int], colour: tuple[int, ...]
) -> None:
    cv2.circle(canvas, centre, 5, (255, 255, 255), -1, cv2.LINE_AA)
    cv2.circle(canvas, centre, 4, colour, -1, cv2.LINE_AA)


def _outlined(
    canvas: np.ndarray, mask: np.ndarray, colour: tuple[int, int, int]
) -> np.ndarray:
    outlines, _ = cv2.findContours(
        mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE
    )
    canvas = np.ascontiguousarray(canvas)
    cv2.drawContours(canvas, outlines, -1, (0, 0, 0), 3, cv2.LINE_AA)
    cv2.drawContours(canvas, outlines, -1, colour, 1, cv2.LINE_AA)
    return canvas


def _draw_click(
    canvas: np.ndarray, centre: tuple[int, int], positive: bool, number: int
) -> None:
    colour = _POSITIVE if positive else _NEGATIVE
    early = number <= 3
    radius = 9 if early else 5
    cv2.circle(canvas, centre, radius + 2, (255, 255, 255), -1, cv2.LINE_AA)
    cv2.circle(canvas, centre, radius, colour, -1, cv2.LINE_AA)
    white = (255, 255, 255)
    if early:
        place = (centre[0] - 5, centre[1] + 5)
        font = cv2.FONT_HERSHEY_SIMPLEX
        cv2.putText(canvas, str(number), place, font, 0.48, white, 1, cv2.LINE_AA)
        return
    x, y = centre
    cv2.line(canvas, (x - 2, y), (x + 2, y), white, 1)
    if positive:
        cv2.line(canvas, (x, y - 2), (x, y + 2), white, 1)
