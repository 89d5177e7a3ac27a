from pathlib import Path

import numpy as np
import pytest

from orbicyte.slides import fingerprint as module
from orbicyte.slides.fingerprint import fingerprint, slide_files


@pytest.mark.parametrize("size", [0, 1, 5000, 3 << 20, 40 << 20])
def test_it_depends_on_the_content_and_not_on_the_name(tmp_path: Path, size: int) -> None:
    content = bytearray(np.random.default_rng(0).bytes(size))
    first, second = tmp_path / "a.svs", tmp_path / "b.svs"
    first.write_bytes(content)
    second.write_bytes(content)
    before = fingerprint(first)
    assert before == fingerprint(second)
    for at in {0, size // 3, size - 1} if 0 < size <= 2 * module.END_BYTES else {0, size - 1} if size else set():
        changed = bytearray(content)
        changed[at] ^= 1
        second.write_bytes(changed)
        assert fingerprint(second) != before
    second.write_bytes(content + b"\0")
    assert fingerprint(second) != before


def test_it_reads_small_parts_of_a_large_file_also_in_its_middle(tmp_path: Path) -> None:
    path = tmp_path / "large.svs"
    with path.open("wb") as file:
        file.truncate(20 << 30)
    before = fingerprint(path)
    with path.open("r+b") as file:
        file.seek(module.END_BYTES + (20 << 30) // (module.BLOCKS + 1) * 3)
        file.write(b"1")
    assert fingerprint(path) != before


def test_it_includes_all_files_of_a_slide(tmp_path: Path) -> None:
    (tmp_path / "a.mrxs").write_bytes(b"index")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "Data0000.dat").write_bytes(b"pixels")
    before = fingerprint(tmp_path / "a.mrxs")
    (tmp_path / "a" / "Data0000.dat").write_bytes(b"pixelz")
    assert fingerprint(tmp_path / "a.mrxs") != before
    (tmp_path / "v.vms").write_text("[Virtual Microscope Specimen]\nImageFile=v-1.jpg\nMapFile=gone.jpg\n")
    (tmp_path / "v-1.jpg").write_bytes(b"pixels")
    assert slide_files(tmp_path / "v.vms") == [tmp_path / "v.vms", tmp_path / "v-1.jpg"]
