"""import-cells: edits made in QuPath and label images become decisions of a reader."""

import gzip
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from tests.stages.made_detections import (
    MPP,
    PLACES,
    decide,
    detected_study,
    done,
    events,
    exported,
    invoke,
    mistake,
    write,
)

from orbicyte.errors import OrbicyteError
from orbicyte.review.cells import reviewed_cells
from orbicyte.review.store import ReviewStore
from orbicyte.study import Study
from orbicyte.study.cells import cell_id, read_cells, write_cells
from orbicyte.study.slides import read_record, write_record


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return detected_study(tmp_path / "study")


def square(x: float, y: float, side: float = 20) -> dict[str, Any]:
    low, high = -side / 2, side / 2
    ring = [[x + low, y + low], [x + high, y + low], [x + high, y + high], [x + low, y + high], [x + low, y + low]]
    return {"type": "Polygon", "coordinates": [ring]}


def annotation(
    x: float, y: float, side: float = 20, id_: str | None = None, label: str | None = None
) -> dict[str, Any]:
    """A square annotation, as a user draws it in QuPath."""
    properties = {"objectType": "annotation", "classification": None if label is None else {"name": label}}
    feature = {"type": "Feature", "geometry": square(x, y, side), "properties": properties}
    return feature if id_ is None else {**feature, "id": id_}


def test_edits_made_in_qupath_become_decisions(study: Study, tmp_path: Path) -> None:
    path, content = exported(study)
    features = content["features"]
    features[0]["geometry"] = square(120, 130)
    features[1]["properties"]["classification"] = {"name": "myelocyte", "colorRGB": -1}
    features[2]["geometry"] = square(301, 150, side=60)
    added = str(uuid.uuid4())
    features.append(annotation(500, 400, id_=added, label="promyelocyte"))
    features.append(annotation(400, 400, side=600))  # a region
    features.append({**annotation(400, 400), "geometry": {"type": "LineString", "coordinates": [[1, 1], [9, 9]]}})
    features.append({**annotation(400, 400), "geometry": square(400, 400, 0)})
    stderr = done("import-cells", study.path, write(path, content))
    assert stderr == "a.geojson: 2 moved, 2 resized, 2 labelled, 1 added; left out 3 annotations that are not cells\n"
    cells = reviewed_cells(study, ["a"]).set_index("id")
    moved, labelled, resized = (cells.loc[cell_id("of a", *place)] for place in PLACES)
    assert (moved.x_px, moved.y_px) == (120, 130)
    assert (labelled.label, labelled.labelled_by) == ("myelocyte", "qupath:a")
    assert resized.diameter_um == pytest.approx(2 * np.sqrt(3600 / np.pi) * MPP)
    assert (cells.loc[added].x_px, cells.loc[added].label, cells.loc[added].status) == (500, "promyelocyte", "kept")
    assert done("import-cells", study.path, path).startswith("a.geojson: nothing new")


def test_outlines_drawn_in_qupath_are_exported_unchanged_until_the_cell_is_moved(study: Study) -> None:
    path, content = exported(study)
    features, new = content["features"], str(uuid.uuid4())
    features.append(annotation(500, 400, id_=new))
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


def test_a_cell_that_is_not_in_the_file_is_rejected_only_with_delete(study: Study) -> None:
    path, content = exported(study)
    content["features"] = content["features"][1:]
    write(path, content)
    assert "nothing new" in done("import-cells", study.path, path)
    assert "1 rejected" in done("import-cells", study.path, path, "--delete")
    assert reviewed_cells(study, ["a"])["status"].tolist() == ["rejected", "unchecked", "unchecked"]
    assert "nothing new" in done("import-cells", study.path, path, "--delete")
    assert len(exported(study)[1]["features"]) == 2


def test_a_shape_without_id_is_the_cell_at_its_position_or_a_new_one(study: Study, tmp_path: Path) -> None:
    path = write(tmp_path / "a.geojson", [annotation(102, 101), annotation(600, 600), annotation(215, 100)])
    assert done("import-cells", study.path, path) == "a.geojson: 1 moved, 1 resized, 2 added\n"
    assert done("import-cells", study.path, path) == "a.geojson: nothing new\n"
    assert len(reviewed_cells(study, ["a"])) == 5


def test_shapes_with_ids_of_another_program_are_the_cells_at_their_positions(study: Study) -> None:
    path, content = exported(study)
    for feature in content["features"]:
        feature["id"] = str(uuid.uuid4())
    new = annotation(212, 100, id_=str(uuid.uuid4()))  # nearest to the second cell, but not on it
    content["features"] = [new, *content["features"], annotation(301, 151)]
    copies = "; left out 1 shapes of cells that the file has twice\n"
    assert done("import-cells", study.path, write(path, content)) == f"a.geojson: 1 added{copies}"
    assert done("import-cells", study.path, path) == f"a.geojson: nothing new{copies}"
    assert len(reviewed_cells(study, ["a"])) == 4


def copied(features: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**feature, "id": str(uuid.uuid4())} for feature in features]


def test_a_file_that_a_program_holds_twice_adds_each_cell_once(study: Study) -> None:
    path, content = exported(study)
    for feature in content["features"]:
        feature["properties"]["classification"] = {"name": "lymphocyte"}
    content["features"] += copied([*content["features"], annotation(600, 600), annotation(600, 600)])
    stderr = done("import-cells", study.path, write(path, content))
    assert stderr == "a.geojson: 3 labelled, 1 added; left out 4 shapes of cells that the file has twice\n"


def test_a_label_of_a_copy_counts_and_two_labels_are_refused(study: Study) -> None:
    path, content = exported(study)
    label = {"objectType": "annotation", "classification": {"name": "myelocyte"}}
    first = content["features"][0]
    write(path, [*content["features"], {**copied([first])[0], "properties": label}])
    assert done("import-cells", study.path, path).startswith("a.geojson: 1 labelled; left out 1 ")
    assert reviewed_cells(study, ["a"])["label"][0] == "myelocyte"
    first["properties"]["classification"] = {"name": "lymphocyte"}
    write(path, [*content["features"], {**copied([first])[0], "properties": label}])
    assert "feature 4 is the same cell as " in mistake("import-cells", study.path, path)


def test_touching_cells_and_a_large_around_a_small_one_are_not_copies(study: Study, tmp_path: Path) -> None:
    shapes = [annotation(500, 500), annotation(510, 500), annotation(600, 600), annotation(601, 600, 80)]
    assert done("import-cells", study.path, write(tmp_path / "a.json", shapes)) == "a.json: 4 added\n"


def test_each_piece_of_a_multipolygon_is_a_cell_and_fragments_are_counted(study: Study, tmp_path: Path) -> None:
    places = [(*PLACES[0], 20), (*PLACES[1], 20), (600, 600, 20), (700, 700, 1)]
    polygons = {"type": "MultiPolygon", "coordinates": [square(*place)["coordinates"] for place in places]}
    path = write(tmp_path / "a.json", [{**annotation(0, 0, label="myelocyte"), "geometry": polygons}])
    stderr = done("import-cells", study.path, path)
    assert "3 labelled, 1 added; 3 cells are pieces of shapes with several; left out 1 pieces smaller" in stderr
    assert reviewed_cells(study, ["a"])["label"].tolist() == ["myelocyte", "myelocyte", None, "myelocyte"]
    before = events(study)
    assert "nothing new" in done("import-cells", study.path, path)
    assert "a.json: 1 pieces of its shapes are smaller than 1 µm" in mistake(
        "import-cells", study.path, path, "--delete"
    )
    assert events(study) == before


def test_the_pieces_of_a_region_are_no_cells(study: Study, tmp_path: Path) -> None:
    places = [(400, 400, 600), (900, 700, 20)]
    polygons = {"type": "MultiPolygon", "coordinates": [square(*place)["coordinates"] for place in places]}
    path = write(tmp_path / "a.json", [{**annotation(0, 0), "geometry": polygons}])
    assert done("import-cells", study.path, path) == "a.json: nothing new; left out 1 annotations that are not cells\n"


def test_delete_refuses_a_file_without_cells(study: Study, tmp_path: Path) -> None:
    for features in ([], [annotation(400, 400, 600)]):
        path = write(tmp_path / "a.json", features)
        assert "a.json has no cells: --delete would reject all" in mistake("import-cells", study.path, path, "--delete")
    assert events(study) == []


def test_a_region_that_is_little_larger_than_a_cell_is_named(study: Study, tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", [annotation(500, 500), annotation(400, 400, side=350)])
    stderr = done("import-cells", study.path, path)
    assert stderr.startswith("a.json: 1 added; left out 1 annotations that are not cells\n")
    assert f"{path}, feature 2 is 197 µm wide: left out as a region" in stderr


def test_a_mask_with_repeated_numbers_has_a_cell_for_each_region(study: Study, tmp_path: Path) -> None:
    mask = np.zeros((800, 1000), np.uint8)
    for i, (x, y) in enumerate(PLACES):
        mask[int(y) - 9 : int(y) + 9, int(x) - 9 : int(x) + 9] = i % 2 + 1
    tifffile.imwrite(tmp_path / "a.tif", mask)
    stderr = done("import-cells", study.path, tmp_path / "a.tif", "--delete")
    assert stderr == "a.tif: 3 resized; 2 cells are pieces of shapes with several\n"
    mask[700, 700] = 1
    tifffile.imwrite(tmp_path / "a.tif", mask)
    assert "1 pieces of its shapes" in mistake("import-cells", study.path, tmp_path / "a.tif", "--delete")


BOUNDS = (60, 80, 700, 500)


@pytest.fixture
def scanned(study: Study) -> Study:
    """The study, whose slide a states a scanned area, as .mrxs and .scn do."""
    write_record(study, replace(read_record(study, "a"), vendor="mirax", bounds_px=BOUNDS))
    return study


def test_positions_are_exchanged_in_the_coordinates_of_qupath(scanned: Study) -> None:
    whole = {one["id"]: one["geometry"] for one in exported(scanned, "--no-crop")[1]["features"]}
    path, content = exported(scanned)
    for feature in content["features"]:
        ring = np.array(feature["geometry"]["coordinates"][0]) + BOUNDS[:2]
        np.testing.assert_allclose(ring, whole[feature["id"]]["coordinates"][0], atol=0.02)
    assert done("import-cells", scanned.path, path) == "a.geojson: nothing new\n"
    assert "give --no-crop" not in done("import-cells", scanned.path, path)
    content["features"].append(annotation(500, 400))
    done("import-cells", scanned.path, write(path, content))
    last = reviewed_cells(scanned, ["a"]).iloc[-1]
    assert (last.x_px, last.y_px) == (560, 480)


def test_a_file_in_the_other_coordinates_is_refused_with_the_option(scanned: Study) -> None:
    path, _ = exported(scanned)
    assert "60 px to the side and 80 px below or above" in mistake("import-cells", scanned.path, path, "--no-crop")
    path, content = exported(scanned, "--no-crop")
    assert "give --no-crop" in mistake("import-cells", scanned.path, path)
    write(path, copied(content["features"]))
    assert "give --no-crop" in mistake("import-cells", scanned.path, path)
    assert done("import-cells", scanned.path, path, "--no-crop") == "a.geojson: nothing new\n"


def test_a_position_outside_the_picture_of_qupath_is_refused(scanned: Study, tmp_path: Path) -> None:
    for x_px, y_px in ((-30, 100), (100, 520)):
        message = mistake("import-cells", scanned.path, write(tmp_path / "a.geojson", annotation(x_px, y_px)))
        assert f"({x_px}, {y_px}), outside the 700 x 500 px that QuPath opens" in message


def test_a_slide_of_an_earlier_version_without_its_file_needs_no_crop(scanned: Study) -> None:
    write_record(scanned, replace(read_record(scanned, "a"), bounds_px=None))
    message = mistake("export", "geojson", scanned.path)
    assert "/data/a.svs does not exist" in message
    assert "give --no-crop" in message
    assert done("import-cells", scanned.path, exported(scanned, "--no-crop")[0], "--no-crop").endswith("nothing new\n")


@pytest.mark.parametrize("id_", [None, str(uuid.uuid4())], ids=["no id", "a new id"])
def test_a_cell_drawn_again_on_a_rejected_one_is_kept(study: Study, id_: str | None, tmp_path: Path) -> None:
    decide(study, "check", {"status": "rejected"})
    path = write(tmp_path / "a.geojson", [annotation(100, 100, 18, id_, "lymphocyte")])
    assert "1 kept, 1 labelled" in done("import-cells", study.path, path)
    cell = reviewed_cells(study, ["a"]).iloc[0]
    assert (cell.status, cell.label) == ("kept", "lymphocyte")
    assert done("import-cells", study.path, path) == "a.geojson: nothing new\n"


def test_a_point_gets_the_usual_size_of_cells_on_the_slide(study: Study, tmp_path: Path) -> None:
    point = {"type": "Point", "coordinates": [600, 600]}
    path = write(tmp_path / "a.geojson", [{"type": "Feature", "geometry": point, "properties": {}}])
    done("import-cells", study.path, path)
    assert reviewed_cells(study, ["a"])["diameter_um"].iloc[-1] == 10


def test_a_label_cleared_in_qupath_is_cleared(study: Study) -> None:
    path, content = exported(study)
    content["features"][0]["properties"]["classification"] = {"name": "myelocyte"}
    done("import-cells", study.path, write(path, content))
    del content["features"][0]["properties"]["classification"]
    assert "1 labelled" in done("import-cells", study.path, write(path, content))
    assert reviewed_cells(study, ["a"])["label"].isna().all()


def test_a_correction_is_another_readers_label_unless_made_with_the_own_name(study: Study) -> None:
    decide(study, "name", {"label": "lymphocyte"})
    path, content = exported(study)
    content["features"][0]["properties"]["classification"] = {"name": "myelocyte"}
    write(path, content)
    assert "; readers now disagree on the labels of 1 of them" in done("import-cells", study.path, path)
    assert reviewed_cells(study, ["a"])["label"].isna().all()
    with ReviewStore.open(study) as store:
        store.undo("qupath:a")
    assert done("import-cells", study.path, path, "--reader", "Ada") == "a.geojson: 1 labelled\n"
    cell = reviewed_cells(study, ["a"]).iloc[0]
    assert (cell.label, cell.labelled_by) == ("myelocyte", "Ada")
    assert "--reader: expected a name" in mistake("import-cells", study.path, path, "--reader", " ")


def test_labels_that_a_file_could_not_contain_are_not_cleared(study: Study, tmp_path: Path) -> None:
    decide(study, "name", {"label": "lymphocyte"})
    unlabelled = write(tmp_path / "a.geojson", [annotation(100, 100, id_=str(uuid.uuid4()))])
    done("import-cells", study.path, unlabelled, "--reader", "Ada")
    assert reviewed_cells(study, ["a"])["label"][0] == "lymphocyte"
    path, content = exported(study)
    content["features"][0]["properties"]["classification"] = {"name": "myelocyte"}
    done("import-cells", study.path, write(path, content))
    path, content = exported(study)
    assert "classification" not in content["features"][0]["properties"]
    assert done("import-cells", study.path, path, "--reader", "Ada") == "a.geojson: nothing new\n"


def test_names_of_slides_are_compared_in_one_form(study: Study, tmp_path: Path) -> None:
    write_record(study, replace(read_record(study, "a"), name="ä", fingerprint="of ä"))
    write_cells(study, "ä", read_cells(study, "a").iloc[:0])
    path = write(tmp_path / "a\u0308.geojson", [annotation(500, 500, label="Lymphocyte ")])
    assert done("import-cells", study.path, path).endswith("1 added, 1 labelled\n")
    assert reviewed_cells(study, ["ä"])["label"].tolist() == ["lymphocyte"]


def test_labels_in_another_property_and_what_the_user_states(study: Study, tmp_path: Path) -> None:
    feature = annotation(500, 500)
    feature["properties"]["befund"] = "myelocyte"
    path = write(tmp_path / "a.geojson", [feature])
    assert "labelled" not in done("import-cells", study.path, path)
    assert "1 labelled" in done("import-cells", study.path, path, "--label-property", "befund")


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
    ("features", "message"),
    [
        (
            [annotation(500, 500, label="tumour")],
            "feature 2 is labelled 'tumour', which is not a cell type of the study; it has ",
        ),
        ([annotation(500, 500, id_=cell_id("of a", *PLACES[0]))], "feature 2 is the same cell"),
        ([annotation(500, 500, id_=cell_id("of b", *PLACES[0]))], "feature 2 has the id of a cell on b"),
        ([annotation(5000, 500)], "feature 2 is at (5000, 500), outside a of 1000 x 800 px"),
        ([annotation(-1, 500)], "feature 2 is at (-1, 500), outside a"),
        ([{**annotation(400, 400, 600), "properties": {"objectType": "detection"}}], "feature 2 is 339 µm wide"),
        ([{**annotation(400, 400, 1), "properties": {"objectType": "detection"}}], "feature 2 is 0.56 µm wide, too"),
    ],
)
def test_with_one_wrong_feature_nothing_is_imported(
    study: Study, features: list[dict[str, Any]], message: str, tmp_path: Path
) -> None:
    first = annotation(150, 120, id_=cell_id("of a", *PLACES[0]))
    path = write(tmp_path / "a.geojson", [first, *features])
    stderr = mistake("import-cells", study.path, path)
    assert message in stderr
    assert str(path) in stderr
    assert events(study) == []


def test_with_a_wrong_second_file_the_first_is_not_imported_either(study: Study, tmp_path: Path) -> None:
    good = write(tmp_path / "a.geojson", [annotation(500, 500)])
    (tmp_path / "b.geojson.gz").write_bytes(gzip.compress(b"[]")[:-4])
    assert "b.geojson.gz is truncated" in mistake("import-cells", study.path, good, tmp_path / "b.geojson.gz")
    assert events(study) == []


def test_if_the_second_file_cannot_be_written_the_error_lists_the_first(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = ReviewStore.append

    def full(self: ReviewStore, reader: str, *words: Any) -> Any:
        if reader == "qupath:b":
            raise OrbicyteError("disk is full; nothing of this was kept")
        return append(self, reader, *words)

    monkeypatch.setattr(ReviewStore, "append", full)
    a, b = (write(tmp_path / f"{name}.geojson", [annotation(500, 500)]) for name in "ab")
    _, stderr = invoke("import-cells", study.path, a, b)
    assert f"{b}: disk is full; nothing of this was kept; files imported before it: a.geojson" in stderr
    assert [who for who, kind, _ in events(study) if kind == "add"] == ["qupath:a"]


def test_a_cell_added_and_removed_in_review_is_not_imported_by_its_id(study: Study, tmp_path: Path) -> None:
    id_ = str(uuid.uuid4())
    decide(study, "add", {"x_px": 500, "y_px": 500, "diameter_px": 20}, id_)
    with ReviewStore.open(study) as store:
        store.undo("Ada")
    path = write(tmp_path / "a.geojson", [annotation(500, 500, id_=id_)])
    assert f"removed again ({id_})" in mistake("import-cells", study.path, path)


def test_files_without_a_slide_or_of_another_type_are_errors(study: Study, tmp_path: Path) -> None:
    path = write(tmp_path / "c.geojson", [])
    assert "the study has no slide 'c': it has a, b; give one with --slide" in mistake("import-cells", study.path, path)
    assert "no slide 'd'" in mistake("import-cells", study.path, path, "--slide", "d")
    assert "a.shp does not exist" in mistake("import-cells", study.path, tmp_path / "a.shp")
    (tmp_path / "a.shp").touch()
    assert "expected .geojson" in mistake("import-cells", study.path, tmp_path / "a.shp")
    assert "a.geojson does not exist" in mistake("import-cells", study.path, tmp_path / "a.geojson")
    assert "several files for the slide a" in mistake("import-cells", study.path, path, path, "--slide", "a")
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((300, 300), np.uint8))
    assert "300 x 300 px, the slide 1000 x 800 px" in mistake("import-cells", study.path, tmp_path / "a.tif")
