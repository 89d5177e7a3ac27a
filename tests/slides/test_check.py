import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from orbicyte.slides.check import check_slide, check_slides

Pixels = NDArray[np.uint8]


@pytest.fixture
def endless(tmp_path: Path) -> Path:
    """A slide whose 65,536 tiles are the same one: to decode all of it takes minutes."""
    path = tmp_path / "stuck.tif"
    tifffile.imwrite(path, np.zeros((256, 256, 3), np.uint8), photometric="rgb", tile=(256, 256), metadata=None)
    with tifffile.TiffFile(path, mode="r+") as tiff:
        tags = tiff.pages.first.tags
        for name in ("ImageWidth", "ImageLength"):
            tags[name].overwrite(2**16)
        for name in ("TileOffsets", "TileByteCounts"):
            tags[name].overwrite([tags[name].value[0]] * 2**16)
    return path


def is_read(path: Path) -> bool:
    """Whether a process has the file open."""
    with suppress(OSError):
        for file in Path("/proc").glob("[0-9]*/fd/*"):
            with suppress(OSError):
                if file.readlink() == path:
                    return True
    return False


def test_results_are_in_order_each_with_its_problem(
    write_pyramid: Callable[..., Path], speckled: Pixels, tmp_path: Path
) -> None:
    good = write_pyramid("good.tif", speckled, levels=2)
    bare = write_pyramid("bare.tif", speckled, mpp=None)
    cut = write_pyramid("cut.tif", speckled)
    cut.write_bytes(cut.read_bytes()[:-100])
    (tmp_path / "text.svs").write_text("no slide")
    rows = check_slides([cut, good, tmp_path / "text.svs", bare, tmp_path / "absent.ndpi"])
    assert [row.path.name for row in rows] == ["cut.tif", "good.tif", "text.svs", "bare.tif", "absent.ndpi"]
    assert [row.readable for row in rows] == [False, True, False, True, False]
    assert [row.info is None for row in rows] == [True, False, True, False, True]
    assert "1 of 35 tiles of page 1 are missing" in (rows[0].problem or "")
    assert rows[1].problem is None
    assert rows[3].problem == "no µm per pixel: give --mpp or --mpp-csv"
    assert rows[4].problem == "No such file or directory"
    assert all("\n" not in (row.problem or "") for row in rows)


def test_mpp_of_the_table_overrides_the_mpp_for_all(write_pyramid: Callable[..., Path], speckled: Pixels) -> None:
    paths = [write_pyramid(name, speckled, mpp=None) for name in ("a.tif", "b.tif")]
    rows = check_slides(paths, mpp=0.5, mpp_table={"b": 0.2})
    assert [row.info and row.info.mpp for row in rows] == [0.5, 0.2]
    assert [row.problem for row in rows] == [None, None]


@pytest.mark.parametrize("level", [0, 2])
def test_damage_in_any_level_is_found(write_pyramid: Callable[..., Path], speckled: Pixels, level: int) -> None:
    import tifffile

    path = write_pyramid("a.tif", np.tile(speckled, (4, 4, 1)), levels=3, compression="jpeg")
    with tifffile.TiffFile(path) as tiff:
        places = list(zip(tiff.pages[level].dataoffsets, tiff.pages[level].databytecounts, strict=True))
    with path.open("r+b") as file:
        for offset, length in places[::3]:
            file.seek(offset + length // 2)
            file.write(b"\xff" * (length // 2))
    row = check_slide(path)
    assert not row.readable
    assert f"damaged: level {level}, 256 x 256 px at " in (row.problem or "")
    assert row.info is not None


def test_damage_in_one_tile_of_many_is_found_if_all_are_decoded(
    write_pyramid: Callable[..., Path], speckled: Pixels
) -> None:
    import tifffile

    path = write_pyramid("a.tif", np.tile(speckled, (12, 12, 1)), compression="jpeg")
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages[0]
        number = len(page.dataoffsets) * 2 // 5
        offset, length = page.dataoffsets[number], page.databytecounts[number]
    with path.open("r+b") as file:
        file.seek(offset + length // 2)
        file.write(b"\xff" * (length // 2))
    assert check_slide(path).readable
    assert not check_slide(path, whole=True).readable


def test_a_slide_that_hangs_is_one_result_and_the_others_are_checked(
    endless: Path, write_pyramid: Callable[..., Path], speckled: Pixels
) -> None:
    good = [write_pyramid(f"{number}.tif", speckled) for number in range(3)]
    rows = check_slides([endless, *good], time_limit_s=4, processes=1, whole=True)
    assert [row.problem for row in rows] == ["stuck: no answer within 4 s", None, None, None]
    assert not multiprocessing.active_children()


def test_a_decoder_that_crashes_is_one_result_and_the_others_are_checked(
    endless: Path, write_pyramid: Callable[..., Path], speckled: Pixels
) -> None:
    good = write_pyramid("good.tif", speckled)

    def crash() -> None:
        while not (children := multiprocessing.active_children()):
            time.sleep(0.01)
        os.kill(children[0].pid or 0, signal.SIGSEGV)

    thread = threading.Thread(target=crash)
    thread.start()
    rows = check_slides([endless, good], processes=1, whole=True)
    thread.join()
    assert [row.problem for row in rows] == ["damaged: the decoder crashed (SIGSEGV)", None]


INTERRUPTED = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from orbicyte.slides import listing
listing.list_slides = lambda paths: paths
from orbicyte.cli import app
if __name__ == "__main__":
    app(["slides", "check", "--all", sys.argv[1]])
"""


def test_ctrl_c_ends_the_check_and_leaves_no_process(endless: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(INTERRUPTED)
    process = subprocess.Popen([sys.executable, script, endless], stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not is_read(endless):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert stderr == "orbicyte: interrupted: finished work is kept; run the same command again to continue\n"
    assert not is_read(endless)
