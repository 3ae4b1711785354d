"""What cases of SAM 2 and its successors share: small networks, bugs, the driver."""

import copy

import kit
import rclicks
import torch
from torch.nn import functional

from rclicks_jax.bridge.adapters import checkouts

SIDE = 128
DIM = 32
LONGEST = 240


def overrides(trunk, dim=DIM):
    """Returns what makes a configuration of the package small.

    Args:
        trunk: Settings of the encoder's trunk; widths double from stage to stage.
        dim: Channels of the embedding and of the decoder.
    """
    widths = [trunk["embed_dim"] * 2**stage for stage in (3, 2, 1, 0)]
    encoder, memory = "model.image_encoder", "model.memory_attention"
    settings = {
        "model.image_size": SIDE,
        f"{encoder}.neck.d_model": dim,
        f"{encoder}.neck.backbone_channel_list": widths,
        f"{encoder}.neck.position_encoding.num_pos_feats": dim,
        f"{memory}.d_model": dim,
        f"{memory}.num_layers": 1,
        f"{memory}.layer.d_model": dim,
        f"{memory}.layer.dim_feedforward": dim,
        f"{memory}.layer.self_attention.embedding_dim": dim,
        f"{memory}.layer.cross_attention.embedding_dim": dim,
        f"{memory}.layer.cross_attention.kv_in_dim": 8,
        "model.memory_encoder.out_dim": 8,
        "model.memory_encoder.position_encoding.num_pos_feats": 8,
        **{f"++{encoder}.trunk.{name}": value for name, value in trunk.items()},
    }
    return [f"{name}={value}".replace(" ", "") for name, value in settings.items()]


def build(config, trunk):
    """Returns a small network, built as the package builds its own."""
    checkouts.use(str(kit.checkout("sam2")), "sam2")
    builder = checkouts.find("sam2.build_sam:build_sam2")
    return builder(config, device="cpu", hydra_overrides_extra=overrides(trunk))


def build_transformers(trunk):
    """Returns the same network by `transformers`.

    Args:
        trunk: Settings of its encoder's trunk by their names there.
    """
    import transformers

    widths = trunk["embed_dim_per_stage"]
    return transformers.Sam2Model(
        transformers.Sam2Config(
            vision_config=transformers.Sam2VisionConfig(
                backbone_config=transformers.Sam2HieraDetConfig(
                    image_size=[SIDE, SIDE],
                    hidden_size=widths[0],
                    num_attention_heads=trunk["num_attention_heads_per_stage"][0],
                    **trunk,
                ),
                backbone_channel_list=widths[::-1],
                backbone_feature_sizes=[[SIDE // stride] * 2 for stride in (4, 8, 16)],
                fpn_hidden_size=DIM,
            ),
            prompt_encoder_config={"hidden_size": DIM, "image_size": SIDE},
            mask_decoder_config={"hidden_size": DIM},
        )
    ).eval()


def reference(made, image, trajectory):
    """Has RClicks's model class and predictor answer."""
    rclicks.use()
    module = checkouts.find("isegm.model.is_sam2_model")
    module.build_sam2 = lambda config, path: made
    net = module.ISModelSAM2(device="cpu", model_path="")
    # The package's predictor knows the sizes of the published networks alone.
    net.sam2_predictor._bb_feat_sizes = [
        (made.image_size // stride,) * 2 for stride in (4, 8, 16)
    ]
    predictor = rclicks.predictor(net, None, with_flip=False, model_name="sam2")
    return rclicks.answers(predictor, image, trajectory)


AS_PROBABILITIES = {
    "on_state": lambda state: {"low_res": torch.sigmoid(state["low_res"])}
}


def unclamped(model):
    """Makes the bug that mask prompts are given back as they came."""
    return {"model": lambda network: model(network)._replace(limit=float("inf"))}


def padded(model):
    """Makes the bug that photographs keep their aspect, as SAM's do."""

    def change(network):
        part_of(network, "image_encoder", "vision_encoder").register_forward_pre_hook(
            pad
        )

    return changed(model, change)


def no_fallback(model):
    """Makes the bug that unstable masks are kept."""

    def change(network):
        decoder = part_of(network, "sam_mask_decoder", "mask_decoder")
        decoder.dynamic_multimask_via_stability = False

    return changed(model, change)


def always_fallback(model):
    """Makes the bug that the best of three is taken even where one mask is stable."""

    def change(network):
        decoder = part_of(network, "sam_mask_decoder", "mask_decoder")
        decoder.dynamic_multimask_stability_thresh = 2.0

    return changed(model, change)


def no_memory(model):
    """Makes the bug that the embedding for the absence of memory is left out."""

    def change(network):
        part_of(network, "no_mem_embed", "no_memory_embedding").data.zero_()

    return changed(model, change)


def changed(model, change):
    """Makes a bug of a change to a copy of the network."""

    def made(network):
        other = copy.deepcopy(network)
        change(other)
        return model(other)

    return {"model": made}


def part_of(network, *names):
    """Returns the part that has one of some names, which differ between packages."""
    return next(getattr(network, name) for name in names if hasattr(network, name))


def pad(module, inputs):
    """Puts a squashed photograph, aspect kept, into the upper left of the square."""
    height, width = kit.photographs(LONGEST)[0].shape[:2]
    side = inputs[0].shape[-1]
    fitted = (side * height // max(height, width), side * width // max(height, width))
    small = functional.interpolate(inputs[0], fitted, mode="bilinear")
    return (functional.pad(small, (0, side - fitted[1], 0, side - fitted[0])),)
