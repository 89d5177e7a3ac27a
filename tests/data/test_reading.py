from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from orbicyte.data.patches import Entry, Skipped
from orbicyte.data.reading import read_entries, read_sizes
from orbicyte.data.resizing import ResizePlan
from orbicyte.errors import OrbicyteError


def _listing(folder: Path, count: int, broken: int) -> pd.DataFrame:
    for index in range(count):
        Image.fromarray(np.full((16, 20), index, np.uint8)).save(folder / f"{index:03}.png")
    for index in range(broken):
        (folder / f"{index:03}.png").write_text("text")
    files = [f"{index:03}.png" for index in range(count)]
    listing = pd.DataFrame({"root": str(folder), "file": files, "label": None, "slide": None, "patient": None})
    return listing.assign(mpp=float("nan"), shared=False)


def test_entries_and_skipped_files_are_in_order(tmp_path: Path) -> None:
    listing = _listing(tmp_path, 150, broken=7)
    sizes = read_sizes(listing)
    assert sizes[7:] == [(20, 16)] * 143
    (tmp_path / "149.png").write_bytes((tmp_path / "149.png").read_bytes()[:45])
    listing = listing.iloc[3:]
    entries = list(read_entries(listing, sizes[3:], ResizePlan(16, 16)))
    assert [entry.file for entry in entries] == list(listing["file"])
    assert [int(entry.image[0, 0, 0]) for entry in entries if isinstance(entry, Entry)] == list(range(7, 149))
    skipped = [entry for entry in entries if isinstance(entry, Skipped)]
    assert [item.reason[:12] for item in skipped] == ["not an image"] * 4 + [skipped[-1].reason[:12]]


def test_more_than_one_in_twenty_stops(tmp_path: Path) -> None:
    read_sizes(_listing(tmp_path, 40, broken=2))
    listing = _listing(tmp_path, 40, broken=3)
    with pytest.raises(OrbicyteError, match=r"more than 5% of 40 files .*\(000\.png: not an image") as caught:
        read_sizes(listing)
    assert "\n" not in str(caught.value)
