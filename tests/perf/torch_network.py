"""The clickability network in PyTorch, to measure ours against.

Written from our Flax modules and nothing else. Names of modules are such that a state
dict made by `convert.to_torch` loads strictly. Runs in an environment of its own
(torch and NumPy); torch is never installed beside JAX.
"""

import torch
from torch import nn
from torch.nn import functional

STRIP_SIZES = (7, 11, 21)


def depthwise(channels, rows, columns):
    padding = (rows // 2, columns // 2)
    return nn.Conv2d(
        channels, channels, (rows, columns), padding=padding, groups=channels
    )


def strided(inputs, outputs):
    return nn.Conv2d(inputs, outputs, 3, stride=2, padding=1)


def scaled(vector, features):
    return vector[:, None, None] * features


class SpatialGatingUnit(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv0 = depthwise(channels, 5, 5)
        for index, size in enumerate(STRIP_SIZES):
            self.add_module(f"conv{index}_1", depthwise(channels, 1, size))
            self.add_module(f"conv{index}_2", depthwise(channels, size, 1))
        self.conv3 = nn.Conv2d(channels, channels, 1)

    def forward(self, features):
        local = self.conv0(features)
        gate = local
        for first, second in (
            (self.conv0_1, self.conv0_2),
            (self.conv1_1, self.conv1_2),
            (self.conv2_1, self.conv2_2),
        ):
            gate = gate + second(first(local))
        return self.conv3(gate) * features


class Attention(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.proj_1 = nn.Conv2d(channels, channels, 1)
        self.spatial_gating_unit = SpatialGatingUnit(channels)
        self.proj_2 = nn.Conv2d(channels, channels, 1)

    def forward(self, features):
        hidden = self.spatial_gating_unit(functional.gelu(self.proj_1(features)))
        return features + self.proj_2(hidden)


class FeedForward(nn.Module):
    def __init__(self, channels, ratio):
        super().__init__()
        self.fc1 = nn.Conv2d(channels, channels * ratio, 1)
        self.dwconv = depthwise(channels * ratio, 3, 3)
        self.fc2 = nn.Conv2d(channels * ratio, channels, 1)

    def forward(self, features):
        return self.fc2(functional.gelu(self.dwconv(self.fc1(features))))


class Block(nn.Module):
    def __init__(self, channels, ratio, drop_path):
        super().__init__()
        self.norm1 = nn.BatchNorm2d(channels)
        self.attn = Attention(channels)
        self.norm2 = nn.BatchNorm2d(channels)
        self.mlp = FeedForward(channels, ratio)
        self.layer_scale_1 = nn.Parameter(torch.full((channels,), 0.01))
        self.layer_scale_2 = nn.Parameter(torch.full((channels,), 0.01))
        self.drop_path = drop_path

    def forward(self, features):
        attended = self.attn(self.norm1(features))
        features = features + self.dropped(scaled(self.layer_scale_1, attended))
        mixed = self.mlp(self.norm2(features))
        return features + self.dropped(scaled(self.layer_scale_2, mixed))

    def dropped(self, update):
        if not self.training or self.drop_path == 0:
            return update
        keep = 1 - self.drop_path
        kept = torch.empty(len(update), 1, 1, 1, device=update.device).bernoulli_(keep)
        return update * (kept / keep).to(update.dtype)


class PatchEmbed(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.proj = strided(inputs, outputs)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, features):
        return self.norm(self.proj(features))


class Stem(nn.Module):
    def __init__(self, channels):
        super().__init__()
        half = channels // 2
        self.proj = nn.Sequential(
            strided(3, half),
            nn.BatchNorm2d(half),
            nn.GELU(),
            strided(half, channels),
            nn.BatchNorm2d(channels),
        )

    def forward(self, image):
        return self.proj(image)


class Backbone(nn.Module):
    def __init__(self, config):
        super().__init__()
        dims, depths = config["embed_dims"], config["depths"]
        rates = torch.linspace(0, config["drop_path"], sum(depths)).tolist()
        self.patch_embed1 = Stem(dims[0])
        for stage, channels in enumerate(dims, start=1):
            if stage > 1:
                embed = PatchEmbed(dims[stage - 2], channels)
                self.add_module(f"patch_embed{stage}", embed)
            ratio = config["mlp_ratios"][stage - 1]
            stage_rates = [rates.pop(0) for _ in range(depths[stage - 1])]
            blocks = [Block(channels, ratio, rate) for rate in stage_rates]
            self.add_module(f"block{stage}", nn.ModuleList(blocks))
            self.add_module(f"norm{stage}", nn.LayerNorm(channels))

    def forward(self, image, prompt):
        features = self.patch_embed1(image) + prompt
        stages = []
        for stage in range(1, 5):
            if stage > 1:
                features = getattr(self, f"patch_embed{stage}")(features)
            for block in getattr(self, f"block{stage}"):
                features = block(features)
            norm = getattr(self, f"norm{stage}")
            features = norm(features.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
            stages.append(features)
        return stages


class ConvNorm(nn.Module):
    def __init__(self, inputs, outputs, groups):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.gn = nn.GroupNorm(groups, outputs)

    def forward(self, features):
        return self.gn(self.conv(features))


class Bases(nn.Module):
    """Keeps the start of the bases and factorises with it."""

    def __init__(self, channels, rank):
        super().__init__()
        self.register_buffer("bases", torch.zeros(1, channels, rank))

    def forward(self, pixels, steps):
        bases = self.bases.expand(len(pixels), -1, -1)
        coefficients = torch.softmax(pixels @ bases, dim=-1)
        for _ in range(steps):
            coefficients = self.updated(coefficients, pixels, bases)
            bases = self.updated(bases, pixels.mT, coefficients)
        coefficients = self.updated(coefficients, pixels, bases)
        return coefficients @ bases.mT

    @staticmethod
    def updated(factor, matrix, other):
        return factor * (matrix @ other) / (factor @ (other.mT @ other) + 1e-6)


class Hamburger(nn.Module):
    def __init__(self, config):
        super().__init__()
        channels = config["ham_channels"]
        self.ham_in = nn.ModuleDict({"conv": nn.Conv2d(channels, channels, 1)})
        self.ham = Bases(channels, config["ham_bases"])
        self.ham_out = ConvNorm(channels, channels, config["norm_groups"])
        self.steps = {True: config["ham_train_steps"], False: config["ham_eval_steps"]}

    def forward(self, features):
        hidden = functional.relu(self.ham_in["conv"](features))
        batch, channels, height, width = hidden.shape
        pixels = hidden.permute(0, 2, 3, 1).reshape(batch, height * width, channels)
        low_rank = self.ham(pixels, self.steps[self.training])
        low_rank = low_rank.reshape(batch, height, width, channels)
        return functional.relu(features + self.ham_out(low_rank.permute(0, 3, 1, 2)))


class Head(nn.Module):
    def __init__(self, config):
        super().__init__()
        channels, groups = config["ham_channels"], config["norm_groups"]
        self.squeeze = ConvNorm(sum(config["embed_dims"]), channels, groups)
        self.hamburger = Hamburger(config)
        self.align = ConvNorm(channels, channels, groups)
        self.dropout = nn.Dropout2d(config["dropout"])
        self.conv_seg = nn.Conv2d(channels, 1, 1)

    def forward(self, stages):
        shape = stages[0].shape[2:]
        resized = [
            functional.interpolate(each, shape, mode="bilinear") for each in stages
        ]
        hidden = functional.relu(self.squeeze(torch.cat(resized, dim=1)))
        hidden = functional.relu(self.align(self.hamburger(hidden)))
        return self.conv_seg(self.dropout(hidden))


class Scale(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.full((1,), 0.05))

    def forward(self, features):
        return self.scale.abs() * features


class EncoderDecoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.backbone = Backbone(config)
        self.decode_head = nn.ModuleList([Head(config)])

    def forward(self, image, prompt):
        return self.decode_head[0](self.backbone(image, prompt))


class ClickabilityNetwork(nn.Module):
    """`config` has the fields of `rclicks_jax.settings.networks.NetworkConfig`."""

    def __init__(self, config):
        super().__init__()
        self.maps_transform = nn.Sequential(
            nn.Conv2d(2, 16, 1),
            nn.ReLU(),
            strided(16, 16),
            nn.ReLU(),
            strided(16, config["embed_dims"][0]),
            Scale(),
        )
        self.encoder_decoder = EncoderDecoder(config)

    def forward(self, image, masks):
        logits = self.encoder_decoder(image, self.maps_transform(masks))
        shape = image.shape[2:]
        logits = functional.interpolate(
            logits, shape, mode="bilinear", align_corners=True
        )
        return scale_to_unit(logits[:, 0].float())


def scale_to_unit(maps):
    low, high = maps.amin((1, 2), keepdim=True), maps.amax((1, 2), keepdim=True)
    return (maps - low) / (high - low + 1e-9)


def mean_kld(pred_maps, gt_maps):
    pred = pred_maps / (pred_maps.sum((1, 2), keepdim=True) + 1e-9)
    truth = gt_maps / (gt_maps.sum((1, 2), keepdim=True) + 1e-9)
    each = truth * torch.log(1e-9 + truth / (1e-9 + pred))
    return each.sum((1, 2)).mean()
