from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orbicyte.errors import OrbicyteError
from orbicyte.study import Study
from orbicyte.study.cells import SCHEMA, write_cells
from orbicyte.study.files import write_json
from orbicyte.study.slides import (
    DetectionRecord,
    Failure,
    SlideRecord,
    failures,
    forget_detection,
    new_names,
    read_detection,
    read_record,
    slide_folder,
    slide_names,
    write_detection,
    write_failure,
    write_record,
)

RECORD = SlideRecord("a", "/data/a.svs", "aperio", 400, 300, 0.25, "f")
DETECTION = DetectionRecord("detector", None, 0)


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return Study.create(tmp_path / "study")


def test_records_are_the_same_after_writing_and_reading(study: Study) -> None:
    write_record(study, RECORD)
    assert slide_names(study) == ["a"]
    assert read_record(study, "a") == RECORD


def test_a_slide_is_done_only_when_all_its_files_exist(study: Study) -> None:
    write_detection(study, "a", DETECTION)
    write_record(study, RECORD)
    assert read_detection(study, "a") is None
    write_cells(study, "a", SCHEMA.empty_table().to_pandas())
    assert read_detection(study, "a") == DETECTION
    forget_detection(study, "a")
    assert read_detection(study, "a") is None
    assert read_record(study, "a") == RECORD


def test_a_failure_is_kept_until_the_slide_is_done(study: Study) -> None:
    failure = Failure("a", "/data/a.svs", "cut short", "Traceback")
    write_failure(study, failure)
    assert (failures(study), slide_names(study)) == ([failure], [])
    write_detection(study, "a", DETECTION)
    assert failures(study) == []


def test_damaged_and_missing_records_are_one_line_errors(study: Study) -> None:
    with pytest.raises(OrbicyteError, match="has no slide 'b'; its slides: none"):
        read_record(study, "b")
    (slide_folder(study, "a")).mkdir(parents=True)
    (slide_folder(study, "a") / "slide.json").write_text('{"format": 1, "name": "a"}')
    with pytest.raises(OrbicyteError, match=r"slide\.json is damaged: path: Field required"):
        read_record(study, "a")
    (slide_folder(study, "a") / "slide.json").write_text('{"format": 99}')
    with pytest.raises(OrbicyteError, match="install a newer orbicyte"):
        read_record(study, "a")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("path", 5),
        ("mpp", 0),
        ("mpp", -0.25),
        ("mpp", float("nan")),
        ("mpp", "x"),
        ("width_px", 0),
        ("height_px", None),
    ],
)
def test_a_record_of_impossible_values_is_a_one_line_error(field: str, value: object, study: Study) -> None:
    write_json(slide_folder(study, "a") / "slide.json", {"format": 1, **asdict(RECORD), field: value})
    with pytest.raises(OrbicyteError, match=rf"slide\.json is damaged: {field}: ") as caught:
        read_record(study, "a")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["", ".", "..", ".a", "a/b", "a\\b", "a\0", "a" * 256, "ä" * 128, "a\ud800"])
def test_no_name_refers_outside_the_folder_of_slides(name: str, study: Study) -> None:
    with pytest.raises(OrbicyteError, match="cannot be the name of a slide"):
        slide_folder(study, name)


@pytest.mark.parametrize(
    ("paths", "taken", "expected"),
    [
        (["/x/a.svs", "/x/b.svs"], [], ["a", "b"]),
        (["/x/a.svs", "/y/a.svs"], [], ["x_a", "y_a"]),
        (["/x/a.svs", "/y/b.svs"], ["a"], ["x_a", "b"]),
        (["/x/a.svs", "/x/a.tif"], [], ["x_a.svs", "x_a.tif"]),
        (["/1/x/a.svs", "/2/x/a.svs"], [], ["1_x_a.svs", "2_x_a.svs"]),
        (["/x/.svs", "/x/a\\b.svs"], [], ["svs", "a_b"]),
    ],
)
def test_names_are_as_short_as_possible(paths: list[str], taken: list[str], expected: list[str]) -> None:
    assert new_names([Path(path) for path in paths], taken) == expected


@given(
    st.lists(st.lists(st.sampled_from("ab_."), min_size=1, max_size=4), unique_by=tuple, max_size=12),
    st.sets(st.sampled_from(["ax", "bx", "ax_ax", "bx_ax"])),
)
def test_names_are_all_different_and_valid_folder_names(parts: list[list[str]], taken: set[str]) -> None:
    paths = [Path("/data", "slides", *[f"{part}x" for part in path]) for path in parts]
    names = new_names(paths, taken)
    assert len({*names}) == len(names)
    assert not taken & set(names)
    for name in names:
        slide_folder(Study(Path("study")), name)
