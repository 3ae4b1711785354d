"""Of mmcv: a convolution with its activation; the rest only has to be there.

Checkouts of SimpleClick's family import parts of mmsegmentation, which register their
classes with mmcv and read checkpoints by it. Nothing of that happens at inference.
"""

from torch import nn

from stand_ins import Absent, nothing


class ConvModule(nn.Module):
    """A convolution, perhaps with batch statistics, and a ReLU."""

    def __init__(
        self,
        in_channels,
        out_channels,
        kernel_size,
        stride=1,
        padding=0,
        norm_cfg=None,
        act_cfg=None,
    ):
        super().__init__()
        normed = (norm_cfg or {}).get("type") == "BN"
        if (norm_cfg and not normed) or act_cfg not in (None, {"type": "ReLU"}):
            raise NotImplementedError("a stand-in cannot do this")
        self.conv = nn.Conv2d(
            in_channels, out_channels, kernel_size, stride, padding, bias=not normed
        )
        self.bn = nn.BatchNorm2d(out_channels) if normed else nn.Identity()
        self.activate = nn.ReLU(inplace=True)

    def forward(self, inputs):
        return self.activate(self.bn(self.conv(inputs)))


class BaseModule(nn.Module):
    """A module that is told how its weights begin, which it does not need here."""

    def __init__(self, init_cfg=None):
        super().__init__()


class Registry:
    """Leaves the classes that are registered as they are."""

    def __init__(self, name, parent=None):
        self.name = name

    register_module = staticmethod(nothing)


MODULES = {
    "cnn": {
        "ConvModule": ConvModule,
        "DepthwiseSeparableConvModule": Absent,
        "MODELS": Registry("model"),
        "build_conv_layer": Absent,
        "build_norm_layer": Absent,
    },
    "cnn.bricks": {},
    "cnn.bricks.registry": {"ATTENTION": Registry("attention")},
    "fileio": {"FileClient": Absent, "load": Absent},
    "parallel": {"is_module_wrapper": Absent},
    "runner": {
        "BaseModule": BaseModule,
        "auto_fp16": nothing,
        "force_fp32": nothing,
        "get_dist_info": Absent,
    },
    "runner.base_module": {"BaseModule": BaseModule},
    "utils": {
        "Registry": Registry,
        "build_from_cfg": Absent,
        "get_logger": Absent,
        "mkdir_or_exist": Absent,
    },
}
