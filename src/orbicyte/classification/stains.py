"""Copies of cells with other stains, for a classifier of cells of other laboratories."""

from collections.abc import Iterable, Iterator

import numpy as np
import torch

from orbicyte.arrays import Pixels
from orbicyte.data.augmentation import Augmentation
from orbicyte.settings import AugmentationSettings

STRENGTH = AugmentationSettings(stain=0.2, light=0.05, blur_px=0.5)
"""Of the stain, light and focus; the other changes are not used."""


def restained(chunks: Iterable[Pixels], background: tuple[float, ...], seed: int) -> Iterator[Pixels]:
    """The patches of ``chunks``, (n, side, side, 3) uint8, each patch with a stain, light and focus of its own.

    ``background``: the colour without stain, three numbers in [0, 1]. Yields chunks of the same shapes.
    """
    random, white = torch.Generator().manual_seed(seed), torch.tensor(background)
    for images in chunks:
        patches = torch.from_numpy(np.array(images)).permute(0, 3, 1, 2).float() / 255
        changed = Augmentation.random(len(patches), STRENGTH, random).photometric(patches, white)
        yield (changed * 255).round().byte().permute(0, 2, 3, 1).contiguous().numpy()
