"""Plays the clicks of a comparison with our SAM, or one with another encoder."""

import copy
import time

import jax
import jax.numpy as jnp
import numpy as np
import sam_cases

from rclicks_jax.networks.prompted import prompts, resizing
from rclicks_jax.networks.sam import frames

SLOTS = 26
# Of a deviation of 1, and of the deviation of the logits.
EMBEDDING, LOGITS = 2e-5, 5e-5


class Player:
    """Plays the clicks of a photograph with a network."""

    def __init__(self, net, variables):
        """Keeps a network; its programs are compiled when they are first used.

        Squares have a program of their own, since photographs have many shapes.
        """
        self.sizes, self.variables = net.sizes, variables

        self.square = jax.jit(frames.to_square)
        self.encode = jax.jit(lambda v, square: net.apply(v, square, method="encode"))
        self.decode = jax.jit(lambda v, *arrays: net.apply(v, *arrays, method="decode"))

    def but(self, **changes):
        """Returns one with other programs or variables, which compiles no more."""
        other = copy.copy(self)
        vars(other).update(changes)
        return other

    def encoded(self, shape):
        """Returns what the network makes of a photograph."""
        frame = frames.frame_of(shape, self.sizes.side)
        image = resizing.fill_up(sam_cases.photograph(shape))
        square = self.square(image, frames.into_square(frame))
        return self.encode(self.variables, square[None])

    def embedding(self, shape):
        """Returns the embedding of a photograph, `f32[g*g c]`."""
        encoded = self.encoded(shape)
        return np.asarray(getattr(encoded, "embedding", encoded)[0])

    def play(self, shape, rounds, shift=0.0, clamp=None, drops=True):
        """Yields number, logits by place and choices after each click.

        Args:
            shape: Height and width of the photograph.
            rounds: Clicks.
            shift: Added to places in the square: a mistake.
            clamp: Limit of logits before they are prompts; None for none.
            drops: Whether mask prompts are dropped where the original drops them.
        """
        frame = frames.frame_of(shape, self.sizes.side)
        encoded = self.encoded(shape)
        yx, positive = sam_cases.clicks_on(shape)
        rows, given = positive.shape
        square, signs = np.zeros((rows, SLOTS, 2)), np.zeros((rows, SLOTS), bool)
        square[:, :given], signs[:, :given] = frame.to_square(yx) + shift, positive
        low_res = jnp.zeros((rows, 16, self.sizes.grid**2))
        for count in range(1, rounds + 1):
            so_far = positive[:, :count]
            alone = np.maximum(so_far.sum(1), (~so_far).sum(1)) == 1
            has_mask = ~alone if drops else np.full(rows, count > 1)
            decoded = self.decode(
                self.variables,
                encoded,
                np.zeros(rows, np.int32),
                square.astype(np.float32),
                signs,
                np.full(rows, count, np.int32),
                low_res if clamp is None else low_res.clip(-clamp, clamp),
                has_mask,
            )
            low_res = decoded.low_res
            yield count, low_res, decoded.best


def errors_of(player, golden, number, shape, rounds=2, **mistakes):
    """Returns the largest errors of the embedding and of logits, in tolerances."""
    played = player.play(shape, rounds, **mistakes)
    logits = [
        error_of_logits(golden, number, count, low_res) for count, low_res, _ in played
    ]
    return error_of_embedding(player, golden, number, shape), max(logits, default=0)


def error_of_embedding(player, golden, number, shape):
    """Returns the largest error of the embedding, in tolerances."""
    embedding = golden[f"{number}/embedding"]
    apart = np.abs(player.embedding(shape) - embedding).max()
    return apart / embedding.std() / EMBEDDING


def error_of_logits(golden, number, count, low_res):
    """Returns the largest error of logits after a click, in tolerances."""
    expected = golden[f"{number}/low_res"][count - 1]
    deviation = golden[f"{number}/deviation"]
    return np.abs(sampled(low_res) - expected).max() / deviation / LOGITS


def sampled(low_res):
    """Returns every so many logits of images, as files keep them."""
    pixels = np.asarray(prompts.to_pixels(low_res))
    return pixels.reshape(len(pixels), -1)[:, :: sam_cases.STRIDE]


def compare(player, golden, number, shape):
    """Returns errors, choices that differ, pixels of masks that differ, and all."""
    frame = frames.frame_of(shape, player.sizes.side)
    height, width = shape
    logits = choices = different = pixels = 0
    for count, low_res, best in player.play(shape, sam_cases.ROUNDS):
        logits = max(logits, error_of_logits(golden, number, count, low_res))
        scores = golden[f"{number}/scores"][count - 1]
        choices += int((best != 1 + scores.argmax(1)).sum())
        if count in sam_cases.KEPT:
            whole = resizing.to_photograph(low_res, frames.onto_photograph(frame))
            masks = np.asarray(whole)[:, :height, :width] > 0
            bits = golden[f"{number}/masks"][sam_cases.KEPT.index(count)]
            theirs = np.unpackbits(bits, axis=-1, count=width).astype(bool)
            different += int((masks != theirs).sum())
            pixels += masks.size
    embedding = error_of_embedding(player, golden, number, shape)
    return embedding, logits, choices, different, pixels


def print_rows(player, golden):
    """Prints a row for each photograph of a file: differences, and time of the cores.

    Differences of the embedding and of logits are in deviations.
    """
    name = player.sizes.variant
    shapes = sam_cases.SHAPES["small" if name == "custom" else "published"]
    for number, shape in enumerate(shapes):
        if f"{number}/scores" not in golden:
            break
        start = time.process_time()
        found = compare(player, golden, number, shape)
        embedding, logits, choices, different, pixels = found
        print(
            f"| `{name}` | {shape[0]}x{shape[1]} | {embedding * EMBEDDING:.1e} | "
            f"{logits * LOGITS:.1e} | {different} of {pixels:,} | {choices} of "
            f"{golden[f'{number}/scores'][..., 0].size} | "
            f"{time.process_time() - start:.0f} s",
            flush=True,
        )
