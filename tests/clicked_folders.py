"""Small folders of photographs with clicks by device and by display mode."""

import numpy as np
from helpers import disk, write_image

SHAPE = (40, 60)
# Of every target, half-open (y0, y1, x0, x1).
BOX = (10, 30, 20, 50)
_HEADER = (
    "dataset,image_stem,object_stem,full_stem,click_type,model_type,device,x,y,w,h"
)


def write_clicked(parent, clicks, modes=None, *, person=False):
    """Writes a folder `mine` with `clicks.csv` and `previews.csv` above it.

    Args:
        parent: Where to.
        clicks: Points (x, y) by stem and device.
        modes: The same for each display mode.
        person: Whether a column says who clicked: p0, p1 and so on in each set.
    """
    modes = modes or {}
    every = [clicks, *modes.values()]
    folder = parent / "mine"
    mask = np.zeros(SHAPE, np.uint8)
    mask[BOX[0] : BOX[1], BOX[2] : BOX[3]] = 255
    for stem in sorted({stem for part in every for stem, _ in part}):
        write_image(folder / "images" / f"{stem}.png", np.zeros((*SHAPE, 3), np.uint8))
        write_image(folder / "masks" / f"{stem}.png", mask)
    if clicks:
        _write(parent / "clicks.csv", {"mine": clicks}, person)
    if modes:
        _write(parent / "previews.csv", modes, person)
    return folder


def write_disks(folder):
    """Writes twelve photographs with a disk each, and clicks in its middle.

    Eight are for training and four for validation.
    """
    random = np.random.default_rng(0)
    lines = [_HEADER]
    for number in range(12):
        target = disk((40, 48), (20, 14 + number), 9)
        image = random.integers(0, 90, (40, 48, 3), dtype=np.uint8)
        image[target] += 120
        write_image(folder / "images" / f"i{number}.png", image)
        write_image(folder / "masks" / f"i{number}.png", target.astype(np.uint8) * 255)
        for y, x in np.argwhere(disk((40, 48), (20, 14 + number), 2)):
            lines.append(f"disks,i{number},,i{number},first,,pc,{x},{y},48,40")
    (folder / "clicks.csv").write_text("\n".join(lines) + "\n")
    names = [f"i{number}" for number in range(12)]
    (folder / "train.txt").write_text("\n".join(names[:8]))
    (folder / "val.txt").write_text("\n".join(names[8:]))


def _write(path, by_dataset, person):
    height, width = SHAPE
    lines = [
        f"{dataset},{stem},,{stem},first,,{device},{x},{y},{width},{height}"
        + f",p{number}" * person
        for dataset, clicks in by_dataset.items()
        for (stem, device), points in clicks.items()
        for number, (x, y) in enumerate(points)
    ]
    header = _HEADER + ",person" * person
    path.write_text("\n".join([header, *lines]) + "\n")
