"""export coco: images, boxes, polygons and categories."""

import json
import uuid
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps
from tests.stages.made_detections import (
    PLACES,
    decide,
    detected_study,
    done,
    mistake,
    require_old_file_survives_full_disk,
)

from orbicyte.study import Study
from orbicyte.study.classes import choose_classes
from orbicyte.study.slides import read_record, write_record


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


def test_unlabelled_cells_are_not_of_a_type_called_cell(study: Study, tmp_path: Path) -> None:
    choose_classes(study, ["cell", "blast"], [])
    decide(study, "name", {"label": "cell"})
    done("export", "coco", study.path, "--out", tmp_path / "coco.json")
    content = json.loads((tmp_path / "coco.json").read_text(encoding="utf-8"))
    names = {category["id"]: category["name"] for category in content["categories"]}
    assert sorted(names.values()) == ["blast", "cell", "unlabelled"]
    assert [names[one["category_id"]] for one in content["annotations"]] == ["cell", *["unlabelled"] * 3]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_positions_are_those_in_the_picture_as_it_is_displayed(study: Study, tmp_path: Path, orientation: int) -> None:
    x, y = PLACES[0]
    stored = np.zeros((800, 1000), np.uint8)
    stored[int(y) - 8 : int(y) + 8, int(x) - 8 : int(x) + 8] = 255
    tag = Image.Exif()
    tag[274] = orientation
    Image.fromarray(stored).save(tmp_path / "a.png", exif=tag)
    write_record(study, replace(read_record(study, "a"), vendor="image", path=str(tmp_path / "a.png")))
    done("export", "coco", study.path, "--out", tmp_path / "coco.json")
    content = json.loads((tmp_path / "coco.json").read_text(encoding="utf-8"))
    with Image.open(tmp_path / "a.png") as file:
        displayed = np.asarray(ImageOps.exif_transpose(file))
    assert (content["images"][0]["height"], content["images"][0]["width"]) == displayed.shape
    left, top, width, height = content["annotations"][0]["bbox"]
    rows, columns = np.nonzero(displayed)
    centre = (columns.mean() + 0.5, rows.mean() + 0.5)
    assert (left + width / 2, top + height / 2) == pytest.approx(centre, abs=1.1)  # its outline is off by a pixel


def test_files_of_the_same_name_have_their_folders(study: Study, tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_record(study, replace(read_record(study, name), path=f"/data/{name}/slide.svs"))
    done("export", "coco", study.path, "--out", tmp_path / "coco.json")
    content = json.loads((tmp_path / "coco.json").read_text(encoding="utf-8"))
    assert [image["file_name"] for image in content["images"]] == ["a/slide.svs", "b/slide.svs"]


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
