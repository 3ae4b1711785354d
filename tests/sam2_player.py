"""Plays the clicks of a comparison with our SAM 2."""

import jax
import jax.numpy as jnp
import numpy as np
import sam_cases

from rclicks_jax.networks.prompted import prompts, resizing
from rclicks_jax.networks.sam2 import frames

SLOTS = 26
# Of a deviation of 1, and of the deviation of the logits.
EMBEDDING, LOGITS = 2e-5, 5e-5
# Of logits that files keep, as they are given to the next click.
LIMIT = 32


class Player:
    """Plays the clicks of photographs with a network."""

    def __init__(self, net, variables):
        """Keeps a network; its programs are compiled when they are first used.

        Squares have a program of their own, since photographs have many shapes.
        """
        self.sizes, self.variables = net.sizes, variables
        self.square = jax.jit(resizing.normalised)
        self.encode = jax.jit(lambda v, square: net.apply(v, square, method="encode"))
        self.decode = jax.jit(lambda v, *arrays: net.apply(v, *arrays, method="decode"))

    def encoded(self, shape):
        """Returns an encoded photograph."""
        frame = frames.frame_of(shape, self.sizes.side)
        image = resizing.fill_up(sam_cases.photograph(shape))
        square = self.square(image, frames.into_square(frame))
        return self.encode(self.variables, square[None])

    def play(self, shape, rounds, shift=0.0, clamp=None, drops=True):
        """Yields number and answer after each click.

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
            decoded = self.decode(
                self.variables,
                encoded,
                np.zeros(rows, np.int32),
                square.astype(np.float32),
                signs,
                np.full(rows, count, np.int32),
                low_res if clamp is None else low_res.clip(-clamp, clamp),
                ~alone if drops else np.full(rows, count > 1),
            )
            low_res = decoded.low_res
            yield count, decoded


def sampled(low_res):
    """Returns every so many logits of images, clamped, as files keep them."""
    pixels = np.asarray(prompts.to_pixels(low_res)).clip(-LIMIT, LIMIT)
    return pixels.reshape(len(pixels), -1)[:, :: sam_cases.STRIDE]


def fine_sampled(fine):
    """Returns every so many finer features as files keep them: middle, finest."""
    middle, finest = (np.asarray(level[0]) for level in fine)
    grid = int(middle.shape[-1] ** 0.5)
    middle = middle.reshape(2, 2, -1, grid, grid).transpose(2, 3, 0, 4, 1)
    finest = finest.reshape(2, 2, 2, 2, -1, grid, grid).transpose(4, 5, 0, 2, 6, 1, 3)
    return [level.ravel()[:: sam_cases.STRIDE] for level in (middle, finest)]


def apart(found, expected):
    """Returns the largest difference in deviations of what is expected."""
    return np.abs(np.asarray(found) - expected).max() / expected.std()


def errors_of(player, golden, number, shape, rounds=2, **mistakes):
    """Returns the largest errors of encodings and of logits, in tolerances."""
    encoded = player.encoded(shape)
    levels = [encoded.embedding[0], *fine_sampled(encoded.fine)]
    names = ("embedding", "middle", "finest")
    encodings = max(
        apart(level, golden[f"{number}/{name}"])
        for name, level in zip(names, levels, strict=True)
    )
    largest, deviation = 0, golden[f"{number}/deviation"]
    for count, decoded in player.play(shape, rounds, **mistakes):
        expected = golden[f"{number}/low_res"][count - 1]
        found = sampled(decoded.low_res)
        largest = max(largest, np.abs(found - expected).max() / deviation)
    return encodings / EMBEDDING, largest / LOGITS


def compare(player, golden, number, shape, rounds=sam_cases.ROUNDS):
    """Returns errors, choices that differ, pixels of masks that differ, and all."""
    found = errors_of(player, golden, number, shape, rounds)
    frame = frames.frame_of(shape, player.sizes.side)
    height, width = shape
    choices = different = pixels = 0
    for count, decoded in player.play(shape, rounds):
        choices += (decoded.best != golden[f"{number}/best"][count - 1]).sum()
        if count in sam_cases.KEPT:
            onto = frames.onto_photograph(frame)
            whole = resizing.to_photograph(decoded.low_res, onto)
            masks = np.asarray(whole)[:, :height, :width] > 0
            bits = golden[f"{number}/masks"][sam_cases.KEPT.index(count)]
            theirs = np.unpackbits(bits, axis=-1, count=width).astype(bool)
            different += (masks != theirs).sum()
            pixels += masks.size
    return *found, int(choices), int(different), pixels
