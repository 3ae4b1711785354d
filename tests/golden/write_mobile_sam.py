"""Writes what the authors' MobileSAM answers with seeded weights, for tests of ours.

    PYTHON_WITH_TORCH tests/golden/write_mobile_sam.py CHECKOUT OUT.npz \
        [SIZE [MOST [exact]]]

CHECKOUT is one of https://github.com/ChaoningZhang/MobileSAM. SIZE is small or vit_t,
and MOST a number of photographs, if not all. Photographs and prompts go through the
bridge's adapter, which is compared with RClicks's own code. With `exact` the authors'
code computes in float64.
"""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1]), str(HERE.parent / "adapters")]

import doubles
import mobile_sam_cases
import played
import stand_ins
import torch
import write_sam

from rclicks_jax.bridge.adapters import mobile_sam as adapter


def small_encoder(package):
    """Returns an encoder of the package's class for small squares.

    The grid of 64x64 and the 256 channels of the embedding, and which stages have half
    the size, are written into the class.
    """
    from mobile_sam.modeling import tiny_vit_sam

    class Encoder(package.modeling.TinyViT):
        def forward(self, square):
            features = self.patch_embed(square)
            for layer in self.layers:
                features = layer(features)
            grid = mobile_sam_cases.SIDE // 16
            return self.neck(features.mT.reshape(len(features), -1, grid, grid))

    made = Encoder(**mobile_sam_cases.ENCODER)
    made.layers[2].downsample.conv2.c.stride = (1, 1)
    channels = mobile_sam_cases.CHANNELS
    made.neck = torch.nn.Sequential(
        torch.nn.Conv2d(made.neck[0].in_channels, channels, 1, bias=False),
        tiny_vit_sam.LayerNorm2d(channels),
        torch.nn.Conv2d(channels, channels, 3, padding=1, bias=False),
        tiny_vit_sam.LayerNorm2d(channels),
    )
    return made


def network_of(package, size):
    """Returns a network with seeded weights."""
    if size == "small":
        made = write_sam.small(package)
        made.image_encoder = small_encoder(package)
    else:
        made = package.sam_model_registry[size](None)
    shapes = {key: value.shape for key, value in made.state_dict().items()}
    state = mobile_sam_cases.state_of(shapes, size == "small")
    made.load_state_dict({key: torch.from_numpy(each) for key, each in state.items()})
    # Attention keeps what `eval` makes of the weights that are there by then.
    return made.eval().requires_grad_(False)


def main(checkout, out, size="small", most="4", exact=None):
    """Writes a file."""
    stand_ins.install()
    sys.path.insert(0, checkout)
    import mobile_sam

    if exact:
        doubles.theirs()
    network = network_of(mobile_sam, size)
    heard, model = write_sam.listen(network), adapter.sam.Model(network)

    def answered(shape):
        features, low_res, scores, masks = played.play(adapter, model, heard, shape)
        return features.embeddings[0].numpy(), low_res, {"scores": scores}, masks

    played.write(out, network, size, answered, int(most))


if __name__ == "__main__":
    torch.set_num_threads(1 if sys.argv[3:] in ([], ["small"]) else 2)
    main(*sys.argv[1:])
