"""Writes what the authors' SAM 2 answers with seeded weights, for tests of ours.

    PYTHON_WITH_TORCH tests/golden/write_sam2.py CHECKOUT OUT.npz [SIZE [MOST [exact]]]

CHECKOUT is one of https://github.com/facebookresearch/sam2. SIZE is small, t, s, b+ or
l, and MOST a number of photographs, if not all. Photographs and prompts go through the
bridge's adapter, which is compared with RClicks's own code. With `exact` the authors'
code computes in float64.
"""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1]), str(HERE.parent / "adapters")]

import doubles
import numpy as np
import played
import sam2_cases
import sam2_parts
import sam_cases
import stand_ins
import torch

from rclicks_jax.bridge.adapters import sam2 as adapter

# Column after those of scores: how stable the single mask is.
STABILITY = 4


def network_of(package, size):
    """Returns a network with seeded weights, built as the package builds its own."""
    name, overrides = size, []
    if size == "small":
        name = "t"
        overrides = sam2_parts.overrides(sam2_cases.TRUNK, sam2_cases.CHANNELS)
    config = f"configs/sam2.1/sam2.1_hiera_{name}.yaml"
    made = package.build_sam2(config, device="cpu", hydra_overrides_extra=overrides)
    shapes = {key: value.shape for key, value in made.state_dict().items()}
    state = sam2_cases.state_of(shapes, size == "small")
    made.load_state_dict({key: torch.from_numpy(each) for key, each in state.items()})
    return made.eval().requires_grad_(False)


def listen(network):
    """Returns a list to which each pass adds scores and the single mask's stability."""
    decoder, heard = network.sam_mask_decoder, []
    predict = decoder.predict_masks

    def predict_and_tell(**arguments):
        answer = predict(**arguments)
        masks, scores = answer[:2]
        stability = decoder._get_stability_scores(masks[:, :1])
        heard.append(torch.cat([scores, stability], 1).numpy())
        return answer

    decoder.predict_masks = predict_and_tell
    return heard


def main(checkout, out, size="small", most="4", exact=None):
    """Writes a file."""
    stand_ins.install()
    sys.path.insert(0, checkout)
    from sam2 import build_sam

    if exact:
        doubles.theirs()
    network = network_of(build_sam, size)
    heard, model = listen(network), adapter.Model(network)

    def answered(shape):
        features, low_res, scored, masks = played.play(adapter, model, heard, shape)
        scores, stability = scored[..., :STABILITY], scored[..., STABILITY]
        threshold = network.sam_mask_decoder.dynamic_multimask_stability_thresh
        best = np.where(stability >= threshold, 0, 1 + scores[..., 1:].argmax(-1))
        print(f"stability {np.quantile(stability, [0, 0.25, 0.5, 0.75, 1])}")
        finest, middle = (
            level.numpy().ravel()[:: sam_cases.STRIDE] for level in features.fine
        )
        more = {"scores": scores, "best": best, "finest": finest, "middle": middle}
        return features.embeddings[0].numpy(), low_res, more, masks

    played.write(out, network, size, answered, int(most))


if __name__ == "__main__":
    torch.set_num_threads(1 if sys.argv[3:] in ([], ["small"]) else 2)
    main(*sys.argv[1:])
