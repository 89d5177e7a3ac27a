"""COCO: one JSON file with images, annotations (box, polygon, area in level-0 pixels) and categories."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from orbicyte.exchange.shapes import centroid_and_diameter, corners
from orbicyte.study.files import replacing
from orbicyte.study.slides import SlideRecord

DECIMALS = 2
UNLABELLED = "cell"
"""Category of cells without a label."""


def write_coco(path: Path, cells: pd.DataFrame, slides: Mapping[str, SlideRecord], classes: Sequence[str]) -> None:
    """Write ``cells`` (the columns of ``orbicyte.review.cells``) of ``slides``; on an error the old file is kept.

    ``classes``: categories in addition to the labels of ``cells``. Raises ``OrbicyteError`` for a full disk.
    """
    names = [UNLABELLED, *dict.fromkeys([*classes, *sorted(cells["label"].dropna().unique())])]
    categories = {name: number for number, name in enumerate(names, 1)}
    images = {name: number for number, name in enumerate(slides, 1)}
    content = {
        "info": {"description": "cells detected and reviewed with orbicyte"},
        "licenses": [],
        "images": [_image(images[name], record) for name, record in slides.items()],
        "categories": [{"id": number, "name": name, "supercategory": "cell"} for name, number in categories.items()],
        "annotations": [
            _annotation(number, row, images[slide], categories, slides[slide])
            for number, (slide, row) in enumerate(zip(cells["slide"], cells.itertuples(), strict=True), 1)
        ],
    }
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(content, ensure_ascii=False) + "\n", encoding="utf-8")


def _image(number: int, record: SlideRecord) -> dict[str, Any]:
    size = {"width": record.width_px, "height": record.height_px}
    return {"id": number, "file_name": Path(record.path).name, **size, "slide": record.name, "mpp": record.mpp}


def _annotation(number: int, row: Any, image: int, categories: Mapping[str, int], slide: SlideRecord) -> dict[str, Any]:
    """The part of the cell that is on the image."""
    points = corners(row.outline_px, row.x_px, row.y_px, row.diameter_um / slide.mpp)
    points = np.round(points.clip(0, (slide.width_px, slide.height_px)), DECIMALS)
    low, high = points.min(axis=0), points.max(axis=0)
    return {
        "id": number,
        "image_id": image,
        "category_id": categories[row.label or UNLABELLED],
        "bbox": np.round([*low, *(high - low)], DECIMALS).tolist(),
        "segmentation": [points.ravel().tolist()],
        "area": round(float(np.pi / 4 * centroid_and_diameter(points)[2] ** 2), DECIMALS),
        "iscrowd": 0,
        "cell_id": row.id,
        "score": None if np.isnan(row.score) else round(float(row.score), 4),
    }
