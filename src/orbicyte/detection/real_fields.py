"""Real microscope fields with annotations: smears with boxes (``smear_fields``), nuclei with masks (``nuclei``)."""

import csv
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from orbicyte.arrays import Pixels
from orbicyte.detection.microscope_fields import MicroscopeField
from orbicyte.detection.scale import resized
from orbicyte.detection.targets import Box, of_boxes, of_nuclei
from orbicyte.errors import OrbicyteError

WHITE_CELL = 0
NUCLEUS_UM = 7.0
"""Assumed median diameter of the nuclei in an image of ``nuclei``, which has no scale: used to calculate one."""


@dataclass(frozen=True)
class Boxed:
    """A real microscope field with the boxes of its white cells, in its own pixels of ``mpp`` µm.

    ``family``: its size in pixels, such as ``640x480``.
    """

    path: Path
    family: str
    mpp: float
    white: tuple[Box, ...]

    def image(self) -> Pixels:
        """The pixels: (H, W, 3), 0 to 255."""
        return np.array(Image.open(self.path).convert("RGB"))


def read_scales(path: Path) -> dict[str, float]:
    """µm per pixel of microscope fields by size, such as ``640x480``; from a table with the columns size and mpp."""
    with path.open(encoding="utf-8", newline="") as file:
        return {row["size"]: float(row["mpp"]) for row in csv.DictReader(file)}


def read_boxed(folder: Path, part: str, scales: Mapping[str, float]) -> list[Boxed]:
    """The fields of ``folder/part`` with their boxes from ``folder/part.csv``, sorted by name.

    Raises ``OrbicyteError`` for a field whose size is not in ``scales``.
    """
    boxes: dict[str, list[Box]] = {}
    with (folder / f"{part}.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if int(row["class"]) == WHITE_CELL:
                box = Box(*(float(row[key]) for key in ("x_px", "y_px", "width_px", "height_px")))
                boxes.setdefault(row["file"], []).append(box)
    return [_boxed(path, boxes.get(path.name, ()), scales) for path in sorted((folder / part).iterdir())]


def _boxed(path: Path, white: Collection[Box], scales: Mapping[str, float]) -> Boxed:
    with Image.open(path) as image:
        family = "{}x{}".format(*image.size)
    if family not in scales:
        raise OrbicyteError(
            f"{path}: µm per pixel are unknown for microscope fields of {family} px: add this size to the table"
        )
    return Boxed(path, family, scales[family], tuple(white))


def boxed_field(boxed: Boxed, mpp: float) -> MicroscopeField:
    """``boxed`` at ``mpp``; the ellipse in each box is taken as the cell."""
    image = resized(boxed.image(), boxed.mpp, mpp)
    by = boxed.mpp / mpp
    scaled = [Box(b.x_px * by, b.y_px * by, b.width_px * by, b.height_px * by) for b in boxed.white]
    return MicroscopeField(image, of_boxes(scaled, *image.shape[:2]))


def nuclei_fields(folder: Path, mpp: float) -> Iterator[MicroscopeField]:
    """The images of ``folder/images`` with nuclei in ``folder/labels``, at ``mpp`` if nuclei have the usual size."""
    for path in sorted((folder / "images").iterdir()):
        labels = np.array(Image.open(folder / "labels" / path.name))
        areas = np.bincount(labels.ravel())[1:]
        if not areas.any():
            continue
        own_mpp = NUCLEUS_UM / float(np.median(2 * np.sqrt(areas[areas > 0] / np.pi)))
        image = resized(np.array(Image.open(path).convert("RGB")), own_mpp, mpp)
        size = image.shape[1], image.shape[0]
        mask = np.array(Image.fromarray(labels > 0).resize(size, Image.Resampling.NEAREST))
        yield MicroscopeField(image, of_nuclei(mask))
