import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tifffile
from numpy.typing import NDArray

from orbicyte.data.patches import PatchStore
from orbicyte.errors import OrbicyteError
from orbicyte.review.accepted import Border
from orbicyte.review.store import ReviewStore
from orbicyte.slides.info import record_of
from orbicyte.slides.reader import SlideReader, open_slide
from orbicyte.stages.cut import cut
from orbicyte.study import Study
from orbicyte.study.cells import cell_id, read_cells, write_cells
from orbicyte.study.slides import SlideRecord, write_record

MPP = 0.25
SIZES: dict[str, Any] = {"mpp": 0.25, "view_px": 16}  # stored: 24 px
SIDE_PX = 24
PLACES = [(60.0, 50.0), (200.0, 44.0), (130.0, 120.0), (5.0, 100.0), (333.0, 222.0), (70.0, 260.0)]


def pixels(seed: int, width_px: int = 420, height_px: int = 300) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(60, 256, (height_px, width_px, 3), dtype=np.uint8)


def add_slide(study: Study, folder: Path, name: str, seed: int = 0, places: list[tuple[float, float]] = PLACES) -> None:
    """A slide of noise with cells at ``places``, as a file and in the study."""
    path = folder / f"{name}.tif"
    tifffile.imwrite(
        path, pixels(seed), tile=(64, 64), photometric="rgb", resolution=(1e4 / MPP, 1e4 / MPP), resolutionunit=3
    )
    with open_slide(path, mpp=MPP) as slide:
        info = slide.info
    record = record_of(name, info, MPP)
    write_record(study, record)
    write_cells(study, name, cells_at(record, places))


def cells_at(record: SlideRecord, places: list[tuple[float, float]]) -> pd.DataFrame:
    rows = [
        {
            "id": cell_id(record.fingerprint, x, y),
            "x_px": x,
            "y_px": y,
            "x_um": x * MPP,
            "y_um": y * MPP,
            "diameter_um": 4.0,
            "score": 0.9,
            "outline_px": None,
        }
        for x, y in places
    ]
    return pd.DataFrame(rows)


def decide(study: Study, slide: str, kind: str, cell: int, **after: object) -> None:
    """An event of the reader Ada about the detected cell number ``cell``."""
    id_ = read_cells(study, slide)["id"][cell]
    with ReviewStore.open(study) as store:
        event = {"id": str(np.random.default_rng().integers(2**60)), "slide": slide, "cell": id_, "kind": kind}
        store.append("Ada", [event | {"after": after}])


@pytest.fixture
def slides(tmp_path: Path) -> Study:
    """Two slides of noise with five cells each whose patch is on the slide, and one at the border."""
    study = Study.create(tmp_path / "slides")
    add_slide(study, tmp_path, "a", seed=0)
    add_slide(study, tmp_path, "b", seed=1)
    return study


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, float]]:
    """Centres of the squares that are read from slides."""
    seen: list[tuple[float, float]] = []
    read = SlideReader.read

    def counted(self: SlideReader, x: float, y: float, width: int, height: int, mpp: float) -> NDArray[np.uint8]:
        seen.append((x + width * mpp / MPP / 2, y + height * mpp / MPP / 2))
        return read(self, x, y, width, height, mpp)

    monkeypatch.setattr(SlideReader, "read", counted)
    return seen


def by_cell(store: PatchStore) -> dict[str, NDArray[np.uint8]]:
    return {file: np.array(image) for file, image in zip(store.cells["file"], store.images, strict=True)}


def test_patches_are_the_pixels_of_the_slide_with_the_cell_in_the_centre(slides: Study) -> None:
    store = cut(slides, **SIZES)
    assert (len(store), store.side_px, store.view_px, store.mpp) == (10, SIDE_PX, 16, 0.25)
    assert store.has_margin
    for seed, name in enumerate("ab"):
        whole = pixels(seed)
        for at in np.flatnonzero(store.cells["slide"] == name):
            x, y = (int(store.cells[axis][at]) for axis in ("x_px", "y_px"))
            np.testing.assert_array_equal(store.images[at], whole[y - 12 : y + 12, x - 12 : x + 12])


def test_the_table_has_slide_reader_status_and_label_of_each_cell(
    slides: Study, capfd: pytest.CaptureFixture[str]
) -> None:
    for cell, label in ((0, "monocyte"), (1, "unsure"), (2, "other")):
        decide(slides, "a", "name", cell, label=label)
    decide(slides, "a", "check", 1, status="kept")
    decide(slides, "a", "check", 4, status="rejected")
    store = cut(slides, **SIZES)
    found = read_cells(slides, "a")
    rows = store.cells[store.cells["slide"] == "a"].set_index("id").loc[found["id"][[0, 1, 2, 5]]]
    assert rows["label"].tolist() == ["monocyte", None, None, None]
    assert rows["shared"].tolist() == [False, True, True, True]
    assert rows["status"].tolist() == ["unchecked", "kept", "unchecked", "unchecked"]
    assert rows["reviewer"].tolist() == [None, "Ada", None, None]
    assert rows["x_px"].tolist() == found["x_px"][[0, 1, 2, 5]].tolist()
    assert found["id"][4] not in store.cells["id"].to_numpy()
    assert not store.cells[store.cells["slide"] == "b"]["shared"].any()
    assert len(store.unlabelled) == 5  # the other slide's
    printed = capfd.readouterr().err
    assert (
        "8 of 11 cells were not checked by any reader; they are cut too ('orbicyte cut --checked-only' leaves them out)"
        in printed
    )
    assert (
        "closer than 3.0 µm to the border of their slide: 2 cells, left out ('orbicyte cut --border white' keeps them)"
        in printed
    )


def test_cutting_again_reads_nothing(
    slides: Study, reads: list[tuple[float, float]], capfd: pytest.CaptureFixture[str]
) -> None:
    store = cut(slides, **SIZES)
    assert len(reads) == 10
    before = {path: path.stat().st_mtime_ns for path in store.path.iterdir()}
    again = cut(slides)
    assert len(reads) == 10
    assert "patches: already cut" in capfd.readouterr().err
    assert {path: path.stat().st_mtime_ns for path in store.path.iterdir()} == before
    assert again.fingerprint == store.fingerprint


def test_only_the_patch_of_a_moved_cell_is_replaced(slides: Study, reads: list[tuple[float, float]]) -> None:
    before = cut(slides, **SIZES)
    old, rows = by_cell(before), before.cells.set_index("file")["cell"]
    decide(slides, "b", "move", 0, x_px=66.0, y_px=57.0)
    reads.clear()
    after = cut(slides)
    assert reads == [(66.0, 57.0)]
    new = by_cell(after)
    changed = [file for file in new if not np.array_equal(new[file], old[file])]
    assert changed == [f"b/{read_cells(slides, 'b')['id'][0]}"]
    np.testing.assert_array_equal(new[changed[0]], pixels(1)[45:69, 54:78])
    pd.testing.assert_series_equal(after.cells.set_index("file")["cell"], rows)
    assert after.fingerprint != before.fingerprint
    decide(slides, "b", "move", 0, x_px=60.0, y_px=50.0)
    assert cut(slides).fingerprint == before.fingerprint


def test_patches_of_added_cells_are_added_and_of_rejected_ones_removed(
    slides: Study, reads: list[tuple[float, float]]
) -> None:
    old = by_cell(cut(slides, **SIZES))
    gone = f"a/{read_cells(slides, 'a')['id'][0]}"
    decide(slides, "a", "check", 0, status="rejected")
    reads.clear()
    assert by_cell(cut(slides)).keys() == old.keys() - {gone}
    assert reads == []
    with ReviewStore.open(slides) as store:
        place = {"x_px": 300.0, "y_px": 90.0, "diameter_px": 9.0}
        added = [{"id": f"e{i}", "slide": "b", "cell": f"new-{i}", "kind": "add", "after": place} for i in range(3)]
        store.append("Bo", added)
    new = by_cell(cut(slides))
    assert set(reads) == {(300.0, 90.0)}
    assert len(reads) == 3
    assert new.keys() == old.keys() - {gone} | {f"b/new-{i}" for i in range(3)}
    for file in old.keys() - {gone}:
        np.testing.assert_array_equal(new[file], old[file])


def test_new_labels_change_only_the_table(slides: Study, reads: list[tuple[float, float]]) -> None:
    before = cut(slides, **SIZES)
    old = by_cell(before)
    decide(slides, "a", "name", 0, label="monocyte")
    reads.clear()
    after = cut(slides)
    assert reads == []
    assert after.types == {"monocyte": 1}
    assert int(after.cells["shared"].sum()) == 4
    assert after.fingerprint != before.fingerprint
    assert all(np.array_equal(image, old[file]) for file, image in by_cell(after).items())


def test_a_labelled_cell_is_checked(slides: Study, capfd: pytest.CaptureFixture[str]) -> None:
    decide(slides, "a", "name", 0, label="monocyte")
    cut(slides, **SIZES)
    counts = re.search(r"(\d+) of (\d+) cells were not checked", capfd.readouterr().err)
    assert counts is not None
    assert int(counts[1]) == int(counts[2]) - 1
    assert cut(slides, checked_only=True).types == {"monocyte": 1}
    decide(slides, "a", "name", 1, label="unsure")
    assert len(cut(slides)) == 1


def test_omitted_options_keep_their_previous_values(slides: Study, reads: list[tuple[float, float]]) -> None:
    decide(slides, "a", "check", 1, status="kept")
    assert len(cut(slides, **SIZES, checked_only=True)) == 1
    store = cut(slides)
    assert (len(store), store.side_px) == (1, SIDE_PX)
    assert len(cut(slides, checked_only=False, border="white")) == 12
    assert len(reads) == 12


def test_other_sizes_cut_everything_again(slides: Study, reads: list[tuple[float, float]]) -> None:
    cut(slides, **SIZES)
    store = cut(slides, mpp=0.5)
    assert len(reads) == 10 + 10
    assert (store.mpp, store.side_px, set(store.cells["mpp"])) == (0.5, SIDE_PX, {0.5})
    assert cut(slides, view_px=20, mpp=0.25).side_px == 30


def test_cells_on_which_readers_disagree_have_no_label_unless_one_reader_is_chosen(slides: Study) -> None:
    decide(slides, "a", "name", 0, label="monocyte")
    with ReviewStore.open(slides) as store:
        event = {"id": "e1", "slide": "a", "cell": read_cells(slides, "a")["id"][0], "kind": "name"}
        store.append("Bo", [event | {"after": {"label": "lymphocyte"}}])
    assert cut(slides, **SIZES).types == {}
    assert cut(slides, reader="Bo").types == {"lymphocyte": 1}
    assert cut(slides).types == {"lymphocyte": 1}
    assert cut(slides, reader="").types == {}


@pytest.mark.parametrize("border", ["drop", "white"])
def test_pixels_beyond_the_border_are_white_or_the_cell_is_dropped(slides: Study, border: Border) -> None:
    store = cut(slides, **SIZES, border=border)
    at_edge = f"a/{read_cells(slides, 'a')['id'][3]}"  # x = 5, and half a stored side is 12 px
    assert (at_edge in by_cell(store)) == (border == "white")
    if border == "white":
        image = by_cell(store)[at_edge]
        assert (image[:, :7] == 255).all()
        np.testing.assert_array_equal(image[:, 7:], pixels(0)[88:112, :17])


def test_a_missing_or_replaced_slide_is_left_out_with_a_warning(
    slides: Study, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.tif").rename(tmp_path / "elsewhere.tif")
    store = cut(slides, **SIZES)
    assert set(store.cells["slide"]) == {"b"}
    printed = capfd.readouterr().err
    assert f"warning: slide a is left out: {tmp_path / 'a.tif'}: No such file or directory" in printed
    (tmp_path / "b.tif").rename(tmp_path / "a.tif")
    assert set(cut(slides).cells["slide"]) == {"b"}  # needs no slide
    assert "is no longer the slide on which the cells were detected" in capfd.readouterr().err
    (tmp_path / "elsewhere.tif").rename(tmp_path / "a.tif")
    assert set(cut(slides).cells["slide"]) == {"a", "b"}
    assert "slide a is left out" not in capfd.readouterr().err


def test_cells_of_a_new_slide_of_the_same_name_are_cut_again(
    slides: Study, tmp_path: Path, reads: list[tuple[float, float]]
) -> None:
    old = by_cell(cut(slides, **SIZES))
    ids = read_cells(slides, "a")["id"]
    add_slide(slides, tmp_path, "a", seed=5)
    write_cells(slides, "a", read_cells(slides, "a").assign(id=ids))  # the worst case: ids that collide
    reads.clear()
    new = by_cell(cut(slides))
    assert len(reads) == 5
    assert {file for file in new if not np.array_equal(new[file], old[file])} == {f for f in old if f.startswith("a/")}


def test_nothing_to_cut_is_a_one_line_error(slides: Study, study: Path, tmp_path: Path) -> None:
    with pytest.raises(OrbicyteError, match="has no slides: run 'orbicyte detect SLIDES --out"):
        cut(Study.create(tmp_path / "empty"))
    with pytest.raises(OrbicyteError, match="holds imported patches: cut the slides into a separate study"):
        cut(study)
    with pytest.raises(OrbicyteError, match="no cells to cut in"):
        cut(slides, **SIZES, checked_only=True)
    with pytest.raises(OrbicyteError, match=r"--mpp takes µm per pixel from 0.01 to 10, got nan"):
        cut(slides, mpp=float("nan"))
    assert not slides.patches.exists()


def test_the_warning_about_coarse_slides_is_printed_once(slides: Study, capfd: pytest.CaptureFixture[str]) -> None:
    cut(slides, mpp=0.125, view_px=16)
    printed = capfd.readouterr().err
    assert printed.count("2 of 2 slides are coarser than 0.125 µm per pixel (up to 0.25)") == 1
