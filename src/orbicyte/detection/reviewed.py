"""A user's own reviewed cells: as microscope fields for training, and as the truth for evaluation.

A table of reviewed cells has one row per cell with ``slide``, ``x_px``, ``y_px`` (level-0 pixels), ``diameter_um``,
``outline_px`` (None if only a disc is known) and ``status``: kept, rejected or unchecked. Unchecked cells, and areas
far from any checked cell, count neither as cells nor as background.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from skimage.draw import polygon

from orbicyte.detection.detector import Detector
from orbicyte.detection.matching import Boxes, Tally, iou, match, outline_boxes
from orbicyte.detection.microscope_fields import MicroscopeField
from orbicyte.detection.targets import Targets, of_masks
from orbicyte.detection.tiles import Tile
from orbicyte.errors import OrbicyteError
from orbicyte.slides.reader import SlideReader, require_mpp

HELD_OUT = 0.25
"""Share of the slides, or of one slide's cells, that is used for evaluation and not for training."""
AT_LEAST = 20
"""Smallest number of kept cells for training, and for evaluation."""
WINDOWS = 1000
IGNORED = 1.3
"""Size of the ignored disc around an unchecked cell, in diameters of the cell."""
SQUARE_PX = 256
CORNERS = 24


class Parts(NamedTuple):
    """Cells for training, cells for evaluation, and a description of what was held out."""

    learn: pd.DataFrame
    score: pd.DataFrame
    held_out: str


def split(cells: pd.DataFrame, window_um: float, seed: int) -> Parts:
    """Hold out whole slides; if there is only one, its right part, two sides of a window away from the rest.

    Raises ``OrbicyteError`` if too few cells were kept.
    """
    kept = cells[cells["status"] == "kept"]
    slides = sorted(kept["slide"].unique())
    if len(slides) > 1:
        number = max(1, round(HELD_OUT * len(slides)))
        chosen = set(np.random.default_rng(seed).choice(slides, number, replace=False))
        out = cells["slide"].isin(chosen)
        found = Parts(cells[~out], cells[out], ", ".join(sorted(chosen)))
    else:
        border = kept["x_um"].quantile(1 - HELD_OUT) if len(kept) else 0.0
        left, right = cells["x_um"] < border - 2 * window_um, cells["x_um"] >= border
        found = Parts(cells[left], cells[right], f"the right part of {', '.join(slides)}")
    for part, purpose in ((found.learn, "for training"), (found.score, "for evaluation")):
        number = int((part["status"] == "kept").sum())
        if number < AT_LEAST:
            raise OrbicyteError(
                f"expected at least {AT_LEAST} kept cells {purpose}, got {number} of a total of {len(kept)}: "
                "check more cells with 'orbicyte review'"
            )
    return found


def windows(slide: SlideReader, cells: pd.DataFrame, side_px: int, mpp: float, seed: int) -> Iterator[MicroscopeField]:
    """Microscope fields of ``side_px`` at ``mpp`` around checked cells of one slide, at most ``WINDOWS``.

    Raises ``UnreadableSlide``, or ``OrbicyteError`` if the slide's µm per pixel are unknown.
    """
    checked = cells[cells["status"] != "unchecked"]
    chosen = checked.sample(min(len(checked), WINDOWS), random_state=seed)
    step = mpp / require_mpp(slide.info)
    for x_px, y_px in chosen[["x_px", "y_px"]].to_numpy():
        left, top = x_px - side_px * step / 2, y_px - side_px * step / 2
        yield MicroscopeField(
            slide.read(left, top, side_px, side_px, mpp), _targets(cells, left, top, side_px, mpp, step)
        )


def _targets(cells: pd.DataFrame, left: float, top: float, side_px: int, mpp: float, step: float) -> Targets:
    far = np.maximum(np.abs(cells["x_px"] - left), np.abs(cells["y_px"] - top))
    labels, ignored = np.zeros((side_px, side_px), np.int32), np.zeros((side_px, side_px), np.bool_)
    for number, cell in enumerate(cells[far < 3 * side_px * step].itertuples(), 1):
        unchecked = cell.status == "unchecked"
        points = disc(cell, mpp / step, IGNORED) if unchecked else _outline(cell, mpp / step)
        x, y = ((points - (left, top)) / step - 0.5).T
        inside = polygon(y, x, labels.shape)  # type: ignore[no-untyped-call]
        if unchecked:
            ignored[inside] = True
        elif cell.status == "kept":
            labels[inside] = number
    targets = of_masks(labels, None)
    return Targets(targets.maps, targets.valid & ~ignored)


def _outline(cell: Any, slide_mpp: float) -> NDArray[np.float64]:
    outline = cell.outline_px
    has_outline = outline is not None and not np.isscalar(outline)
    return np.reshape(outline, (-1, 2)).astype(np.float64) if has_outline else disc(cell, slide_mpp)


def disc(cell: Any, slide_mpp: float, times: float = 1.0) -> NDArray[np.float64]:
    """A polygon (N, 2) in level-0 pixels around ``cell``, of ``times`` its diameter."""
    angle = np.arange(CORNERS) * 2 * np.pi / CORNERS
    radius = times * cell.diameter_um / slide_mpp / 2
    centre = (cell.x_px, cell.y_px)
    return np.asarray(centre + radius * np.stack([np.cos(angle), np.sin(angle)], axis=1))


def scored(detector: Detector, slide: SlideReader, cells: pd.DataFrame) -> Tally:
    """Matches of the cells that ``detector`` detects and the kept ones, in those squares of a slide with checked cells.

    At a box IoU of at least 0.5. Cells detected near an unchecked one are ignored. Raises ``UnreadableSlide``.
    """
    image = detector.on_slide(slide)
    place = (cells[["x_px", "y_px"]] / image.step_px // SQUARE_PX).astype(int)
    checked = cells["status"] != "unchecked"
    squares = sorted(set(place[checked].itertuples(index=False, name=None)))
    tiles = [Tile(column * SQUARE_PX, row * SQUARE_PX, SQUARE_PX, SQUARE_PX) for column, row in squares]
    found = [one for one in detector.finder.find(image, tiles) if any(t.has(one.x_px, one.y_px, 0) for t in tiles)]
    centres = np.array([(one.x_px, one.y_px) for one in found]).reshape(-1, 2) * image.step_px
    counts = ~_near(centres, cells[~checked], require_mpp(slide.info))
    boxes = outline_boxes((one.outline_px.ravel() * image.step_px).tolist() for one in found)
    truth = _boxes(cells[cells["status"] == "kept"], require_mpp(slide.info))
    scores = np.array([one.score for one in found])
    return Tally() + match(boxes[counts], truth, scores[counts], iou)


def _near(places: NDArray[np.float64], cells: pd.DataFrame, mpp: float) -> NDArray[np.bool_]:
    distance = np.hypot(*(places[:, None] - cells[["x_px", "y_px"]].to_numpy()[None]).transpose(2, 0, 1))
    return np.asarray((distance < IGNORED * cells["diameter_um"].to_numpy() / mpp / 2).any(axis=1))


def _boxes(cells: pd.DataFrame, mpp: float) -> Boxes:
    return outline_boxes(_outline(cell, mpp).ravel().tolist() for cell in cells.itertuples())
