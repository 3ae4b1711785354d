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


class ToPILImage:
    """Makes a grey image of `f32[h w]` in [0, 1]; levels are rounded down."""

    def __call__(self, tensor):
        return to_pil_image(tensor.mul(255).byte().numpy())


class Resize(nn.Module):
    """Resizes tensors bilinearly, antialiased as torchvision does by default."""

    def __init__(self, size, *arguments, **options):
        super().__init__()
        self.size = list(size)

    def forward(self, tensor):
        return _resize(tensor, self.size)


# SAM 2 compiles these: what a compiled function takes must have a type.
def normalize(
    tensor: torch.Tensor, mean: list[float], std: list[float], inplace: bool = False
):
    """Takes the mean of each channel off and divides by the deviation."""
    mean = torch.tensor(mean, dtype=tensor.dtype, device=tensor.device)
    std = torch.tensor(std, dtype=tensor.dtype, device=tensor.device)
    return (tensor - mean[:, None, None]) / std[:, None, None]


def resize(tensor, size, *arguments, **options):
    """Resizes `[... c h w]` to `size`."""
    return _resize(tensor, list(size))


def _resize(tensor: torch.Tensor, size: list[int]):
    batched = tensor if tensor.ndim == 4 else tensor[None]
    done = nn.functional.interpolate(
        batched, size, mode="bilinear", align_corners=False, antialias=True
    )
    return done if tensor.ndim == 4 else done[0]


def roi_align(
    input, boxes, output_size, spatial_scale=1.0, sampling_ratio=-1, aligned=False
):
    """Averages what bilinear sampling finds in each cell of boxes.

    Args:
        input: `f32[n c h w]`.
        boxes: Numbers of maps, left, top, right and bottom, `f32[k 5]`.
        output_size: Cells down and across.
        spatial_scale: Of the boxes.
        sampling_ratio: Samples of a cell in each direction; if not above 0, as many as
            its side has pixels.
        aligned: Whether pixels have their centre at one half, and a box may be small.

    Returns:
        `f32[k c p q]`.
    """
    cells = []
    for number, *ends in boxes:
        left, top, right, bottom = (
            end * spatial_scale - (0.5 if aligned else 0) for end in ends
        )
        of = input[int(number)]
        down, across = output_size
        rows = _shares(top, bottom, of.shape[1], down, sampling_ratio, aligned)
        columns = _shares(left, right, of.shape[2], across, sampling_ratio, aligned)
        cells.append(torch.einsum("ph,chw,qw->cpq", rows, of, columns))
    return torch.stack(cells)


def _shares(start, end, size, cells, samples, aligned):
    """Returns how much of each of `size` pixels is in each cell, `f32[cells size]`."""
    length = end - start if aligned else torch.clamp(end - start, min=1)
    cell = length / cells
    count = samples if samples > 0 else int(torch.ceil(cell))
    shares = torch.zeros(cells, size)
    if count < 1:
        return shares
    steps = (torch.arange(count) + 0.5) / count
    places = start + (torch.arange(cells)[:, None] + steps) * cell
    inside = ((places >= -1) & (places <= size)) / count
    places = places.clamp(0, size - 1)
    below = places.floor().long()
    above = (below + 1).clamp(max=size - 1)
    shares.scatter_add_(1, below, inside * (1 - (places - below)))
    shares.scatter_add_(1, above, inside * (places - below))
    return shares


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
        "ToPILImage": ToPILImage,
        "ColorJitter": Absent,
        "RandomGrayscale": Absent,
    },
    "transforms.functional": _FUNCTIONS,
    "ops": {"roi_align": roi_align},
    "ops.roi_align": {},
    "ops.boxes": {"batched_nms": Absent, "box_area": Absent},
    "models": {},
    "utils": {},
    "datasets": {},
}
