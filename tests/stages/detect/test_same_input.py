"""Two commands prepare the same input in the same way: the list of slides, their names, µm per pixel and pixels."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.slides.dicom_file import write_dicom

from orbicyte.slides.check import check_slides
from orbicyte.slides.listing import list_slides
from orbicyte.slides.mpp import read_mpp_csv
from orbicyte.stages.detect.stage import detect
from orbicyte.study import Study
from orbicyte.study.slides import read_record, slide_names


@pytest.fixture
def links(tmp_path: Path, draw_slide: Callable[..., Path]) -> Path:
    """A folder of links to slides and to a folder of slides, with and without µm per pixel, and a DICOM slide."""
    folder = tmp_path / "links"
    folder.mkdir()
    for seed, (name, mpp) in enumerate([("case_1", 0.4), ("case_2", 0.4), ("case_3", None)]):
        draw_slide(tmp_path / "store" / f"key-{seed}.png", seed, mpp)
        (folder / f"{name}.png").symlink_to(f"../store/key-{seed}.png")
    draw_slide(tmp_path / "store" / "batch" / "case_4.png", 9)
    (folder / "batch").symlink_to("../store/batch")
    for level in (0, 1):
        pixels = np.full((100 >> level, 130 >> level, 3), 90, np.uint8)
        write_dicom(folder / "d" / f"l{level}.dcm", pixels, "1.2.3", 0.25, level)
    return folder


def test_check_and_detect_agree(tmp_path: Path, links: Path, standin: Callable[..., Any], here: None) -> None:
    table = tmp_path / "mpp.csv"
    table.write_text("file,mpp\ncase_1.png,0.2\nbatch/case_4.png,0.3\n", encoding="utf-8")
    for mpp in (None, 0.5):
        rows = check_slides(list_slides([links]), mpp, read_mpp_csv(table))
        path = tmp_path / f"study {mpp}"
        detect([links], path, detector=standin(), device="cpu", mpp=mpp, mpp_csv=table)
        study = Study.open(path)
        records = {Path(read_record(study, name).path): read_record(study, name) for name in slide_names(study)}
        checked = {row.path: row.info.mpp for row in rows if row.info and row.problem is None}
        assert {path: record.mpp for path, record in records.items()} == checked
        expected = {"case_1": 0.2, "case_2": 0.4, "case_4": 0.3, "l0": 0.25} | ({"case_3": mpp} if mpp else {})
        assert {record.name: record.mpp for record in records.values()} == pytest.approx(expected, rel=1e-3)


def test_a_study_that_named_the_targets_of_links_goes_on_with_its_names(
    tmp_path: Path, links: Path, standin: Callable[..., Any], here: None
) -> None:
    paths = [path.resolve() for path in links.glob("*.png")]
    detect(paths, tmp_path / "study", detector=standin(), device="cpu", mpp=0.25)
    again = detect(list(links.glob("*.png")), tmp_path / "study", detector=standin(), device="cpu", mpp=0.25)
    assert again.skipped == ["key-0", "key-1", "key-2"]
