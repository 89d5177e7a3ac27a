"""export coco: images, boxes, polygons and categories."""

import json
import uuid
from pathlib import Path

import numpy as np
import pytest
from tests.stages.made_detections import decide, detected_study, done, mistake, require_old_file_survives_full_disk

from orbicyte.study import Study


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return detected_study(tmp_path / "study")


def test_boxes_polygons_and_categories_agree(study: Study, tmp_path: Path) -> None:
    decide(study, "name", {"label": "myelocyte"})
    decide(study, "check", {"status": "rejected"}, 1)
    decide(study, "move", {"x_px": 400.0, "y_px": 100.0}, 2)
    done("export", "coco", study.path, "--out", tmp_path / "coco.json")
    content = json.loads((tmp_path / "coco.json").read_text(encoding="utf-8"))
    images = {image["id"]: image for image in content["images"]}
    categories = {category["id"]: category["name"] for category in content["categories"]}
    annotations = content["annotations"]
    assert {image["file_name"] for image in images.values()} == {"a.svs", "b.svs"}
    assert {(image["width"], image["height"]) for image in images.values()} == {(1000, 800)}
    assert len({one["id"] for one in annotations}) == len(annotations) == 3
    assert [categories[one["category_id"]] for one in annotations] == ["myelocyte", "cell", "cell"]
    assert [images[one["image_id"]]["slide"] for one in annotations] == ["a", "a", "b"]
    for one in annotations:
        points = np.reshape(one["segmentation"][0], (-1, 2))
        x, y, width, height = one["bbox"]
        assert (points.min(0), points.max(0)) == (
            pytest.approx([x, y], abs=0.02),
            pytest.approx([x + width, y + height], abs=0.02),
        )
        assert 0.7 * width * height < one["area"] < width * height
        assert one["iscrowd"] == 0
    assert annotations[1]["bbox"][0] == pytest.approx(390, abs=0.2)


def test_polygons_are_clipped_at_the_borders_of_the_slide(study: Study, tmp_path: Path) -> None:
    for x, y in [(1.0, 2.0), (999.0, 800.0)]:
        decide(study, "add", {"x_px": x, "y_px": y, "diameter_px": 40}, str(uuid.uuid4()))
    done("export", "coco", study.path, "--out", tmp_path / "coco.json")
    annotations = json.loads((tmp_path / "coco.json").read_text(encoding="utf-8"))["annotations"]
    boxes = np.array([one["bbox"] for one in annotations])
    low, high = boxes[:, :2], boxes[:, :2] + boxes[:, 2:]
    assert (low >= 0).all()
    assert (high <= (1000, 800)).all()
    assert all(0 < one["area"] <= one["bbox"][2] * one["bbox"][3] for one in annotations)


def test_a_study_without_slides_is_refused(tmp_path: Path) -> None:
    empty = Study.create(tmp_path / "empty")
    assert "has no slides" in mistake("export", "coco", empty.path, "--out", "x")


def test_a_full_disk_leaves_the_old_file(study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require_old_file_survives_full_disk(study, "coco", tmp_path / "coco", tmp_path / "coco", monkeypatch)
