"""Random augmentation of microscope fields: geometric (rotation, size) and photometric (stain, camera, lens)."""

import io
import math

import numpy as np
import torch
from PIL import Image
from torch import Generator, Tensor
from torch.nn import functional as F

from orbicyte.synthetic.stain import AZURE_B, EOSIN, HAEMOGLOBIN

SCALE = (0.6, 1.6)
DYES = (AZURE_B, EOSIN, HAEMOGLOBIN)
GREY = (0.299, 0.587, 0.114)


def uniform(low: float, high: float, size: tuple[int, ...], generator: Generator) -> Tensor:
    """Random numbers, uniform between ``low`` and ``high``, of shape ``size``: float32."""
    return torch.rand(size, generator=generator) * (high - low) + low


def geometric(stack: Tensor, side_px: int, scale: tuple[float, float], generator: Generator) -> Tensor:
    """``stack`` (B, C, 2S, 2S) float, randomly rotated, mirrored, shifted and resized, then halved: (B, C, S, S).

    S is ``side_px``; ``scale``: the smallest and largest factor of the size.
    """
    batch = len(stack)
    zoom = torch.exp(uniform(math.log(scale[0]), math.log(scale[1]), (batch,), generator))
    stretch = torch.exp(0.08 * torch.randn((batch,), generator=generator))
    angle = uniform(0, 2 * math.pi, (batch,), generator)
    mirror = torch.randint(0, 2, (batch,), generator=generator) * 2.0 - 1.0
    cos, sin = torch.cos(angle), torch.sin(angle)
    matrix = torch.stack(
        [
            torch.stack([cos * mirror * stretch / zoom, -sin / stretch / zoom], 1),
            torch.stack([sin * mirror * stretch / zoom, cos / stretch / zoom], 1),
        ],
        1,
    )
    shift = uniform(-0.35, 0.35, (batch, 2, 1), generator)
    grid = F.affine_grid(torch.cat([matrix, shift], 2), [batch, 1, 2 * side_px, 2 * side_px], align_corners=False)
    return F.avg_pool2d(F.grid_sample(stack, grid, padding_mode="reflection", align_corners=False), 2)


def photometric(images: Tensor, generator: Generator) -> Tensor:
    """``images`` (B, 3, H, W) float, 0 to 1, with random changes of stain, camera and lens; same shape and range."""
    images = _lit(_recoloured(_restained(images, generator), generator), generator)
    images = _focused(images, generator)
    noise = uniform(0, 0.04, (len(images), 1, 1, 1), generator) * (
        torch.rand((len(images), 1, 1, 1), generator=generator) < 0.5
    )
    images = (images + noise * torch.randn(images.shape, generator=generator)).clamp(0, 1)
    return _compressed(images, generator)


def _restained(images: Tensor, generator: Generator) -> Tensor:
    """Another stain: the amount and the colour of each dye are changed (Tellez et al. 2019, with the dyes of blood)."""
    batch = len(images)
    dyes = torch.tensor(DYES)
    density = -torch.log(images.clamp(1 / 255, 1))
    amounts = torch.einsum("bchw,cd->bdhw", density, torch.linalg.inv(dyes))
    strength = torch.exp(0.4 * torch.randn((batch, 3, 1, 1), generator=generator))
    strength = strength * torch.exp(0.25 * torch.randn((batch, 1, 1, 1), generator=generator))
    colours = dyes * torch.exp(0.15 * torch.randn((batch, 3, 3), generator=generator))
    changed = torch.exp(-torch.einsum("bdhw,bdc->bchw", amounts * strength, colours)).clamp(0, 1)
    return torch.where(torch.rand((batch, 1, 1, 1), generator=generator) < 0.85, changed, images)


def _recoloured(images: Tensor, generator: Generator) -> Tensor:
    """Hue rotated about the grey axis; saturation and mixture of the channels changed."""
    batch = len(images)
    axis = torch.full((3, 3), 1 / 3)
    cross = torch.tensor([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / math.sqrt(3)
    angle = (0.35 * torch.randn((batch, 1, 1), generator=generator)).clamp(-1.2, 1.2)
    hue = axis + torch.cos(angle) * (torch.eye(3) - axis) + torch.sin(angle) * cross
    grey = torch.tensor(GREY).expand(3, 3)
    saturation = uniform(0.1, 1.5, (batch, 1, 1), generator)
    mixture = (
        torch.eye(3) * saturation + grey * (1 - saturation) + 0.07 * torch.randn((batch, 3, 3), generator=generator)
    )
    mixed = torch.einsum("bij,bjhw->bihw", mixture @ hue, images)
    return torch.where(torch.rand((batch, 1, 1, 1), generator=generator) < 0.8, mixed, images).clamp(0, 1)


def _lit(images: Tensor, generator: Generator) -> Tensor:
    """Gamma, exposure, colour of the lamp, and uneven illumination."""
    batch, _, height, width = images.shape
    gamma = torch.exp(0.25 * torch.randn((batch, 1, 1, 1), generator=generator))
    gain = uniform(0.75, 1.15, (batch, 1, 1, 1), generator) * uniform(0.85, 1.1, (batch, 3, 1, 1), generator)
    offset = uniform(0, 0.1, (batch, 1, 1, 1), generator)
    y, x = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
    slope = 0.08 * torch.randn((batch, 2, 1, 1, 1), generator=generator)
    return (images.clamp_min(1e-4) ** gamma * (gain + slope[:, 0] * x + slope[:, 1] * y) * (1 - offset) + offset).clamp(
        0, 1
    )


def _focused(images: Tensor, generator: Generator) -> Tensor:
    """Blurred or sharpened: a multiple of the difference from the blurred image is added or subtracted."""
    batch = len(images)
    sigma = float(uniform(0.5, 2.0, (1,), generator))
    reach = math.ceil(2.5 * sigma)
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / sigma) ** 2)
    kernel = (kernel / kernel.sum()).expand(3, 1, 1, -1)
    smooth = F.pad(images, (reach, reach, reach, reach), mode="reflect")
    smooth = F.conv2d(F.conv2d(smooth, kernel, groups=3), kernel.transpose(2, 3), groups=3)
    share = uniform(-1.0, 1.0, (batch, 1, 1, 1), generator)
    share = torch.where(torch.rand((batch, 1, 1, 1), generator=generator) < 0.4, torch.zeros(()), share)
    return (images + share * (smooth - images)).clamp(0, 1)


def _compressed(images: Tensor, generator: Generator) -> Tensor:
    """One image in eight compressed as JPEG."""
    images = images.clone()
    for number in torch.nonzero(torch.rand(len(images), generator=generator) < 0.125).ravel().tolist():
        quality = int(torch.randint(30, 90, (1,), generator=generator))
        pixels = (255 * images[number]).round().byte().permute(1, 2, 0).numpy()
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "JPEG", quality=quality)
        images[number] = torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1) / 255
    return images
