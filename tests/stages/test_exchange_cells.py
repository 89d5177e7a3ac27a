"""Export and import of a study's cells, through the command line, with the review between them."""

import gzip
import json
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tifffile
from typer.testing import CliRunner

from orbicyte.cli.app import app
from orbicyte.errors import OrbicyteError
from orbicyte.review.cells import reviewed_cells
from orbicyte.review.store import ReviewStore
from orbicyte.study import Study
from orbicyte.study.cells import SCHEMA, cell_id, write_cells
from orbicyte.study.slides import SlideRecord, write_record

MPP = 0.5
PLACES = [(100.0, 100.0), (200.0, 100.0), (300.0, 150.0)]


def invoke(*words: str | Path) -> tuple[int, str]:
    """Exit code and what is on stderr."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stderr


def done(*words: str | Path) -> str:
    code, said = invoke(*words)
    assert code == 0, said
    return said


def mistake(*words: str | Path) -> str:
    code, said = invoke(*words)
    assert code == 2, said
    assert said.startswith("orbicyte: ")
    assert said.count("\n") == 1
    return said


def found(study: Study, slide: str, places: list[tuple[float, float]], size_px: tuple[int, int] = (1000, 800)) -> None:
    """A slide with round cells of 10 µm as a detector leaves it; outlines off the centre by a pixel."""
    write_record(study, SlideRecord(slide, f"/data/{slide}.svs", "aperio", *size_px, MPP, f"of {slide}"))
    angle = np.arange(24) * (2 * np.pi / 24)
    rows = []
    for x, y in places:
        outline = np.stack([x + 1 + 10 * np.cos(angle), y + 10 * np.sin(angle)], axis=1).ravel().tolist()
        rows.append((cell_id(f"of {slide}", x, y), x, y, x * MPP, y * MPP, 10.0, 0.9, outline))
    write_cells(study, slide, pd.DataFrame(rows, columns=SCHEMA.names))


@pytest.fixture
def study(tmp_path: Path) -> Study:
    study = Study.create(tmp_path / "study")
    found(study, "a", PLACES)
    found(study, "b", PLACES[:1])
    return study


def decide(study: Study, kind: str, after: dict[str, Any], cell: int | str = 0, slide: str = "a") -> None:
    id_ = cell if isinstance(cell, str) else cell_id(f"of {slide}", *PLACES[cell])
    event = {"id": str(uuid.uuid4()), "slide": slide, "cell": id_, "kind": kind, "after": after}
    with ReviewStore.open(study) as store:
        store.append("Ada", [event])


def events(study: Study) -> list[tuple[str, str, dict[str, Any]]]:
    with ReviewStore.open(study) as store:
        return [(event.who, event.kind, event.after) for event in store.events()]


def exported(study: Study, *words: str) -> tuple[Path, dict[str, Any]]:
    done("export", "geojson", study.path, *words)
    path = study.path / "geojson" / "a.geojson"
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return path, content


def write(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def square(x: float, y: float, side: float = 20) -> dict[str, Any]:
    low, high = -side / 2, side / 2
    ring = [[x + low, y + low], [x + high, y + low], [x + high, y + high], [x + low, y + high], [x + low, y + low]]
    return {"type": "Polygon", "coordinates": [ring]}


def drawn(x: float, y: float, side: float = 20, id_: str | None = None, name: str | None = None) -> dict[str, Any]:
    properties = {"objectType": "annotation", "classification": None if name is None else {"name": name}}
    feature = {"type": "Feature", "geometry": square(x, y, side), "properties": properties}
    return feature if id_ is None else {**feature, "id": id_}


@pytest.mark.parametrize("words", [[], ["--annotations"], ["--gz"]])
def test_what_comes_back_unchanged_changes_nothing(study: Study, words: list[str]) -> None:
    decide(study, "name", {"label": "lymphocyte"})
    decide(study, "move", {"x_px": 210, "y_px": 110}, 1)
    decide(study, "resize", {"diameter_px": 33}, 1)
    decide(study, "check", {"status": "rejected"}, 2)
    decide(study, "add", {"x_px": 1.0, "y_px": 2.0, "diameter_px": 20}, str(uuid.uuid4()))
    before = events(study)
    done("export", "geojson", study.path, *words)
    files = sorted((study.path / "geojson").iterdir())
    assert [file.name.partition(".")[0] for file in files] == ["a", "b"]
    said = done("import-cells", study.path, *files)
    assert said.count("nothing new") == 2
    assert events(study) == before


def test_edits_made_in_qupath_come_back_as_decisions(study: Study, tmp_path: Path) -> None:
    path, content = exported(study)
    features = content["features"]
    features[0]["geometry"] = square(120, 130)
    features[1]["properties"]["classification"] = {"name": "myelocyte", "colorRGB": -1}
    features[2]["geometry"] = square(301, 150, side=60)
    added = str(uuid.uuid4())
    features.append(drawn(500, 400, id_=added, name="promyelocyte"))
    features.append(drawn(400, 400, side=600))  # a region
    features.append({**drawn(400, 400), "geometry": {"type": "LineString", "coordinates": [[1, 1], [9, 9]]}})
    features.append({**drawn(400, 400), "geometry": square(400, 400, 0)})
    said = done("import-cells", study.path, write(path, content))
    assert said == "a.geojson: 2 moved, 2 resized, 2 named, 1 added; 3 annotations that are no cells left out\n"
    cells = reviewed_cells(study, ["a"]).set_index("id")
    moved, named, resized = (cells.loc[cell_id("of a", *place)] for place in PLACES)
    assert (moved.x_px, moved.y_px) == (120, 130)
    assert (named.label, named.labelled_by) == ("myelocyte", "qupath:a")
    assert resized.diameter_um == pytest.approx(2 * np.sqrt(3600 / np.pi) * MPP)
    assert (cells.loc[added].x_px, cells.loc[added].label, cells.loc[added].status) == (500, "promyelocyte", "kept")
    assert done("import-cells", study.path, path).startswith("a.geojson: nothing new")


def test_outlines_drawn_in_qupath_go_out_again_as_they_came_until_the_cell_is_moved(study: Study) -> None:
    path, content = exported(study)
    features, new = content["features"], str(uuid.uuid4())
    features.append(drawn(500, 400, id_=new))
    corner = features[0]["geometry"]["coordinates"][0][1]
    corner[0] += 3
    given = {feature["id"]: feature["geometry"] for feature in features}
    assert done("import-cells", study.path, write(path, content)) == "a.geojson: 1 moved, 1 added\n"
    again = {feature["id"]: feature["geometry"] for feature in exported(study)[1]["features"]}
    assert again == given
    with ReviewStore.open(study) as store:
        event = {
            "id": str(uuid.uuid4()),
            "slide": "a",
            "cell": new,
            "kind": "move",
            "after": {"x_px": 9.0, "y_px": 9.0},
        }
        store.append("Ada", [event])
        circle = {feature["id"]: feature["geometry"] for feature in exported(study)[1]["features"]}[new]
        assert len(circle["coordinates"][0]) == 33
        store.undo("Ada")
    assert {feature["id"]: feature["geometry"] for feature in exported(study)[1]["features"]} == given


def test_a_cell_that_is_not_in_the_file_is_rejected_only_if_asked(study: Study) -> None:
    path, content = exported(study)
    content["features"] = content["features"][1:]
    write(path, content)
    assert "nothing new" in done("import-cells", study.path, path)
    assert "1 rejected" in done("import-cells", study.path, path, "--delete")
    assert reviewed_cells(study, ["a"])["status"].tolist() == ["rejected", "unchecked", "unchecked"]
    assert "nothing new" in done("import-cells", study.path, path, "--delete")
    assert len(exported(study)[1]["features"]) == 2


def test_without_an_id_a_cell_is_the_one_beneath_or_a_new_one(study: Study, tmp_path: Path) -> None:
    path = write(tmp_path / "a.geojson", [drawn(102, 101), drawn(600, 600), drawn(215, 100)])
    assert done("import-cells", study.path, path) == "a.geojson: 1 moved, 1 resized, 2 added\n"
    assert done("import-cells", study.path, path) == "a.geojson: nothing new\n"
    assert len(reviewed_cells(study, ["a"])) == 5


def test_cells_under_ids_of_another_program_are_the_ones_beneath(study: Study) -> None:
    path, content = exported(study)
    for feature in content["features"]:
        feature["id"] = str(uuid.uuid4())
    new = drawn(212, 100, id_=str(uuid.uuid4()))  # nearest to the second cell, but not on it
    content["features"] = [new, *content["features"], drawn(301, 151)]
    assert done("import-cells", study.path, write(path, content)) == "a.geojson: 2 added\n"
    assert done("import-cells", study.path, path) == "a.geojson: nothing new\n"
    assert len(reviewed_cells(study, ["a"])) == 5


@pytest.mark.parametrize("id_", [None, str(uuid.uuid4())], ids=["no id", "a new id"])
def test_a_cell_drawn_again_on_a_rejected_one_is_kept(study: Study, id_: str | None, tmp_path: Path) -> None:
    decide(study, "check", {"status": "rejected"})
    path = write(tmp_path / "a.geojson", [drawn(100, 100, 18, id_, "lymphocyte")])
    assert "1 kept, 1 named" in done("import-cells", study.path, path)
    cell = reviewed_cells(study, ["a"]).iloc[0]
    assert (cell.status, cell.label) == ("kept", "lymphocyte")
    assert done("import-cells", study.path, path) == "a.geojson: nothing new\n"


def test_a_point_gets_the_size_that_cells_of_the_slide_have(study: Study, tmp_path: Path) -> None:
    point = {"type": "Point", "coordinates": [600, 600]}
    path = write(tmp_path / "a.geojson", [{"type": "Feature", "geometry": point, "properties": {}}])
    done("import-cells", study.path, path)
    assert reviewed_cells(study, ["a"])["diameter_um"].iloc[-1] == 10


def test_a_name_taken_away_in_qupath_is_taken_back(study: Study) -> None:
    path, content = exported(study)
    content["features"][0]["properties"]["classification"] = {"name": "myelocyte"}
    done("import-cells", study.path, write(path, content))
    del content["features"][0]["properties"]["classification"]
    assert "1 named" in done("import-cells", study.path, write(path, content))
    assert reviewed_cells(study, ["a"])["label"].isna().all()


def test_a_correction_is_anothers_opinion_unless_it_is_made_as_oneself(study: Study) -> None:
    decide(study, "name", {"label": "lymphocyte"})
    path, content = exported(study)
    content["features"][0]["properties"]["classification"] = {"name": "myelocyte"}
    write(path, content)
    assert "; readers now disagree on the names of 1 of them" in done("import-cells", study.path, path)
    assert reviewed_cells(study, ["a"])["label"].isna().all()
    with ReviewStore.open(study) as store:
        store.undo("qupath:a")
    assert done("import-cells", study.path, path, "--reader", "Ada") == "a.geojson: 1 named\n"
    cell = reviewed_cells(study, ["a"]).iloc[0]
    assert (cell.label, cell.labelled_by) == ("myelocyte", "Ada")
    assert "--reader: expected a name" in mistake("import-cells", study.path, path, "--reader", " ")


def test_names_that_a_file_could_not_have_are_not_taken_back(study: Study, tmp_path: Path) -> None:
    decide(study, "name", {"label": "lymphocyte"})
    strange = write(tmp_path / "a.geojson", [drawn(100, 100, id_=str(uuid.uuid4()))])
    done("import-cells", study.path, strange, "--reader", "Ada")
    assert reviewed_cells(study, ["a"])["label"][0] == "lymphocyte"
    path, content = exported(study)
    content["features"][0]["properties"]["classification"] = {"name": "myelocyte"}
    done("import-cells", study.path, write(path, content))
    path, content = exported(study)
    assert "classification" not in content["features"][0]["properties"]
    assert done("import-cells", study.path, path, "--reader", "Ada") == "a.geojson: nothing new\n"


def test_a_label_image_becomes_cells(study: Study, tmp_path: Path) -> None:
    mask = np.zeros((400, 500), np.uint16)
    mask[45:55, 45:55] = 1  # on the first cell
    mask[300:310, 300:310] = 2
    tifffile.imwrite(tmp_path / "mask.tif", mask)
    assert done("import-cells", study.path, tmp_path / "mask.tif", "--slide", "a") == "mask.tif: 1 resized, 1 added\n"
    (tmp_path / "a.mask.tif").write_bytes((tmp_path / "mask.tif").read_bytes())
    assert done("import-cells", study.path, tmp_path / "a.mask.tif") == "a.mask.tif: nothing new\n"
    last = reviewed_cells(study, ["a"]).iloc[-1]
    assert (last.x_px, last.y_px, last.reviewer) == (610, 610, "mask:mask")


@pytest.mark.parametrize(
    ("features", "says"),
    [
        ([drawn(500, 500, name="tumour")], "feature 2 is named 'tumour', which the study does not know: it has "),
        ([drawn(500, 500, id_=cell_id("of a", *PLACES[0]))], "feature 2 is the same cell"),
        ([drawn(500, 500, id_=cell_id("of b", *PLACES[0]))], "feature 2 has the id of a cell on b"),
        ([drawn(5000, 500)], "feature 2 lies at (5000, 500), outside a of 1000 x 800 px"),
        ([drawn(-1, 500)], "feature 2 lies at (-1, 500), outside a"),
        ([{**drawn(400, 400, 600), "properties": {"objectType": "detection"}}], "feature 2 is 339 µm wide"),
    ],
)
def test_one_wrong_feature_and_nothing_is_imported(
    study: Study, features: list[dict[str, Any]], says: str, tmp_path: Path
) -> None:
    first = drawn(150, 120, id_=cell_id("of a", *PLACES[0]))
    path = write(tmp_path / "a.geojson", [first, *features])
    said = mistake("import-cells", study.path, path)
    assert says in said
    assert str(path) in said
    assert events(study) == []


def test_a_wrong_second_file_keeps_the_first_out_too(study: Study, tmp_path: Path) -> None:
    good = write(tmp_path / "a.geojson", [drawn(500, 500)])
    (tmp_path / "b.geojson.gz").write_bytes(gzip.compress(b"[]")[:-4])
    assert "b.geojson.gz is cut short" in mistake("import-cells", study.path, good, tmp_path / "b.geojson.gz")
    assert events(study) == []


def test_if_the_second_file_cannot_be_kept_the_first_is_told_as_kept(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = ReviewStore.append

    def full(self: ReviewStore, reader: str, *words: Any) -> Any:
        if reader == "qupath:b":
            raise OrbicyteError("disk is full; nothing of this was kept: make room")
        return append(self, reader, *words)

    monkeypatch.setattr(ReviewStore, "append", full)
    a, b = (write(tmp_path / f"{name}.geojson", [drawn(500, 500)]) for name in "ab")
    _, said = invoke("import-cells", study.path, a, b)
    assert f"{b}: disk is full; nothing of this was kept: make room; files kept before it: a.geojson" in said
    assert [who for who, kind, _ in events(study) if kind == "add"] == ["qupath:a"]


def test_a_cell_added_and_taken_back_does_not_come_back_by_its_id(study: Study, tmp_path: Path) -> None:
    id_ = str(uuid.uuid4())
    decide(study, "add", {"x_px": 500, "y_px": 500, "diameter_px": 20}, id_)
    with ReviewStore.open(study) as store:
        store.undo("Ada")
    path = write(tmp_path / "a.geojson", [drawn(500, 500, id_=id_)])
    assert f"taken back ({id_})" in mistake("import-cells", study.path, path)


def test_files_of_no_slide_or_kind_are_one_line(study: Study, tmp_path: Path) -> None:
    path = write(tmp_path / "c.geojson", [])
    assert "the study has no slide 'c': it has a, b; say which with --slide" in mistake(
        "import-cells", study.path, path
    )
    assert "no slide 'd'" in mistake("import-cells", study.path, path, "--slide", "d")
    assert "expected .geojson" in mistake("import-cells", study.path, tmp_path / "a.shp")
    assert "cannot read" in mistake("import-cells", study.path, tmp_path / "a.geojson")
    assert "several files for the slide a" in mistake("import-cells", study.path, path, path, "--slide", "a")
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((300, 300), np.uint8))
    assert "300 x 300 px, the slide 1000 x 800 px" in mistake("import-cells", study.path, tmp_path / "a.tif")
    empty = Study.create(tmp_path / "empty")
    for words in (["geojson"], ["coco", "--out", "x"], ["csv", "--out", "x"]):
        assert "has no slides" in mistake("export", words[0], empty.path, *words[1:])


def test_coco_has_boxes_polygons_and_categories_that_fit(study: Study, tmp_path: Path) -> None:
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


def test_coco_cuts_off_at_the_edges_of_the_slide(study: Study, tmp_path: Path) -> None:
    for x, y in [(1.0, 2.0), (999.0, 800.0)]:
        decide(study, "add", {"x_px": x, "y_px": y, "diameter_px": 40}, str(uuid.uuid4()))
    done("export", "coco", study.path, "--out", tmp_path / "coco.json")
    annotations = json.loads((tmp_path / "coco.json").read_text(encoding="utf-8"))["annotations"]
    boxes = np.array([one["bbox"] for one in annotations])
    low, high = boxes[:, :2], boxes[:, :2] + boxes[:, 2:]
    assert (low >= 0).all()
    assert (high <= (1000, 800)).all()
    assert all(0 < one["area"] <= one["bbox"][2] * one["bbox"][3] for one in annotations)


def test_a_reader_is_no_formula_in_csv_and_commas_divide_nothing(study: Study, tmp_path: Path) -> None:
    id_ = cell_id("of a", *PLACES[0])
    event = {"id": str(uuid.uuid4()), "slide": "a", "cell": id_, "kind": "name", "after": {"label": "lymphocyte"}}
    with ReviewStore.open(study) as store:
        store.append('=HYPERLINK("x"), B', [event])
        store.append("-1", [{**event, "id": "kept", "kind": "check", "after": {"status": "kept"}}])
    done("export", "csv", study.path, "--out", tmp_path / "cells.csv")
    cells = pd.read_csv(tmp_path / "cells.csv", dtype={"reviewer": str}).set_index("id")
    given = [cells[column][id_] for column in ("label", "labelled_by", "reviewer")]
    assert given == ["lymphocyte", '\'=HYPERLINK("x"), B', "'-1"]


def test_csv_has_one_row_a_cell_and_no_rejected_ones(study: Study, tmp_path: Path) -> None:
    decide(study, "name", {"label": "myelocyte"})
    decide(study, "check", {"status": "rejected"}, 1)
    done("export", "csv", study.path, "--out", tmp_path / "cells.csv")
    cells = pd.read_csv(tmp_path / "cells.csv")
    assert cells["slide"].tolist() == ["a", "a", "b"]
    assert cells["label"].fillna("").tolist() == ["myelocyte", "", ""]
    assert cells[["x_px", "x_um", "diameter_um"]].iloc[1].tolist() == [300, 150, 10]
    assert set(cells["status"]) == {"unchecked"}


@pytest.mark.parametrize("kind", ["geojson", "coco", "csv"])
def test_a_full_disk_leaves_the_old_file(
    study: Study, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = {"geojson": "b.geojson", "coco": "coco", "csv": "csv"}[kind]
    out = tmp_path if kind == "geojson" else tmp_path / name
    (tmp_path / name).write_text("old")

    def full(path: Path, *_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("orbicyte.study.files.Path.replace", full)
    _, said = invoke("export", kind, study.path, "--out", out)
    assert "No space left on device; make room and run again" in said
    assert (tmp_path / name).read_text() == "old"
    assert not list(tmp_path.glob(".*writing"))
