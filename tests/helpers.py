"""Small things that several tests need."""

import json
import pathlib

import numpy as np
import pytest

from rclicks_jax.settings import networks


def is_alive(pid):
    """Tells whether a process runs; one that nobody has waited for is dead."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def one_and_long(values):
    """Returns values of a parameter, of which all but the first are long tests."""
    first, *others = values
    rows = [each if isinstance(each, tuple) else (each,) for each in others]
    return [first, *(pytest.param(*row, marks=pytest.mark.long) for row in rows)]


def network_of(saved, **changes):
    """Returns the network whose weights `segnext_tiny.npz` holds."""
    settings = json.loads(str(saved["config_json"]))
    return networks.NetworkConfig(
        variant="parity",
        embed_dims=tuple(settings["embed_dims"]),
        depths=tuple(settings["depths"]),
        ham_channels=settings["ham_channels"],
        mlp_ratios=tuple(settings["mlp_ratios"]),
        ham_bases=settings["MD_R"],
        ham_train_steps=settings["train_steps"],
        ham_eval_steps=settings["eval_steps"],
        norm_groups=settings["GN_groups"],
        **changes,
    )


def state_of(saved):
    """Returns the original's state dict that `segnext_tiny.npz` holds."""
    return {key[3:]: saved[key] for key in saved.files if key.startswith("sd/")}


def numbered(archive, prefix):
    """Returns how many `prefix0`, `prefix1`, ... an archive of the original has."""
    count = 0
    while f"{prefix}{count}" in archive:
        count += 1
    assert count, f"no {prefix}0 among {archive.files}"
    return count


def disk(shape, centre, radius):
    """Returns a disk, `bool[h w]`."""
    rows, columns = np.indices(shape)
    return (rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 <= radius**2


def write_image(path, array):
    """Writes `u8[h w]` or RGB `u8[h w 3]` as whatever the file's name says."""
    import cv2

    path.parent.mkdir(parents=True, exist_ok=True)
    stored = array[..., ::-1] if array.ndim == 3 else array
    assert cv2.imwrite(str(path), np.ascontiguousarray(stored))


def make_folder(folder, names=("a", "b", "c"), shape=(48, 64)):
    """Writes photographs with a bright disk each and its mask; returns the folder."""
    random = np.random.default_rng(len(names))
    for number, name in enumerate(names):
        target = disk(shape, (20 + 3 * number, 25 + 4 * number), 11)
        image = random.integers(0, 80, (*shape, 3), dtype=np.uint8)
        image[target] += 150
        write_image(folder / "images" / f"{name}.png", image)
        write_image(folder / "masks" / f"{name}.png", target.astype(np.uint8) * 255)
    return folder
