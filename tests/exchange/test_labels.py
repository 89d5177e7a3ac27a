import json
from pathlib import Path
from typing import Any

import pytest

from orbicyte.errors import OrbicyteError
from orbicyte.exchange.geojson import read_geojson

SQUARE = [[10, 10], [30, 10], [30, 30], [10, 30], [10, 10]]
CLASSES = ["lymphocyte", "band cell", "1", "not a cell"]


def written(path: Path, *properties: dict[str, Any], encoding: str = "utf-8") -> Path:
    geometry = {"type": "Polygon", "coordinates": [SQUARE]}
    features = [{"type": "Feature", "geometry": geometry, "properties": one} for one in properties]
    content = {"type": "FeatureCollection", "features": features}
    path.write_bytes(json.dumps(content, ensure_ascii=False).encode(encoding))
    return path


def read(tmp_path: Path, *properties: dict[str, Any], **given: Any) -> list[str | None]:
    return [shape.label for shape in read_geojson(written(tmp_path / "a.geojson", *properties), CLASSES, **given)]


@pytest.mark.parametrize(
    "name", ["class", "Class Name", "type_str", "name", "label", "cell-type", "classification.name", "metadata"]
)
def test_labels_in_another_property_are_read_if_all_are_types(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    some: list[Any] = ["lymphocyte", "band cell", None, "lymphocyte"]
    properties = [{name: {"cell_type": one} if name == "metadata" else one} for one in some]
    assert read(tmp_path, *properties) == some
    expected = "metadata.cell_type" if name == "metadata" else name
    assert f"labels are read from the property {expected!r}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("classification", "label"),
    [
        ({"name": "lymphocyte "}, "lymphocyte"),
        ({"name": " band \u00a0 cell"}, "band cell"),
        ('{"name": "lymphocyte", "color": [1, 2, 3]}', "lymphocyte"),
        ('{"names": ["a", "b"]}', "a: b"),
        ("lymphocyte", "lymphocyte"),
        ({"name": "NA"}, None),
        ("null", None),
        ({"name": "1.0"}, "1"),
        (1, "1"),
        ("Lymphocyte", "lymphocyte"),
        ("{broken", "{broken"),
    ],
)
def test_forms_of_a_classification(classification: Any, label: str | None, tmp_path: Path) -> None:
    assert read(tmp_path, {"classification": classification}) == [label]


def test_another_case_gives_a_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    read(tmp_path, {"classification": {"name": "Band_Cell"}})
    assert "differ only in case or form are read as the study's: 'Band_Cell' as 'band cell'" in capsys.readouterr().err


def test_names_that_are_not_read_are_listed_and_can_be_stated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    properties: list[dict[str, Any]] = [
        {"befund": "lymphocyte", "label": "Lymphozyt"},
        {"befund": None, "label": "Stab"},
    ]
    assert read(tmp_path, *properties) == [None, None]
    hint = "names in their property 'label', such as 'Lymphozyt', 'Stab', are not read"
    assert hint in capsys.readouterr().err
    assert read(tmp_path, *properties, label_property="befund") == ["lymphocyte", None]
    assert "not read" not in capsys.readouterr().err
    with pytest.raises(OrbicyteError, match=r"no property 'x' .*: it has befund, label"):
        read(tmp_path, *properties, label_property="x")


def test_names_of_features_without_a_classification_are_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert read(tmp_path, {"classification": {"name": "1"}}, {"name": "lymphocyte"}) == ["1", None]
    assert "1 features have no classification; names in their property 'name'" in capsys.readouterr().err


def test_ids_and_types_of_objects_are_no_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    properties = [{"name": f"cell {number}", "type": "annotation", "objectType": "annotation"} for number in range(9)]
    assert read(tmp_path, *properties) == [None] * 9
    assert capsys.readouterr().err == ""


def test_two_properties_with_other_labels_are_refused(tmp_path: Path) -> None:
    same = [{"label": "1", "class": "1"}, {"label": "lymphocyte", "class": "lymphocyte"}]
    assert read(tmp_path, *same) == ["1", "lymphocyte"]
    other = [{"label": "1", "class": "lymphocyte"}, {"label": "lymphocyte", "class": "1"}]
    with pytest.raises(OrbicyteError, match="labels in 'class' and others in 'label': give one with --label-property"):
        read(tmp_path, *other)


def test_other_encodings_are_read_if_likely_or_stated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    feature = {"classification": {"name": "lymphocyte"}, "measurements": {"Area µm²": 1.0}}
    (shape,) = read_geojson(written(tmp_path / "a.geojson", feature, encoding="cp1252"), CLASSES)
    assert shape.label == "lymphocyte"
    assert "read as cp1252" in capsys.readouterr().err
    path = written(tmp_path / "b.geojson", {"classification": {"name": "白血球"}}, encoding="shift_jis")
    with pytest.raises(OrbicyteError, match="--encoding"):
        read_geojson(path)
    assert [shape.label for shape in read_geojson(path, encoding="shift_jis")] == ["白血球"]
