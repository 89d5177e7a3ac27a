import gzip
import json
import uuid
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orbicyte.errors import OrbicyteError
from orbicyte.exchange.geojson import read_geojson, write_geojson
from orbicyte.exchange.shapes import centroid_and_diameter, circle, corners

MPP = 0.25
CLASSES = ["lymphocyte", "µ-cell ✓", "band"]
SQUARE = [[10, 10], [30, 10], [30, 30], [10, 30], [10, 10]]
ID = "0b9f4b6e-4b4c-4a53-9f43-2f4b2c2f1a10"


def table(rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    columns = ["id", "x_px", "y_px", "diameter_um", "score", "outline_px", "label"]
    cells = pd.DataFrame(rows, columns=columns).astype({"score": float})
    cells["label"] = pd.Series([row[-1] for row in rows], dtype=object)
    return cells


def feature(geometry: Any = None, id_: Any = None, **properties: Any) -> dict[str, Any]:
    geometry = {"type": "Polygon", "coordinates": [SQUARE]} if geometry is None else geometry
    made = {"type": "Feature", "geometry": geometry, "properties": {"objectType": "detection", **properties}}
    return made if id_ is None else {**made, "id": id_}


def written(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def one(tmp_path: Path, *features: Any) -> Any:
    (shape,) = read_geojson(written(tmp_path / "a.geojson", {"type": "FeatureCollection", "features": features}))
    return shape


@st.composite
def rows(draw: st.DrawFn) -> tuple[Any, ...]:
    x, y = draw(st.floats(0, 1e5)), draw(st.floats(0, 1e5))
    diameter_um = draw(st.floats(1, 50))
    around = circle(x, y, diameter_um / MPP) + draw(st.floats(-0.2, 0.2))
    outline = draw(st.sampled_from([None, around.ravel().astype(np.float32).tolist()]))
    score = draw(st.one_of(st.just(np.nan), st.floats(0, 1)))
    return (str(draw(st.uuids())), x, y, diameter_um, score, outline, draw(st.sampled_from([None, *CLASSES])))


@given(st.lists(rows(), max_size=5, unique_by=lambda row: row[0]), st.sampled_from(["a.geojson", "a.geojson.gz"]))
def test_a_round_trip_keeps_ids_labels_and_geometry(cells: list[tuple[Any, ...]], name: str) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        write_geojson(path, table(cells), MPP, CLASSES)
        shapes = read_geojson(path)
    assert [shape.id for shape in shapes] == [row[0] for row in cells]
    assert [shape.label for shape in shapes] == [row[-1] for row in cells]
    for shape, (_, x, y, diameter_um, _, outline, _) in zip(shapes, cells, strict=True):
        expected = centroid_and_diameter(corners(outline, x, y, diameter_um / MPP))
        assert shape.diameter_px is not None
        assert (shape.x_px, shape.y_px, shape.diameter_px) == pytest.approx(expected, abs=0.02)


def test_files_have_the_form_that_qupath_reads(tmp_path: Path) -> None:
    outline = [10.0, 10, 30, 10, 30, 30, 10, 30]
    cells = table(
        [(ID, 20.0, 20.0, 5.6, 0.75, outline, "band"), (str(uuid.uuid4()), 9.0, 9.0, 5.0, np.nan, None, None)]
    )
    write_geojson(tmp_path / "a.geojson", cells, MPP, CLASSES, annotations=True)
    content = json.loads((tmp_path / "a.geojson").read_text(encoding="utf-8"))
    first, second = content["features"]
    assert content["type"] == "FeatureCollection"
    assert (first["type"], first["id"]) == ("Feature", ID)
    assert first["geometry"] == {"type": "Polygon", "coordinates": [SQUARE]}
    assert first["properties"]["objectType"] == "annotation"
    assert first["properties"]["classification"] == {"name": "band", "color": [44, 160, 44]}
    assert first["properties"]["measurements"] == {"diameter µm": 5.6, "score": 0.75}
    assert second["geometry"]["coordinates"][0][0] == second["geometry"]["coordinates"][0][-1]
    assert second["properties"].keys() == {"objectType", "measurements"}


def test_gz_has_the_same_text_and_the_same_bytes_each_time(tmp_path: Path) -> None:
    cells = table([(ID, 20.0, 20.0, 5.0, 0.5, None, None)])
    for name in ("a.geojson", "a.geojson.gz", "b.geojson.gz"):
        write_geojson(tmp_path / name, cells, MPP, CLASSES)
    assert gzip.decompress((tmp_path / "a.geojson.gz").read_bytes()) == (tmp_path / "a.geojson").read_bytes()
    assert (tmp_path / "a.geojson.gz").read_bytes() == (tmp_path / "b.geojson.gz").read_bytes()


@pytest.mark.parametrize("wrap", [lambda f: {"type": "FeatureCollection", "features": [f]}, lambda f: [f], lambda f: f])
def test_collections_lists_and_single_features_are_read(wrap: Any, tmp_path: Path) -> None:
    (shape,) = read_geojson(written(tmp_path / "a.json", wrap(feature(id_=ID))))
    assert (shape.id, shape.x_px, shape.y_px) == (ID, 20, 20)
    assert shape.diameter_px == pytest.approx(2 * np.sqrt(400 / np.pi))


@pytest.mark.parametrize(
    ("properties", "label"),
    [
        ({"classification": {"name": "Tumor", "color": [200, 0, 0]}, "isLocked": True}, "Tumor"),
        ({"classification": {"name": "Tumor", "colorRGB": -3670016}}, "Tumor"),
        ({"classification": {"names": ["Tumor", "Positive"], "color": [200, 0, 0]}}, "Tumor: Positive"),
        ({"classification": {"name": None, "colorRGB": -1}, "name": None}, None),
        ({"classification": None, "measurements": [{"name": "Area", "value": "NaN"}]}, None),
        ({"classification": {"names": []}, "measurements": {"Area": 1.5}, "metadata": {"note": "x"}}, None),
        ({}, None),
    ],
)
def test_labels_are_read_in_every_form_of_qupath(properties: dict[str, Any], label: str | None, tmp_path: Path) -> None:
    assert one(tmp_path, feature(**properties)).label == label


@pytest.mark.parametrize("id_", [None, "PathDetectionObject", 7, "cell-3"])
def test_an_id_that_is_not_a_uuid_becomes_none(id_: Any, tmp_path: Path) -> None:
    assert one(tmp_path, feature(id_=id_)).id is None


def test_children_are_cells_and_roots_and_tiles_are_not(tmp_path: Path) -> None:
    child = feature(id_=ID)
    tile = feature(objectType="tile")
    assert one(tmp_path, feature({"type": "Point"}, objectType="root", childObjects=[tile, child])).id == ID


def test_each_polygon_is_a_cell_the_largest_with_the_features_id_and_holes_do_not_count(tmp_path: Path) -> None:
    small = [[0, 0], [4, 0], [4, 4], [0, 0]]
    hole = [[12, 12], [14, 12], [14, 14], [12, 12]]
    several = {"type": "MultiPolygon", "coordinates": [[small], [SQUARE, hole]]}
    path = written(tmp_path / "a.json", [feature(several, id_=ID)])
    first, second = read_geojson(path)
    assert (second.x_px, second.y_px, second.id, second.pieces) == (20, 20, ID, 2)
    assert second.diameter_px == pytest.approx(2 * np.sqrt(400 / np.pi))
    assert first.diameter_px == pytest.approx(2 * np.sqrt(8 / np.pi))
    assert first.id not in (ID, None)
    assert [shape.id for shape in read_geojson(path)] == [first.id, ID]


def test_a_collection_of_geometries_has_a_cell_for_each_polygon_and_point(tmp_path: Path) -> None:
    point, line = {"type": "Point", "coordinates": [1, 2]}, {"type": "LineString", "coordinates": [[0, 0], [1, 1]]}
    polygon = {"type": "Polygon", "coordinates": [SQUARE]}
    several = {"type": "GeometryCollection", "geometries": [point, line, polygon]}
    path = written(tmp_path / "a.json", [feature(several, objectType="annotation")])
    assert [(shape.x_px, shape.y_px) for shape in read_geojson(path)] == [(1, 2), (20, 20)]


def test_points_are_cells_without_a_size(tmp_path: Path) -> None:
    shape = one(tmp_path, feature({"type": "Point", "coordinates": [3.5, 4]}, id_=ID))
    assert (shape.id, shape.x_px, shape.y_px, shape.diameter_px) == (ID, 3.5, 4, None)
    many = written(tmp_path / "b.json", [feature({"type": "MultiPoint", "coordinates": [[1, 2], [3, 4]]}, id_=ID)])
    ids = [shape.id for shape in read_geojson(many)]
    assert len({*ids, ID}) == 3
    assert ids == [shape.id for shape in read_geojson(many)]


OPEN = [[10, 10], [30, 10], [30, 30], [10, 30]]
LINE = [[10, 10], [30, 10], [20, 10], [10, 10]]


@pytest.mark.parametrize(
    ("geometry", "message"),
    [
        (
            {"type": "Polygon", "coordinates": [OPEN]},
            "a ring that does not close: it begins at (10, 10) and ends at (10, 30)",
        ),
        ({"type": "Polygon", "coordinates": [[[1, 1], [2, 2], [1, 1]]]}, "a ring of 3 points"),
        ({"type": "Polygon", "coordinates": [LINE]}, "an outline that encloses nothing"),
        ({"type": "Polygon", "coordinates": []}, "a Polygon without a ring"),
        ({"type": "Polygon", "coordinates": [[[1, "x"], [2, 2], [3, 3], [1, 1]]]}, "not pairs of numbers"),
        ({"type": "Polygon", "coordinates": [[[1], [2], [3], [1]]]}, "not pairs of numbers"),
        ({"type": "Point", "coordinates": [1, float("nan")]}, "not pairs of numbers"),
        ({"type": "Point", "coordinates": [1, 10**400]}, "not pairs of numbers"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1e308, 0], [1e308, 1e308], [0, 0]]]}, "beyond any slide"),
        ({"type": "LineString", "coordinates": OPEN}, "is a LineString"),
        ("nowhere", "has no geometry"),
    ],
)
def test_a_wrong_geometry_is_an_error_with_file_and_feature(geometry: Any, message: str, tmp_path: Path) -> None:
    path = written(tmp_path / "a.geojson", [feature(), feature(geometry)])
    with pytest.raises(OrbicyteError) as error:
        read_geojson(path)
    assert str(error.value).startswith(f"{path}, feature 2 ")
    assert message in str(error.value)


def test_an_outline_that_crosses_itself_has_an_area(tmp_path: Path) -> None:
    knot = [[0, 0], [20, 0], [20, 20], [10, -1], [0, 20], [0, 0]]
    assert one(tmp_path, feature({"type": "Polygon", "coordinates": [knot]})).diameter_px > 0


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.geojson", b"cells", "not GeoJSON, or truncated"),
        ("a.geojson", b'{"type": "FeatureCollection", "features": [{"type"', "not GeoJSON, or truncated"),
        ("a.geojson", b"\xff\xfe\x00", "not text, or truncated"),
        ("a.geojson", b'{"cells": 3}', "not GeoJSON: expected"),
        ("a.geojson", b"[1]", "expected features"),
        ("a.geojson", b'{"type": "FeatureCollection", "features": null}', "not GeoJSON: expected"),
        ("a.geojson.gz", gzip.compress(b"[]" * 1000, mtime=0)[:-9], "truncated or damaged"),
        ("a.geojson.gz", gzip.compress(b"[]", mtime=0)[:12] + b"\x00" * 9, "truncated or damaged"),
        ("a.geojson", b"[" * 100_000, "nested too deeply"),
    ],
)
def test_a_file_that_is_not_geojson_is_an_error(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(OrbicyteError, match=message) as error:
        read_geojson(tmp_path / name)
    assert str(tmp_path / name) in str(error.value)


def test_a_small_file_that_becomes_a_large_one_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.geojson.gz"
    path.write_bytes(gzip.compress(b"[" + b"[]," * 12_000_000 + b"[]]", 9, mtime=0))
    with pytest.raises(OrbicyteError, match=r"bytes that become more than 33,554,432"):
        read_geojson(path)


@given(st.floats(0, 1e5), st.floats(0, 1e5), st.floats(1, 1000))
def test_a_circle_has_the_discs_centre_and_area(x_px: float, y_px: float, diameter_px: float) -> None:
    assert centroid_and_diameter(circle(x_px, y_px, diameter_px)) == pytest.approx(
        (x_px, y_px, diameter_px), rel=1e-6, abs=1e-6
    )
