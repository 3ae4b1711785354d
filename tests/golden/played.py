"""Plays clicks with the authors' code through an adapter of the bridge."""

import time

import numpy as np
import sam_cases

from rclicks_jax.bridge.adapter import Clicks


def play(adapter, model, heard, shape, rounds=sam_cases.ROUNDS):
    """Returns features and, of each round, logits, what was heard, and masks.

    Args:
        adapter: Adapter of the bridge.
        model: What its `load` returns.
        heard: List to which each pass of the decoder adds an array, `[n ...]`.
        shape: Height and width of the photograph.
        rounds: Clicks.
    """
    features = adapter.encode(model, sam_cases.photograph(shape))
    yx, positive = sam_cases.clicks_on(shape)
    state, answers = None, []
    for count in range(1, rounds + 1):
        clicks = Clicks(yx, positive, np.full(len(yx), count, np.int32))
        heard.clear()
        logits, state = adapter.predict(model, features, clicks, state)
        # Trajectories with and without a mask prompt have passes of their own.
        parts = list(np.concatenate(heard))
        if len(heard) == 2:
            parts = in_order(parts, positive, count)
        answers.append((state["low_res"].numpy(), np.stack(parts), logits.numpy() > 0))
    return features, *map(np.stack, zip(*answers, strict=True))


def in_order(parts, positive, count):
    """Returns what was heard by kind of trajectory by trajectory."""
    drops = [
        max(signs[:count].sum(), (~signs[:count]).sum()) == 1 for signs in positive
    ]
    kinds = {}
    for row, kind in enumerate(drops):
        kinds.setdefault(kind, []).append(row)
    rows = [row for members in kinds.values() for row in members]
    return [parts[rows.index(row)] for row in range(len(rows))]


def write(out, network, size, answered, most=None):
    """Writes a file of what `answered` returns for each photograph of a size.

    Args:
        out: Path of the file.
        network: Module of PyTorch, whose keys and shapes are kept.
        size: Name of the size.
        answered: Returns embedding, `f32[c g g]`, logits, `f32[r t h w]`, further
            arrays by name, and masks, `bool[r t h w]`, for a shape.
        most: Number of photographs, if not all.
    """
    shapes = {key: value.shape for key, value in network.state_dict().items()}
    kept = {"keys": np.array([f"{key} {[*shape]}" for key, shape in shapes.items()])}
    photographs = sam_cases.SHAPES["small" if size == "small" else "published"]
    for number, shape in enumerate(photographs[:most]):
        start = time.perf_counter()
        embedding, low_res, more, masks = answered(shape)
        scores = more["scores"]
        print(
            f"{shape}: embedding {embedding.mean():.3f} +- {embedding.std():.3f}, "
            f"logits {low_res.mean():.3f} +- {low_res.std():.3f}, "
            f"chosen {np.bincount(more.get('best', scores.argmax(-1)).ravel())}, "
            f"margin {np.diff(np.sort(scores[..., -3:], -1))[..., -1].min():.4f}, "
            f"foreground {masks.mean():.2f}, {time.perf_counter() - start:.1f} s",
            flush=True,
        )
        kept[f"{number}/embedding"] = embedding.reshape(len(embedding), -1).T
        flat = low_res.reshape(*low_res.shape[:2], -1)
        kept[f"{number}/low_res"] = flat[..., :: sam_cases.STRIDE]
        kept[f"{number}/deviation"] = low_res.std()
        kept.update({f"{number}/{name}": array for name, array in more.items()})
        rounds = [count - 1 for count in sam_cases.KEPT]
        kept[f"{number}/masks"] = np.packbits(masks[rounds], axis=-1)
    np.savez_compressed(out, **kept)
