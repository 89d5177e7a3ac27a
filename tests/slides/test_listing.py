import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.slides.dicom_file import write_dicom

from orbicyte.errors import OrbicyteError
from orbicyte.slides.listing import list_slides


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_files_and_folders_become_a_sorted_list_without_repeats(tmp_path: Path) -> None:
    touch(tmp_path, "b/2.SVS", "b/c/1.tif", "b/notes.txt", "a.odd", "b/.hidden.svs", "b/.cache/3.svs")
    (tmp_path / "link.svs").symlink_to(tmp_path / "b" / "2.SVS")
    found = list_slides([tmp_path / "b", tmp_path / "a.odd", tmp_path / "b" / "c" / "1.tif", tmp_path / "link.svs"])
    assert [path.relative_to(tmp_path).as_posix() for path in found] == ["a.odd", "b/2.SVS", "b/c/1.tif"]


def test_files_that_belong_to_another_file_or_a_study_are_skipped(tmp_path: Path) -> None:
    touch(
        tmp_path,
        "m.mrxs",
        "m/Data0001.jpg",
        "v/x.vms",
        "v/x-1.jpg",
        "s/study.json",
        "s/figures/a.png",
        "p/a.png",
        "p/a.mask.tif",
        "p/@eaDir/a.png/SYNOPHOTO_THUMB.jpg",
        "#recycle/b.svs",
    )
    assert [path.name for path in list_slides([tmp_path])] == ["m.mrxs", "a.png", "x.vms"]


def test_linked_files_and_folders_are_followed_with_the_names_of_the_links(tmp_path: Path) -> None:
    touch(tmp_path, "store/x/1.svs", "store/key-77.svs", "slides/b.svs")
    (tmp_path / "slides" / "more").symlink_to(tmp_path / "store" / "x")
    (tmp_path / "slides" / "again").symlink_to(tmp_path / "store" / "x")
    (tmp_path / "slides" / "loop").symlink_to(tmp_path / "slides")
    (tmp_path / "slides" / "case.svs").symlink_to("../store/key-77.svs")
    found = list_slides([tmp_path / "slides"])
    assert [path.relative_to(tmp_path / "slides").as_posix() for path in found] == ["again/1.svs", "b.svs", "case.svs"]


def test_a_dicom_slide_of_several_files_is_listed_once(tmp_path: Path) -> None:
    pixels = np.full((100, 130, 3), 90, np.uint8)
    for series in ("1.2.3", "1.2.4"):
        for level in (0, 1):
            write_dicom(tmp_path / "d" / f"{series}.{level}", pixels, series, 0.25, level)
    write_dicom(tmp_path / "e" / "l1.dcm", pixels, "1.2.3", 0.25)
    touch(tmp_path, "d/DICOMDIR", "d/17", "f/1.dcm")
    assert [path.name for path in list_slides([tmp_path / "d"])] == ["1.2.3.0", "1.2.4.0"]
    assert [path.name for path in list_slides([tmp_path / "d" / "1.2.3.1", tmp_path / "d"])] == ["1.2.3.1", "1.2.4.0"]
    assert len(list_slides([tmp_path / "d", tmp_path / "e"])) == 3
    for name in ("1.2.3.0", "1.2.3.1"):
        (tmp_path / "g").mkdir(exist_ok=True)
        (tmp_path / "store" / name).mkdir(parents=True)
        shutil.copy(tmp_path / "d" / name, tmp_path / "store" / name)
        (tmp_path / "g" / f"{name}.dcm").symlink_to(tmp_path / "store" / name / name)
    assert [path.name for path in list_slides([tmp_path / "g"])] == ["1.2.3.0.dcm"]


def test_a_missing_path_and_a_folder_without_slides_are_errors(tmp_path: Path) -> None:
    with pytest.raises(OrbicyteError, match=r"none\.svs does not exist"):
        list_slides([tmp_path / "none.svs"])
    with pytest.raises(OrbicyteError, match=r"has no slides: looked for \.svs"):
        list_slides([tmp_path])


@pytest.mark.skipif(sys.platform != "linux", reason="file names are bytes on Linux alone")
def test_a_name_that_is_not_utf_8_is_an_error(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/sl\xe9de.tif"))
    path.touch()
    with pytest.raises(OrbicyteError, match=r"sl\\xe9de.tif' is not a path in UTF-8: rename the file"):
        list_slides([tmp_path])
