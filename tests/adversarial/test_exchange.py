"""Hostile files of other programs: one clear line each, in little memory and time, and no decision is stored."""

from pathlib import Path

from tests.adversarial import hostile_exchange
from tests.adversarial.limited import outcomes
from tests.stages.made_detections import detected_study, events


def test_hostile_exchange_files_are_refused_and_change_nothing(tmp_path: Path) -> None:
    study, folder = detected_study(tmp_path / "study"), tmp_path / "files"
    folder.mkdir()
    hostile_exchange.make(folder)
    found = outcomes(hostile_exchange.__file__, folder, study.path)
    assert found.keys() == {path.name for path in folder.iterdir()}
    for name, (code, lines, text) in found.items():
        assert code == "2", (name, text)
        assert lines == "1", (name, text)
        assert text.startswith("orbicyte: "), (name, text)
        assert len(text) < 600, (name, text)
    assert events(study) == []
