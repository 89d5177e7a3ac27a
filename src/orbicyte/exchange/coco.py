"""COCO: one JSON file with images, annotations (box, polygon, area in level-0 pixels) and categories."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from orbicyte.exchange.orientation import orientation_of, turned_points, turned_size
from orbicyte.exchange.shapes import centroid_and_diameter, corners
from orbicyte.study.files import replacing
from orbicyte.study.slides import SlideRecord

DECIMALS = 2
UNLABELLED = ("cell", "unlabelled", "unlabelled cell", "cell without a label")
"""Category of cells without a label: the first that is not a type of the study."""


def write_coco(path: Path, cells: pd.DataFrame, slides: Mapping[str, SlideRecord], classes: Sequence[str]) -> None:
    """Write ``cells`` (the columns of ``orbicyte.review.cells``) of ``slides``; on an error the old file is kept.

    Positions and sizes are those of the picture that other programs display: rotated as the orientation tag of its
    file says (see ``orbicyte.exchange.orientation``). ``classes``: categories in addition to the labels of ``cells``.
    Raises ``OrbicyteError`` for a full disk.
    """
    types = dict.fromkeys([*classes, *sorted(cells["label"].dropna().unique())])
    unlabelled = next(name for name in UNLABELLED if name not in types)
    categories = {name: number for number, name in enumerate([unlabelled, *types], 1)}
    turned = {name: orientation_of(record) for name, record in slides.items()}
    files = _file_names(slides)
    images = {name: number for number, name in enumerate(slides, 1)}
    content = {
        "info": {"description": "cells detected and reviewed with orbicyte"},
        "licenses": [],
        "images": [_image(images[name], record, files[name], turned[name]) for name, record in slides.items()],
        "categories": [{"id": number, "name": name, "supercategory": "cell"} for name, number in categories.items()],
        "annotations": [
            _annotation(number, row, images[slide], categories[row.label or unlabelled], slides[slide], turned[slide])
            for number, (slide, row) in enumerate(zip(cells["slide"], cells.itertuples(), strict=True), 1)
        ],
    }
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(content, ensure_ascii=False) + "\n", encoding="utf-8")


def _file_names(slides: Mapping[str, SlideRecord]) -> dict[str, str]:
    """The name of each slide's file; if two are the same, the paths within the folder that contains all of them."""
    paths = {name: Path(record.path) for name, record in slides.items()}
    if len({path.name for path in paths.values()}) == len(paths):
        return {name: path.name for name, path in paths.items()}
    folder = os.path.commonpath([path.parent for path in paths.values()])
    return {name: path.relative_to(folder).as_posix() for name, path in paths.items()}


def _image(number: int, record: SlideRecord, file: str, orientation: int) -> dict[str, Any]:
    width, height = turned_size(record.width_px, record.height_px, orientation)
    size = {"width": width, "height": height}
    return {"id": number, "file_name": file, **size, "slide": record.name, "mpp": record.mpp}


def _annotation(
    number: int, row: Any, image: int, category: int, slide: SlideRecord, orientation: int
) -> dict[str, Any]:
    """The part of the cell that is on the image."""
    points = corners(row.outline_px, row.x_px, row.y_px, row.diameter_um / slide.mpp)
    points = points.clip(0, (slide.width_px, slide.height_px))
    points = np.round(turned_points(points, slide.width_px, slide.height_px, orientation), DECIMALS)
    low, high = points.min(axis=0), points.max(axis=0)
    return {
        "id": number,
        "image_id": image,
        "category_id": category,
        "bbox": np.round([*low, *(high - low)], DECIMALS).tolist(),
        "segmentation": [points.ravel().tolist()],
        "area": round(float(np.pi / 4 * centroid_and_diameter(points)[2] ** 2), DECIMALS),
        "iscrowd": 0,
        "cell_id": row.id,
        "score": None if np.isnan(row.score) else round(float(row.score), 4),
    }
