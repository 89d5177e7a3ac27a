"""A synthetic smear with touching cells, as an image and as a slide, and the detector of orbicyte."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from orbicyte.detection.detector import Detector
from orbicyte.synthetic import microscope_field, sample_smear

MPP = 0.25
SIDE_UM = 200.0


@pytest.fixture(scope="session")
def detector() -> Detector:
    """The shipped weights on the CPU."""
    return Detector.load(device="cpu")


@pytest.fixture(scope="session")
def smear() -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """A synthetic smear of 200 µm with about 40 white cells: image (800, 800, 3) and label image (800, 800)."""
    image, cells, _ = microscope_field(sample_smear(11, SIDE_UM, SIDE_UM, cells=40), 0, 0, round(SIDE_UM / MPP), MPP)
    return image, cells


@pytest.fixture(scope="session")
def slide(smear: tuple[NDArray[np.uint8], NDArray[np.int32]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as a tiled TIFF."""
    return write_slide(tmp_path_factory.mktemp("slide") / "smear.tif", smear[0])


def write_slide(path: Path, pixels: NDArray[np.uint8]) -> Path:
    """A tiled TIFF with µm per pixel."""
    per_cm = 1e4 / MPP
    tifffile.imwrite(path, pixels, tile=(256, 256), photometric="rgb", resolution=(per_cm, per_cm), resolutionunit=3)
    return path
