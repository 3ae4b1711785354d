"""Of mmcv: a convolution with its activation."""

from torch import nn


class ConvModule(nn.Module):
    """A convolution with a bias and a ReLU; nothing that needs configuring."""

    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding)
        self.activate = nn.ReLU(inplace=True)

    def forward(self, inputs):
        return self.activate(self.conv(inputs))


MODULES = {"cnn": {"ConvModule": ConvModule}}
