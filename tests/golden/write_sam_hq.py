"""Writes what the authors' SAM-HQ answers with seeded weights, for tests of ours.

    PYTHON_WITH_TORCH tests/golden/write_sam_hq.py CHECKOUT OUT.npz \
        [SIZE [MOST [exact]]]

CHECKOUT is one of https://github.com/SysCV/sam-hq. SIZE is small, vit_b, vit_l or
vit_h, and MOST a number of photographs, if not all. Photographs and prompts go through
the bridge's adapter, which is compared with RClicks's own code. With `exact` the
authors' code computes in float64.
"""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1]), str(HERE.parent / "adapters")]

import doubles
import played
import sam_hq_cases
import stand_ins
import torch
import write_sam

from rclicks_jax.bridge.adapters import sam_hq as adapter


def small(package):
    """Returns a SAM-HQ for squares of 128 pixels, of the package's classes."""
    # Of two blocks that attend to the whole square the first must be used.
    made = write_sam.small(package, global_blocks=[1, 2])
    decoder = made.mask_decoder
    made.mask_decoder = package.modeling.MaskDecoderHQ(
        num_multimask_outputs=decoder.num_multimask_outputs,
        transformer=decoder.transformer,
        transformer_dim=decoder.transformer_dim,
        iou_head_depth=3,
        iou_head_hidden_dim=48,
        vit_dim=64,
    )
    return made


def network_of(package, size):
    """Returns a network with seeded weights."""
    made = small(package) if size == "small" else package.sam_model_registry[size](None)
    shapes = {key: value.shape for key, value in made.state_dict().items()}
    state = sam_hq_cases.state_of(shapes, size == "small")
    made.load_state_dict({key: torch.from_numpy(each) for key, each in state.items()})
    return made.eval().requires_grad_(False)


def listen(network):
    """Returns a list to which each pass of the decoder adds the masks' scores."""
    decoder, heard = network.mask_decoder, []
    predict = decoder.predict_masks

    def predict_and_tell(**arguments):
        masks, scores = predict(**arguments)
        heard.append(scores[:, 1:].numpy())
        return masks, scores

    decoder.predict_masks = predict_and_tell
    return heard


def main(checkout, out, size="small", most="4", exact=None):
    """Writes a file."""
    stand_ins.install()
    sys.path.insert(0, checkout)
    import segment_anything

    if exact:
        doubles.theirs()
    network = network_of(segment_anything, size)
    heard, model = listen(network), adapter.sam.Model(network)

    def answered(shape):
        features, low_res, scores, masks = played.play(adapter, model, heard, shape)
        return features.embeddings[0].numpy(), low_res, {"scores": scores}, masks

    played.write(out, network, size, answered, int(most))


if __name__ == "__main__":
    torch.set_num_threads(1 if sys.argv[3:] in ([], ["small"]) else 2)
    main(*sys.argv[1:])
