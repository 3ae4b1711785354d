"""Of torchvision: transforms of tensors."""

import numpy as np
import torch
from torch import nn

from stand_ins import Absent

__version__ = "0.0"


class ToTensor:
    """Makes `f32[c h w]` in [0, 1] of `u8[h w c]`; floats are only turned."""

    def __call__(self, image):
        array = torch.from_numpy(np.array(image, copy=True))
        if array.ndim == 2:
            array = array[..., None]
        array = array.permute(2, 0, 1).contiguous()
        return array.float() / 255 if array.dtype == torch.uint8 else array


class Compose:
    """One transform after the other."""

    def __init__(self, transforms):
        self.transforms = transforms

    def __call__(self, image):
        for transform in self.transforms:
            image = transform(image)
        return image


class Normalize(nn.Module):
    """Takes the mean of each channel off and divides by the deviation."""

    def __init__(self, mean, std, inplace=False):
        super().__init__()
        self.mean, self.std = mean, std

    def forward(self, tensor):
        return normalize(tensor, self.mean, self.std)


class Resize(nn.Module):
    """Resizes tensors bilinearly, antialiased as torchvision does by default."""

    def __init__(self, size, *arguments, **options):
        super().__init__()
        self.size = list(size)

    def forward(self, tensor):
        return resize(tensor, self.size)


def normalize(tensor, mean, std, inplace=False):
    """Takes the mean of each channel off and divides by the deviation."""
    mean = torch.tensor(mean, dtype=tensor.dtype, device=tensor.device)
    std = torch.tensor(std, dtype=tensor.dtype, device=tensor.device)
    return (tensor - mean[:, None, None]) / std[:, None, None]


def resize(tensor, size, *arguments, **options):
    """Resizes `[... c h w]` to `size`."""
    batched = tensor if tensor.ndim == 4 else tensor[None]
    done = nn.functional.interpolate(
        batched, size, mode="bilinear", align_corners=False, antialias=True
    )
    return done if tensor.ndim == 4 else done[0]


def to_pil_image(array):
    """Makes an image of Pillow."""
    from PIL import Image

    return Image.fromarray(np.asarray(array))


_FUNCTIONS = {"resize": resize, "to_pil_image": to_pil_image, "normalize": normalize}
MODULES = {
    "transforms": {
        "ToTensor": ToTensor,
        "Compose": Compose,
        "Normalize": Normalize,
        "Resize": Resize,
        "ColorJitter": Absent,
        "RandomGrayscale": Absent,
    },
    "transforms.functional": _FUNCTIONS,
    "ops": {"roi_align": Absent},
    "ops.boxes": {"batched_nms": Absent, "box_area": Absent},
    "models": {},
    "utils": {},
    "datasets": {},
}
