"""The picture of a slide that another program opens: all of it, or the part that was scanned, as QuPath has it.

Slides of some scanners (.mrxs, .scn, .bif) state where on the glass the scanned area is. QuPath crops such a slide to
that area, and its coordinates begin there, unless it is started with ``--no-crop``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from orbicyte.errors import OrbicyteError
from orbicyte.exchange.shapes import Shape, shifted
from orbicyte.slides.reader import open_slide
from orbicyte.study.slides import SlideRecord

NEVER_CROPPED = ("image", "generic-tiff", "aperio", "hamamatsu", "trestle", "sakura", "philips-tiff")
SAME_SHARE = 0.5
"""Share of the shapes that must be on cells of the study with one origin, and below half of which with another."""


@dataclass(frozen=True)
class Picture:
    """A rectangle of a slide in level-0 pixels; other programs' coordinates begin at its upper left corner."""

    x_px: int
    y_px: int
    width_px: int
    height_px: int

    def on_slide(self, shape: Shape) -> Shape:
        """``shape``, whose coordinates begin at the picture's corner, in level-0 pixels."""
        return shifted(shape, self.x_px, self.y_px)

    def of_slide(self, cells: pd.DataFrame) -> pd.DataFrame:
        """``cells`` (the columns of ``orbicyte.review.cells``), with coordinates that begin at the picture's corner."""
        if self.x_px == self.y_px == 0:
            return cells
        corner = np.array([self.x_px, self.y_px], np.float64)
        outlines = [
            None if outline is None else (np.reshape(outline, (-1, 2)) - corner).ravel()
            for outline in cells["outline_px"]
        ]
        places = {"x_px": cells["x_px"] - self.x_px, "y_px": cells["y_px"] - self.y_px}
        return cells.assign(outline_px=pd.Series(outlines, index=cells.index, dtype=object), **places)


def whole(record: SlideRecord) -> Picture:
    """The whole slide."""
    return Picture(0, 0, record.width_px, record.height_px)


def cropped(record: SlideRecord) -> Picture:
    """The part that QuPath opens: the scanned area, if the slide states one.

    Studies of earlier versions have no record of it; it is read from the slide then. Raises ``OrbicyteError`` if that
    is missing.
    """
    if record.bounds_px is not None:
        return Picture(*record.bounds_px)
    if record.vendor in NEVER_CROPPED:
        return whole(record)
    if not Path(record.path).exists():
        raise OrbicyteError(
            f"{record.path} does not exist: it is needed to find out which part of the slide QuPath opens; restore it, "
            "or give --no-crop if QuPath opened the whole slide"
        )
    with open_slide(Path(record.path), record.mpp) as slide:
        return Picture(*slide.info.bounds_px)


def require_within(shapes: Sequence[Shape], used: Picture) -> None:
    """Raise ``OrbicyteError`` for a shape, in the coordinates of the file, whose centre is not in the picture."""
    for shape in shapes:
        if not (0 <= shape.x_px <= used.width_px and 0 <= shape.y_px <= used.height_px):
            raise OrbicyteError(
                f"{shape.where} is at ({shape.x_px:.0f}, {shape.y_px:.0f}), outside the {used.width_px} x "
                f"{used.height_px} px that QuPath opens, the scanned area: coordinates must begin at its corner and be "
                "in pixels of the full resolution; if the whole slide was opened, give --no-crop; nothing was imported"
            )


def require_origin(
    shapes: Sequence[Shape], cells: pd.DataFrame, mpp: float, used: Picture, other: Picture, advice: str
) -> None:
    """Raise ``OrbicyteError`` with ``advice`` if ``shapes`` lie on ``cells`` with the origin of ``other`` instead.

    ``shapes`` are in the coordinates of the file, ``cells`` have the columns of ``orbicyte.review.cells``.
    """
    if (used.x_px, used.y_px) == (other.x_px, other.y_px) or not shapes or cells.empty:
        return
    tree, reach_px = cKDTree(cells[["x_px", "y_px"]]), (cells["diameter_um"] / mpp / 4).to_numpy()
    shares = []
    for picture in (used, other):
        centres = [(shape.x_px + picture.x_px, shape.y_px + picture.y_px) for shape in shapes]
        distances_px, nearest = tree.query(centres)
        shares.append(float(np.mean(distances_px <= reach_px[nearest])))
    if shares[1] >= SAME_SHARE and shares[0] < shares[1] / 2:
        file = shapes[0].where.rpartition(", ")[0]
        raise OrbicyteError(
            f"{file}: the cells of the file are {abs(used.x_px - other.x_px)} px to the side and "
            f"{abs(used.y_px - other.y_px)} px below or above those of the study: {advice}; nothing was imported"
        )
