import os
from pathlib import Path

import numpy as np
import pytest
from tests.slides.dicom_file import element, open_sequence, write_dicom

from orbicyte.slides.dicom import Instance, files_of, read_instance
from orbicyte.slides.fingerprint import fingerprint
from orbicyte.slides.reader import open_slide

PIXELS = np.broadcast_to(np.linspace(50, 200, 420)[None, :, None], (300, 420, 3)).astype(np.uint8)


@pytest.fixture
def levels(tmp_path: Path) -> list[Path]:
    """A slide of two files."""
    return [
        write_dicom(tmp_path / f"l{level}.dcm", PIXELS[:: level + 1, :: level + 1], "1.2.3.77", 0.25, level)
        for level in (0, 1)
    ]


def test_each_file_is_the_whole_slide(levels: list[Path], tmp_path: Path) -> None:
    write_dicom(tmp_path / "other.dcm", PIXELS, "1.2.3.78", 0.25)
    for path in levels:
        assert files_of(path) == levels
        with open_slide(path) as slide:
            assert (slide.info.vendor, slide.info.mpp) == ("dicom", 0.25)
            assert slide.info.level_sizes == ((420, 300), (210, 150))
            assert abs(slide.region(0, 0, 420, 300).astype(int) - PIXELS).max() <= 4
    assert fingerprint(levels[0]) == fingerprint(levels[1]) != fingerprint(tmp_path / "other.dcm")


def test_a_slide_with_other_file_names_is_the_same_and_without_a_level_it_is_not(levels: list[Path]) -> None:
    before = fingerprint(levels[0])
    renamed = levels[0].rename(levels[0].with_name("z.dcm"))
    assert fingerprint(renamed) == before
    levels[1].unlink()
    assert fingerprint(renamed) != before


def test_uids_are_read_from_implicit_files_too(tmp_path: Path) -> None:
    def implicit(tag: int, value: bytes) -> bytes:
        return element(tag, "UL", 0)[:4] + len(value).to_bytes(4, "little") + value

    whole_slide = "1.2.840.10008.5.1.4.1.1.77.1.6"
    meta = element(0x00020002, "UI", whole_slide) + element(0x00020010, "UI", "1.2.840.10008.1.2")
    rest = implicit(0x00080018, b"1.2.5.1\0") + implicit(0x00080060, b"SM") + implicit(0x0020000E, b"1.2.5\0")
    (tmp_path / "a").write_bytes(bytes(128) + b"DICM" + meta + rest)
    assert read_instance(tmp_path / "a") == Instance("1.2.5", "1.2.5.1")


def test_other_and_damaged_files_are_no_slides(levels: list[Path], tmp_path: Path) -> None:
    content = levels[0].read_bytes()
    radiology = content.replace(b"77.1.6", b"77.1.5")
    nested = bytes(128) + b"DICM" + element(0x00020002, "UI", "1.2.840.10008.5.1.4.1.1.77.1.6")
    for _ in range(20_000):
        nested += open_sequence(0x00081140, b"")[:20]
    for number, damaged in enumerate([b"", b"DICM", content[:140], content[:400], radiology, nested, os.urandom(999)]):
        (tmp_path / str(number)).write_bytes(damaged)
        assert read_instance(tmp_path / str(number)) is None
