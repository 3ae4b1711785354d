"""SAM-HQ by its own `segment_anything` against RClicks's driver of it."""

import copy
import functools
from unittest import mock

import kit
import networks
import rclicks
import torch

from rclicks_jax.bridge.adapters import checkouts
from rclicks_jax.bridge.adapters import sam_hq as adapter

REPOSITORY = "SysCV/sam-hq"
CHECKOUT = "sam-hq"
SEED = 3
FACTORS = {"output_hypernetworks_mlps": 0.9, "hf_mlp": 0.9, "point_embeddings": 2.0}
RECIPE = f"seed {SEED}, {FACTORS}; side 128, encoder 32 wide and 3 deep, decoder 32"
LONGEST = 240


def with_layers_turned(made):
    """Returns a model whose decoder looks at the last layer instead of the first."""
    turned = copy.deepcopy(made)
    turned.image_encoder.register_forward_hook(
        lambda module, inputs, output: (output[0], output[1][::-1])
    )
    return adapter.sam.Model(turned)


def with_high_quality_alone(made):
    """Returns a model that does not add the mask that scores best."""
    alone = copy.deepcopy(made)
    alone.mask_decoder.register_forward_pre_hook(
        lambda module, inputs, named: (inputs, {**named, "hq_token_only": True}),
        with_kwargs=True,
    )
    return adapter.sam.Model(alone)


BUGS = {
    "mask prompt as probabilities": {
        "on_state": lambda state: {"low_res": torch.sigmoid(state["low_res"])}
    },
    "last layer instead of the first": {"model": with_layers_turned},
    "high quality alone": {"model": with_high_quality_alone},
}
OMITTED = {}


def network(original):
    """Returns a small SAM-HQ."""
    del original
    checkouts.use(str(kit.checkout(CHECKOUT)), "segment_anything")
    encoder = functools.partial(networks.sam_encoder, depth=3, looks_everywhere=[1, 2])
    made = networks.sam("segment_anything", encoder, kind="MaskDecoderHQ", vit_dim=32)
    return networks.seeded(made, SEED, factors=FACTORS)


def model(made):
    """Returns what the adapter's `load` would."""
    return adapter.sam.Model(made)


def reference(made, image, trajectory):
    """Has RClicks's model class and predictor answer."""
    rclicks.use()
    registry = checkouts.find("segment_anything:sam_model_registry")
    registry["vit_b"] = lambda checkpoint: made
    # The driver's base class first makes a network of its own and puts it on a GPU.
    registry["vit_l"] = lambda checkpoint: mock.MagicMock(
        image_encoder=made.image_encoder
    )
    module = checkouts.find("isegm.model.is_samhq_model")
    net = module.ISModelSAMHQ(device="cpu", model_path="vit_b")
    predictor = rclicks.predictor(net, None, with_flip=False, model_name="sam")
    return rclicks.answers(predictor, image, trajectory)
