"""export geojson: an export that is imported unchanged changes nothing."""

import uuid
from pathlib import Path

import pytest
from tests.stages.made_detections import (
    decide,
    detected_study,
    done,
    events,
    mistake,
    require_old_file_survives_full_disk,
)

from orbicyte.study import Study


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return detected_study(tmp_path / "study")


@pytest.mark.parametrize("words", [[], ["--annotations"], ["--gz"]])
def test_an_export_imported_unchanged_changes_nothing(study: Study, words: list[str]) -> None:
    decide(study, "name", {"label": "lymphocyte"})
    decide(study, "move", {"x_px": 210, "y_px": 110}, 1)
    decide(study, "resize", {"diameter_px": 33}, 1)
    decide(study, "check", {"status": "rejected"}, 2)
    decide(study, "add", {"x_px": 1.0, "y_px": 2.0, "diameter_px": 20}, str(uuid.uuid4()))
    before = events(study)
    done("export", "geojson", study.path, *words)
    files = sorted((study.path / "geojson").iterdir())
    assert [file.name.partition(".")[0] for file in files] == ["a", "b"]
    stderr = done("import-cells", study.path, *files)
    assert stderr.count("nothing new") == 2
    assert events(study) == before


def test_a_study_without_slides_is_refused(tmp_path: Path) -> None:
    empty = Study.create(tmp_path / "empty")
    assert "has no slides" in mistake("export", "geojson", empty.path)


def test_a_full_disk_leaves_the_old_file(study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require_old_file_survives_full_disk(study, "geojson", tmp_path, tmp_path / "b.geojson", monkeypatch)
