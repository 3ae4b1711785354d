"""Plays clicks of `ritm_cases` with `jax_ritm`, and says what each pass answered."""

from typing import NamedTuple

import golden_keys
import jax
import numpy as np
import ritm_cases as cases

from rclicks_jax.segmenters.native import clicks as click_slots
from rclicks_jax.segmenters.native import ritm_method
from rclicks_jax.types import Clicks
from rclicks_jax.weights import state_dicts


class Pass(NamedTuple):
    """A pass of one trajectory.

    Attributes:
        logits: On what it saw, `f32[h w]`.
        crop: The crop that is kept, `i32[4]`.
        mask: On the photograph, `bool[H W]`.
    """

    logits: np.ndarray
    crop: np.ndarray
    mask: np.ndarray


def state_of(golden, size):
    """Returns the weights of a file's network."""
    shapes = golden_keys.shapes_in(golden)
    return cases.state_of(shapes, size)


def checkpoint_of(state, config=cases.CONFIG):
    """Returns weights as they are in a file, with their settings."""
    shapes = {key: array.shape for key, array in state.items()}
    beside = {"config": config} if config else {}
    return state_dicts.Checkpoint("", [], shapes, state.__getitem__, (), beside)


class Player:
    """Plays trajectories one by one, as a segmenter with a batch of 1 does."""

    def __init__(self, method, variables, shape):
        self.method, self.variables = method, variables
        self.placed = method.place(cases.photograph(shape))
        self._before = jax.jit(method.before, static_argnums=3)
        self._answer = jax.jit(method.answer)
        self._after = jax.jit(method.after)

    def play(self, yx, signs, rounds, change=lambda prompts: prompts, forgets=False):
        """Yields the pass of each click of a trajectory.

        Args:
            yx: Clicks, `i32[k 2]`.
            signs: Whether they are positive, `bool[k]`.
            rounds: How many are played.
            change: Changes the prompts of a pass.
            forgets: Whether the last answer is not seen.
        """
        method, (_, frame, _, kept) = self.method, self.placed
        like = method.state(frame)
        state, notes = np.zeros((1, *like.shape), like.dtype), None
        for count in range(1, rounds + 1):
            given = Clicks(yx[None], signs[None], np.full(1, count, np.int32))
            clicks = click_slots.filled_up(given)
            answered = np.full(1, count > 1)
            prompts = change(method.prompts(frame, clicks, answered, notes))
            (shape,) = method.shapes(prompts, 1)
            seen = state * 0 if forgets else state
            rows = self._before(kept, prompts, seen, shape)
            logits = self._answer(self.variables, (), np.zeros(1, np.int32), rows)
            state, values, notes = self._after(kept, prompts, logits, state)
            notes = jax.tree.map(np.asarray, notes)
            inside = tuple(map(slice, self.placed.size))
            mask = np.asarray(values[0] > method.threshold)[inside]
            crop = notes.crop[0]
            yield Pass(self.seen(prompts, np.asarray(logits[0])), crop, mask)

    def seen(self, prompts, logits):
        """Returns logits on what a pass saw, without what its frame was filled with."""
        height, width = prompts.size[0]
        return logits[:height, :width]


def player_of(golden, size, shape, platform="cpu", precision="float32", **frame):
    """Returns a player of a file's network on a photograph.

    Args:
        golden: The file.
        size: Size of the network.
        shape: Height and width of the photograph.
        platform: Whose frames are used: those of `cpu` are more.
        precision: Type of products.
        **frame: Fields of `ritm_method.Frame`.
    """
    kind = "small" if size == "small" else "published"
    frame = ritm_method.Frame(cases.TARGETS[kind], **frame)
    config = cases.CONFIG if size == "small" else cases.config_of(size)
    checkpoint = checkpoint_of(state_of(golden, size), config)
    method, variables = ritm_method.from_torch(checkpoint, precision, frame=frame)
    return Player(method.on(platform), variables, shape)
