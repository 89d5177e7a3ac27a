"""Images at another resolution."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def resized(image: NDArray[np.uint8], mpp: float, to_mpp: float) -> NDArray[np.uint8]:
    """``image`` (H, W, 3) of ``mpp`` µm per pixel, resampled to ``to_mpp``; a pixel is a weighted mean of its area."""
    height, width = (max(1, round(side * mpp / to_mpp)) for side in image.shape[:2])
    return np.array(Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC))
