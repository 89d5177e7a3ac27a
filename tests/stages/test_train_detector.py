import uuid
from pathlib import Path

import pytest
import tifffile

from orbicyte.detection.detector import Detector
from orbicyte.detection.matching import Tally
from orbicyte.errors import OrbicyteError
from orbicyte.review.store import ReviewStore
from orbicyte.slides.info import record_of
from orbicyte.slides.reader import open_slide
from orbicyte.stages import train_detector as stage
from orbicyte.study import Study
from orbicyte.study.cells import read_cells, write_cells
from orbicyte.study.slides import write_record
from orbicyte.synthetic import microscope_field, sample_smear

MPP = 0.25
SIDE_UM = 200.0


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Two synthetic slides with detected cells, of which all but the last five were checked."""
    folder = tmp_path_factory.mktemp("reviewed")
    study = Study.create(folder / "study")
    detector = Detector.load(device="cpu")
    for number in range(2):
        image, _, _ = microscope_field(
            sample_smear(50 + number, SIDE_UM, SIDE_UM, cells=45), 0, 0, round(SIDE_UM / MPP), MPP
        )
        path = folder / f"s{number}.tif"
        scale = (1e4 / MPP, 1e4 / MPP)
        tifffile.imwrite(path, image, tile=(256, 256), photometric="rgb", resolution=scale, resolutionunit=3)
        _add(study, path, detector)
        _check(study, path.stem)
    return study


def _add(study: Study, path: Path, detector: Detector) -> None:
    with open_slide(path) as slide:
        info = slide.info
        write_cells(study, path.stem, detector.detect(slide, info.fingerprint))
    write_record(study, record_of(path.stem, info, MPP))


def _check(study: Study, slide: str) -> None:
    events = [
        {"id": str(uuid.uuid4()), "slide": slide, "cell": cell, "kind": "check", "after": {"status": "kept"}}
        for cell in read_cells(study, slide)["id"][:-5]
    ]
    with ReviewStore.open(study) as store:
        store.append("Ada", events)


def test_a_detector_is_trained_on_reviewed_cells_and_evaluated_on_others(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(stage, "SYNTHETIC_SMEARS", 1)
    before, after = stage.train_detector(study, tmp_path / "mine", steps=2, device="cpu")
    stderr = capfd.readouterr().err
    assert "held out: s" in stderr
    assert f"F1 on {before.truth} held-out cells: {before.f1:.3f} before, {after.f1:.3f} after" in stderr
    assert before.f1 > 0.9
    assert before.truth == after.truth
    mine = Detector.load(tmp_path / "mine", "cpu")
    assert mine.fingerprint != Detector.load(device="cpu").fingerprint


def test_a_study_without_reviews_is_an_error(study: Study, tmp_path: Path) -> None:
    other = Study.create(tmp_path / "study")
    with pytest.raises(OrbicyteError, match="check more cells"):
        stage.train_detector(other, steps=1)


@pytest.mark.parametrize(("before", "after", "word"), [(1, 2, "better"), (2, 2, "equal"), (2, 1, "worse")])
def test_the_last_line_states_whether_the_detector_is_better(
    before: int, after: int, word: str, capfd: pytest.CaptureFixture[str]
) -> None:
    tallies = [Tally(matched, 3, 3) for matched in (before, after)]
    stage._print_comparison(tallies[0], tallies[1], Path("mine"))
    assert f": {word};" in capfd.readouterr().err
