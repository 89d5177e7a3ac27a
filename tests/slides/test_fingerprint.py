from pathlib import Path

import numpy as np
import pytest

from orbicyte.slides import fingerprint as module
from orbicyte.slides.fingerprint import fingerprint, slide_files


@pytest.mark.parametrize("size", [0, 1, 5000, 3 << 20, 40 << 20])
def test_it_follows_the_content_and_not_the_name(tmp_path: Path, size: int) -> None:
    content = bytearray(np.random.default_rng(0).bytes(size))
    first, second = tmp_path / "a.svs", tmp_path / "b.svs"
    first.write_bytes(content)
    second.write_bytes(content)
    told = fingerprint(first)
    assert told == fingerprint(second)
    for at in {0, size // 3, size - 1} if 0 < size <= 2 * module.END_BYTES else {0, size - 1} if size else set():
        changed = bytearray(content)
        changed[at] ^= 1
        second.write_bytes(changed)
        assert fingerprint(second) != told
    second.write_bytes(content + b"\0")
    assert fingerprint(second) != told


def test_it_reads_little_of_a_large_file_and_looks_into_its_middle(tmp_path: Path) -> None:
    path = tmp_path / "large.svs"
    with path.open("wb") as file:
        file.truncate(20 << 30)
    told = fingerprint(path)
    with path.open("r+b") as file:
        file.seek(module.END_BYTES + (20 << 30) // (module.BLOCKS + 1) * 3)
        file.write(b"1")
    assert fingerprint(path) != told


def test_a_slide_of_many_files_is_all_of_them(tmp_path: Path) -> None:
    (tmp_path / "a.mrxs").write_bytes(b"index")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "Data0000.dat").write_bytes(b"pixels")
    told = fingerprint(tmp_path / "a.mrxs")
    (tmp_path / "a" / "Data0000.dat").write_bytes(b"pixelz")
    assert fingerprint(tmp_path / "a.mrxs") != told
    (tmp_path / "v.vms").write_text("[Virtual Microscope Specimen]\nImageFile=v-1.jpg\nMapFile=gone.jpg\n")
    (tmp_path / "v-1.jpg").write_bytes(b"pixels")
    assert slide_files(tmp_path / "v.vms") == [tmp_path / "v.vms", tmp_path / "v-1.jpg"]
