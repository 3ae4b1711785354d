"""Writes what the authors' RITM answers with seeded weights, for our tests.

    PYTHON_WITH_TORCH write_ritm.py CHECKOUT OUT [SIZE [COUNT [ROUNDS [exact]]]]

CHECKOUT is one of https://github.com/SamsungLabs/ritm_interactive_segmentation. COUNT
is the number of photographs, ROUNDS that of clicks. Crops and clicks go through the
bridge's adapter, which is compared with RClicks's own code. SIZE is small,
h18_baseline, h18s_itermask, h18_itermask or h32_itermask. With `exact` the authors'
code computes in float64.
"""

import pathlib
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1]), str(HERE.parent / "adapters")]

import doubles
import numpy as np
import ritm_cases as cases
import stand_ins
import torch

from rclicks_jax.bridge.adapter import Clicks
from rclicks_jax.bridge.adapters import (
    checkouts,
    isegm_crops,
    isegm_frame,
    isegm_network,
    options,
    ritm,
)


def build(size):
    """Returns a network of the checkout's classes."""
    small = cases.SMALL
    narrow = {"width": small["width"], "ocr_width": small["keys"], "small": True}
    made = checkouts.find("isegm.model.is_hrnet_model:HRNetModel")(
        **cases.PUBLISHED.get(size, narrow),
        with_aux_output=True,
        use_leaky_relu=True,
        use_rgb_conv=False,
        use_disks=True,
        norm_radius=5,
        with_prev_mask=size != "h18_baseline",
    )
    if size == "small":
        _shorten(made.feature_extractor)
    return made


def _shorten(backbone):
    """Leaves out all but the first blocks and exchanges of a backbone."""
    blocks = cases.SMALL["blocks"]
    backbone.layer1 = backbone.layer1[:blocks]
    for name, count in zip(
        ("stage2", "stage3", "stage4"), cases.SMALL["exchanges"], strict=True
    ):
        stage = getattr(backbone, name)[:count]
        for exchange in stage:
            for number, branch in enumerate(exchange.branches):
                exchange.branches[number] = branch[:blocks]
        setattr(backbone, name, stage)


def network_of(size):
    """Returns a network with seeded weights, and the shapes of these."""
    made = build(size)
    shapes = {key: value.shape for key, value in made.state_dict().items()}
    drawn = cases.state_of(shapes, size)
    for key, value in made.state_dict().items():
        if key in drawn:
            value.copy_(torch.from_numpy(drawn[key]))
    return options.ready(made, torch.device("cpu")), shapes


def logits_of(outputs):
    """Returns the mean of an image's logits and those of its mirror image, `[h w]`."""
    straight, mirrored = outputs["instances"][:, 0].chunk(2)
    return (0.5 * (straight + mirrored.flip(2)))[0].numpy().copy()


def play(network, shape, target, rounds, whole_first):
    """Yields logits of passes, probabilities and crops, by round.

    Each trajectory is played alone, so that it is known whose logits are heard.

    Args:
        network: The network.
        shape: Height and width of the photograph.
        target: Longest side of crops.
        rounds: Clicks.
        whole_first: Whether the first click sees the whole photograph.
    """
    frame = isegm_frame.Frame(
        crops=isegm_crops.Rule(whole_first),
        target=target,
        sees_previous=network.with_prev_mask,
    )
    model = isegm_frame.Model(network, frame)
    features = ritm.encode(model, cases.photograph(shape))
    yx, positive = cases.clicks_on(shape)
    heard = []

    def hear(module, inputs, outputs):
        heard.append(logits_of(outputs))

    handle = network.register_forward_hook(hear)
    states = [None] * len(yx)
    for count in range(1, rounds + 1):
        heard.clear()
        answers = []
        for row in range(len(yx)):
            own = slice(row, row + 1)
            clicks = Clicks(yx[own], positive[own], np.full(1, count, np.int32))
            soft, states[row] = ritm.predict(model, features, clicks, states[row])
            answers.append((soft[0].numpy().copy(), states[row]["crop"][0].numpy()))
        soft, crops = map(np.stack, zip(*answers, strict=True))
        yield list(heard), soft, crops
    handle.remove()


def main(checkout, out, size="small", count=None, rounds=cases.ROUNDS, exact=None):
    """Writes a file."""
    stand_ins.install()
    isegm_network.use(checkout)
    if exact:
        doubles.theirs()
    network, shapes = network_of(size)
    kept = {"keys": np.array([f"{key} {[*shape]}" for key, shape in shapes.items()])}
    kind = "small" if size == "small" else "published"
    photographs = cases.SHAPES[kind][: int(count or len(cases.SHAPES[kind]))]
    for number, shape in enumerate(photographs):
        start = time.perf_counter()
        whole_first = number not in cases.AS_TETRIS[kind]
        target = cases.TARGETS[kind]
        played = list(play(network, shape, target, int(rounds), whole_first))
        logits = [each for heard, *_ in played for each in heard]
        every = np.concatenate([each.ravel() for each in logits])
        crops = np.stack([crops for *_, crops in played])
        masks = np.stack([soft for _, soft, _ in played]) > ritm.THRESHOLD
        kinds = [len(np.unique(rows, axis=0)) for rows in crops.swapaxes(0, 1)]
        print(
            f"{shape}: logits {every.mean():.3f} +- {every.std():.3f}, "
            f"foreground {masks.mean(axis=(2, 3)).mean(axis=0).round(3)}, "
            f"crops {kinds}, sizes {len({each.shape for each in logits})}, "
            f"{time.perf_counter() - start:.1f} s",
            flush=True,
        )
        taken = [each.ravel()[:: cases.STRIDE] for each in logits]
        kept[f"{number}/logits"] = np.concatenate(taken)
        kept[f"{number}/sizes"] = np.array([each.shape for each in logits], np.int32)
        kept[f"{number}/deviation"] = every.std()
        kept[f"{number}/crops"] = crops.astype(np.int32)
        rounds_kept = [each - 1 for each in cases.KEPT if each <= len(masks)]
        kept[f"{number}/masks"] = np.packbits(masks[rounds_kept], axis=-1)
    np.savez_compressed(out, **kept)


if __name__ == "__main__":
    torch.set_num_threads(1 if sys.argv[3:] in ([], ["small"]) else 2)
    main(*sys.argv[1:])
