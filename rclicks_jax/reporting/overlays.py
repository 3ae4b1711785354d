"""Pictures with masks, click maps and clicks drawn on the photograph.

Lines can be seen on photographs of any colour: each has a black line beside it, and a
mask has the colour that differs most from the pixels under it.
"""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from rclicks_jax.reporting.layers import Layers
from rclicks_jax.types import ClickQuery

Colour = tuple[int, int, int]

_TARGET: Colour = (255, 255, 255)
# Bright colours, which differ from the black line and from the colours of clicks.
_MASKS: tuple[Colour, ...] = ((30, 144, 255), (240, 228, 66), (255, 80, 220))
_MASK_OPACITY = 0.45
# Widths of the black line and of the coloured line around a mask, in pixels.
_BLACK, _OWN = 4, 2
# Percentile: of the pixels under a mask, the nearest tenth in colour decides.
_WORST = 10
# Weight of lightness relative to hue when colours are compared.
_LIGHTNESS = 0.4
# Label in `last_masks` of the error region of sampled clicks.
ERROR = "error"
_ERROR, _SAMPLE = (0, 255, 255), (86, 180, 233)
_DRAWN_SIDE = 640
# A window around object and clicks shows at least this share of the photograph, so that
# the surroundings can be seen; `CLOSE` is for pictures of sampled clicks.
_SMALLEST_WINDOW, CLOSE = 0.3, 0.1


def window(
    layers: Layers,
    clicks: Sequence[tuple[int, int, bool]],
    least: float = _SMALLEST_WINDOW,
    side: int = _DRAWN_SIDE,
) -> Layers:
    """Crops layers to the object and its clicks, and scales them for drawing.

    Args:
        layers: The layers of the object.
        clicks: `(y, x, positive)` in pixels of the photograph.
        least: Smallest share of each side of the photograph that is shown.
        side: Longer side of what is drawn, pixels. Dots and lines have fixed sizes, so
            they are larger in a smaller picture.
    """
    ys, xs = np.nonzero(layers.target)
    clicked = np.array([click[:2] for click in clicks]).reshape(-1, 2) * layers.scale
    ys, xs = np.append(ys, clicked[:, 0]), np.append(xs, clicked[:, 1])
    height, width = layers.target.shape
    if not ys.size:
        # A small target may have vanished in the scaled layers.
        ys, xs = np.array([0, height - 1]), np.array([0, width - 1])
    y0, y1 = _span(ys.min(), ys.max(), height, least)
    x0, x1 = _span(xs.min(), xs.max(), width, least)
    factor = side / max(y1 - y0, x1 - x0)
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
    """Widens a span by a quarter, and to a least share of an image's side."""
    length = max(1.25 * (high - low), least * side)
    middle = (low + high) / 2
    start = min(max(0.0, middle - length / 2), max(0.0, side - length))
    return int(start), min(side, int(np.ceil(start + length)))


def with_click_map(layers: Layers) -> np.ndarray:
    """Draws the first click map as heat, and the outline of the target, `u8[h w 3]`."""
    canvas = layers.photo.copy()
    if layers.click_map is not None:
        heat = heat_layer(layers.click_map).astype(np.float32)
        strength = heat[..., 3:] / 255
        grey = canvas.mean(axis=-1, keepdims=True, dtype=np.float32) / 2
        canvas = (grey * (1 - strength) + heat[..., :3] * strength).astype(np.uint8)
    return _outlined(canvas, layers.target, _TARGET)


def heat_layer(values: np.ndarray) -> np.ndarray:
    """Returns a map `u8[h w]` as heat to lay over a photograph, RGBA `u8[h w 4]`."""
    strength = np.rint(255 * (values / np.float32(255)) ** np.float32(0.7))
    heat = cv2.applyColorMap(values, cv2.COLORMAP_INFERNO)[..., ::-1]
    return np.dstack([heat, strength.astype(np.uint8)])


def mask_colour(photo: np.ndarray, masks: Sequence[np.ndarray]) -> Colour:
    """Returns the colour in which masks stand out most from a photograph.

    It has the greatest distance in Lab from the pixels under and around the masks; of
    these, the nearest tenth counts. Hue has more weight than lightness, since a tint is
    seen by its hue; the black line makes up for lightness.

    Args:
        photo: The photograph, RGB, `u8[h w 3]`.
        masks: The masks, `bool[h w]` each.
    """
    region = np.logical_or.reduce(list(masks)).astype(np.uint8)
    under = photo[_dilated(region, 4 * _BLACK) > 0].reshape(1, -1, 3)
    if not under.size:
        under = photo.reshape(1, -1, 3)
    pixels = cv2.cvtColor(under, cv2.COLOR_RGB2LAB)[0].astype(np.float32)
    weights = np.array([_LIGHTNESS, 1, 1], np.float32)

    def distance(colour: Colour) -> float:
        lab = cv2.cvtColor(np.array([[colour]], np.uint8), cv2.COLOR_RGB2LAB)
        apart = (pixels - lab[0, 0].astype(np.float32)) * weights
        far = np.linalg.norm(apart, axis=-1)
        return float(np.percentile(far, _WORST))

    return max(_MASKS, key=distance)


def mask_layer(mask: np.ndarray, colour: Colour) -> np.ndarray:
    """Draws a mask to lay over a photograph, RGBA `u8[h w 4]`.

    The mask is tinted; around it are a line of its colour and a black line.
    """
    bytes_of_mask = mask.astype(np.uint8)
    layer = np.zeros((*mask.shape, 4), np.uint8)
    layer[_dilated(bytes_of_mask, _BLACK) > 0] = (0, 0, 0, 255)
    layer[_dilated(bytes_of_mask, _OWN) > 0] = (*colour, 255)
    layer[mask] = (*colour, round(255 * _MASK_OPACITY))
    return layer


def _dilated(mask: np.ndarray, radius: int) -> np.ndarray:
    side = 2 * radius + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return cv2.dilate(mask, disc)


def outline_path(mask: np.ndarray, longest: int) -> str:
    """Returns the outline of a mask as an SVG path.

    Args:
        mask: The mask, `bool[h w]`.
        longest: Largest number of characters. A longer outline is simplified; if that
            is not enough, its smallest parts are left out.
    """
    outlines, _ = cv2.findContours(
        mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE
    )
    parts: list[str] = []
    for tolerance in (0.7, 1.5, 3.0):
        simple = [
            cv2.approxPolyDP(outline, tolerance, True)[:, 0] for outline in outlines
        ]
        simple.sort(key=lambda points: -float(np.ptp(points, axis=0).sum()))
        parts = [
            "M" + " ".join(f"{x + 0.5:g} {y + 0.5:g}" for x, y in points.tolist()) + "Z"
            for points in simple
        ]
        if sum(map(len, parts)) <= longest:
            break
    kept = np.cumsum([0, *map(len, parts)])[1:] <= longest
    return "".join(part for part, keep in zip(parts, kept, strict=True) if keep)


def place_of(layers: Layers, y: int, x: int) -> tuple[int, int]:
    """Returns the position of a pixel of the photograph in the layers, `(x, y)`."""
    where = np.array([x + 0.5, y + 0.5]) - layers.corner[::-1]
    column, row = np.rint(where * layers.scale).astype(int).tolist()
    return column, row


def with_samples(layers: Layers, samples: Mapping[int, np.ndarray]) -> np.ndarray:
    """Draws the click map, and clicks sampled from it as dots, `u8[h w 3]`.

    Args:
        layers: The layers of the object; an `ERROR` mask is outlined in cyan.
        samples: Clicks `(y, x)` in pixels of the photograph, `i32[n 2]`, by group.
            Group 0 stands for the whole map and is light blue; the others go from blue
            to green.
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
        query: The query of the task; the error region is outlined unless it is the
            target itself.
        click_map: The click map, 255 at its peak, `u8[h w]`; None to draw the
            photograph alone.
        samples: Clicks by group, as in `with_samples`.
    """
    image, gt_mask, error_mask = query
    others = {} if error_mask is gt_mask else {ERROR: error_mask > 0.5}
    layers = Layers("", 1.0, image, gt_mask, click_map, others)
    clicks = [
        (int(y), int(x), True) for positions in samples.values() for y, x in positions
    ]
    return with_samples(window(layers, clicks, CLOSE), samples)


def _draw_key(canvas: np.ndarray, row: int, text: str, colour: tuple[int, ...]) -> None:
    """Draws one line of the legend in the top left corner."""
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


def to_jpeg(picture: np.ndarray) -> bytes:
    """Returns an RGB picture `u8[h w 3]` as the content of a JPEG file."""
    quality = [cv2.IMWRITE_JPEG_QUALITY, 82]
    return cv2.imencode(".jpg", picture[..., ::-1], quality)[1].tobytes()


def _draw_dot(
    canvas: np.ndarray, centre: tuple[int, int], colour: tuple[int, ...]
) -> None:
    cv2.circle(canvas, centre, 6, (0, 0, 0), -1, cv2.LINE_AA)
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
