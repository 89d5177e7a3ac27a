import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from orbicyte.data.images import read_patch
from orbicyte.data.listing import Layout, fingerprint, list_cells
from orbicyte.errors import OrbicyteError
from orbicyte.stages.import_ import import_
from orbicyte.study import Study
from orbicyte.study.files import read_json, write_json

Pixels = NDArray[np.uint8]


def _pixels(seed: int, side: int = 24) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)


@pytest.fixture
def cells(tmp_path: Path) -> Path:
    """60 patches of 24 px in one folder: 20 of type x, 10 of type y, 30 without a label."""
    folder = tmp_path / "cells"
    folder.mkdir()
    rows = ["file;label;slide"]
    for index in range(60):
        Image.fromarray(_pixels(index)).save(folder / f"cell_{index:02}.png")
        label = "x" if index < 20 else "y" if index < 30 else ""
        rows.append(f"cell_{index:02};{label};s{index // 20}")
    (folder / "labels.csv").write_text("\n".join(rows))
    return folder


def _tree(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.name != ".lock"}


def test_patches_table_and_summary(cells: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = import_(cells, tmp_path / "study")
    np.testing.assert_array_equal(store.images, [_pixels(index) for index in range(60)])
    assert store.types == {"x": 20, "y": 10}
    assert store.cells["shared"].sum() == 10  # cells 30 to 39 are of slide s1, like type y
    assert store.unlabelled.tolist() == list(range(40, 60))
    printed = capsys.readouterr().err
    for line in (
        "imported 60 cells: 30 labelled, 30 unlabelled",
        "types: x 20, y 10",
        "patches of 24 px; µm per pixel not known",
        "left out of training: 10 unlabelled patches",
    ):
        assert line in printed


def test_cells_of_shared_slides_can_be_kept(cells: Path, tmp_path: Path) -> None:
    store = import_(cells, tmp_path / "study", allow_shared_slides=True)
    assert len(store.unlabelled) == 30
    assert store.warnings[0].startswith("10 unlabelled patches come from slides")


def test_repeating_does_nothing_and_other_options_are_an_error(
    cells: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first = import_(cells, tmp_path / "study", seed=1)
    with monkeypatch.context() as patch:
        patch.setattr("orbicyte.data.reading.read_patch", None)
        assert import_(str(cells), Study.open(tmp_path / "study"), seed=2).fingerprint == first.fingerprint
    assert "patches: already imported" in capsys.readouterr().err
    with pytest.raises(OrbicyteError, match=r"other files or options: choose another --out, or delete .*patches"):
        import_(cells, tmp_path / "study", view_px=16)
    Image.fromarray(_pixels(99)).save(cells / "new.png")
    with pytest.raises(OrbicyteError, match="other files or options"):
        import_(cells, tmp_path / "study")


def test_patches_imported_before_options_were_renamed_are_not_imported_again(
    cells: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = import_(cells, tmp_path / "study", view_px=16)
    about = read_json(first.path / "store.json")
    about |= {"format": 2, "field_px": about.pop("view_px")}
    arguments = about["source"]["arguments"]
    arguments["field_px"] = arguments.pop("view_px")
    write_json(first.path / "store.json", about)
    again = import_(cells, tmp_path / "study", view_px=16)
    assert "patches: already imported" in capsys.readouterr().err
    assert again.view_px == 16


def test_max_cells_keeps_the_shares_of_types(cells: Path, tmp_path: Path) -> None:
    store = import_(cells, tmp_path / "a", max_cells=12, seed=5)
    assert store.types == {"x": 4, "y": 2}
    assert len(store) == 12
    assert import_(cells, tmp_path / "b", max_cells=12, seed=5).fingerprint == store.fingerprint
    assert import_(cells, tmp_path / "c", max_cells=12, seed=6).fingerprint != store.fingerprint


def test_patches_are_resized_to_the_most_frequent_size(
    cells: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(_pixels(0, 48)).save(cells / "cell_00.png")
    Image.fromarray(np.hstack([_pixels(1), _pixels(2)])).save(cells / "cell_01.png")
    store = import_(cells, tmp_path / "study")
    assert store.images.shape == (60, 24, 24, 3)
    assert store.cells["width_px"].tolist()[:3] == [48, 48, 24]
    assert store.cells["height_px"].tolist()[:3] == [48, 24, 24]
    printed = capsys.readouterr().err
    assert "1 of 60 patches scaled to 24 px" in printed
    assert "1 of 60 patches are not square: cropped to their central square" in printed


def test_duplicates_are_dropped_and_listed(cells: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.fromarray(_pixels(3)).save(cells / "cell_50.png", compress_level=1)
    store = import_(cells, tmp_path / "study")
    assert len(store) == 59
    assert "dropped cell_50.png, kept cell_03.png" in capsys.readouterr().err


def test_one_image_with_two_labels(cells: Path, tmp_path: Path) -> None:
    shutil.copy(cells / "cell_00.png", cells / "cell_20.png")
    with pytest.raises(OrbicyteError, match=r"cell_00\.png \(x\), cell_20\.png \(y\); .*--on-conflict drop"):
        import_(cells, tmp_path / "study")
    assert not (tmp_path / "study").exists()
    assert len(import_(cells, tmp_path / "study", on_conflict="drop")) == 58


def _saved(folder: Path, *images: NDArray[Any]) -> Path:
    folder.mkdir()
    for index, image in enumerate(images):
        tifffile.imwrite(folder / f"{index}.tif", image, photometric="rgb")
    return folder


def test_twelve_bit_values_in_sixteen_bit_images_are_read_with_their_range(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = [_pixels(0), _pixels(1) // 5, _pixels(2)]  # the second alone would be read as 10 bits
    _saved(tmp_path / "cells", *(image.astype(np.uint16) * 16 for image in expected))
    store = import_(tmp_path / "cells", tmp_path / "study")
    assert np.abs(store.images.astype(int) - expected).max() <= 1
    assert "3 images of more than 8 bits: 0 is black, 4095 is white" in capsys.readouterr().err
    stated = import_(tmp_path / "cells", tmp_path / "full", value_range=(0, 65535))
    assert stated.images.max() == 16
    with pytest.raises(OrbicyteError, match="other files or options"):
        import_(tmp_path / "cells", tmp_path / "full")


def test_floats_have_one_scale_and_small_overshoot_is_clipped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = [_pixels(index) / np.float32(255) for index in range(3)]
    images[1][0, 0] = 1.08
    store = import_(_saved(tmp_path / "cells", *images), tmp_path / "study")
    expected = np.stack([_pixels(0), _pixels(1), _pixels(2)])
    expected[1][0, 0] = 255
    np.testing.assert_array_equal(store.images, expected)
    assert "0 is black, 1 is white" in (printed := capsys.readouterr().err)
    assert "clipped in 1" in printed


def test_images_of_different_ranges_are_refused_with_the_option(tmp_path: Path) -> None:
    cells = _saved(tmp_path / "cells", _pixels(0).astype(np.float32), _pixels(1) / np.float32(255))
    with pytest.raises(OrbicyteError, match=r"1\.tif: values from .*0\.tif: values from .*different.*--value-range"):
        import_(cells, tmp_path / "study")


def test_the_same_bytes_elsewhere_are_the_same_files(
    cells: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import_(cells, tmp_path / "study")
    copied = shutil.copytree(cells, tmp_path / "copied", copy_function=shutil.copyfile)
    for number, file in enumerate(copied.iterdir()):
        os.utime(file, (number, number))
    import_(copied, tmp_path / "study")
    assert "patches: already imported" in capsys.readouterr().err
    before = (copied / "cell_07.png").stat()
    raw = bytearray((copied / "cell_07.png").read_bytes())
    raw[-1] ^= 1
    (copied / "cell_07.png").write_bytes(raw)
    os.utime(copied / "cell_07.png", ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(OrbicyteError, match="other files or options"):
        import_(copied, tmp_path / "study")


def test_studies_of_files_known_by_their_times_are_not_imported_again(
    cells: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = import_(cells, tmp_path / "study")
    about = read_json(store.path / "store.json")
    del about["source"]["content"]
    about["source"]["listing"] = fingerprint(list_cells(Layout(cells)))
    write_json(store.path / "store.json", about)
    import_(cells, tmp_path / "study")
    assert "patches: already imported" in capsys.readouterr().err


def test_one_link_to_nowhere_is_skipped_even_among_few(cells: Path, tmp_path: Path) -> None:
    few = tmp_path / "few"
    few.mkdir()
    for index in range(4):
        shutil.copy(cells / f"cell_{index:02}.png", few)
    (few / "cell_00.png").unlink()
    (few / "cell_00.png").symlink_to(".git/annex/objects/cell_00.png")
    store = import_(few, tmp_path / "study")
    assert [(item.file, item.reason) for item in store.skipped] == [
        ("cell_00.png", "the target of this link is not here")
    ]
    assert len(store) == 3
    import_(few, tmp_path / "study")


def _text(path: Path) -> None:
    path.write_text("file,label\n")


def _tiny(path: Path) -> None:
    Image.new("RGB", (3, 3)).save(path)


def _hundred_megapixels(path: Path) -> None:
    Image.new("1", (10_000, 10_000)).save(path)


def _truncated_jpeg(path: Path) -> None:
    Image.fromarray(_pixels(7)).save(path, format="jpeg")
    path.write_bytes(path.read_bytes()[:-200])


def _nothing(path: Path) -> None:
    path.write_bytes(b"")


BAD = [
    (_text, "not an image"),
    (_tiny, "3 x 3 px"),
    (_hundred_megapixels, "more than 64 megapixels"),
    (_truncated_jpeg, "truncated"),
    (_nothing, "empty file"),
]


@pytest.mark.parametrize(("damage", "reason"), BAD)
def test_a_bad_file_is_skipped_with_a_warning_and_many_are_an_error(
    cells: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: Callable[[Path], None], reason: str
) -> None:
    damage(cells / "cell_05.png")
    store = import_(cells, tmp_path / "study")
    assert len(store) == 59
    assert [item.file for item in store.skipped] == ["cell_05.png"]
    assert reason in store.skipped[0].reason
    assert f"warning: cell_05.png is left out: {store.skipped[0].reason}" in capsys.readouterr().err
    for index in range(6, 10):
        shutil.copy(cells / "cell_05.png", cells / f"cell_{index:02}.png")
    with pytest.raises(OrbicyteError, match=r"more than 5% of 60 files cannot be read \(cell_05\.png: "):
        import_(cells, tmp_path / "other")
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left on device")])
def test_an_interrupted_import_writes_nothing(
    cells: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: BaseException
) -> None:
    if isinstance(stop, KeyboardInterrupt):
        expected: type[BaseException] = KeyboardInterrupt
        monkeypatch.setattr("orbicyte.data.reading.read_patch", _stopping(stop))
    else:
        expected = OrbicyteError
        monkeypatch.setattr("orbicyte.data.appending.AppendableArray._write_header", _stopping(stop, after=1))
    with pytest.raises(expected):
        import_(cells, tmp_path / "study")
    assert not (tmp_path / "study").exists()
    monkeypatch.undo()
    assert len(import_(cells, tmp_path / "study")) == 60


def _stopping(stop: BaseException, after: int = 30) -> Callable[..., Any]:
    calls = [0]

    def read(*arguments: Any) -> Any:
        calls[0] += 1
        if calls[0] > after:
            raise stop
        return read_patch(*arguments) if isinstance(stop, KeyboardInterrupt) else None

    return read


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"labels": "other.csv"}, "no file in common"),
        ({"label_column": "befund"}, "no column 'befund': found 'file', 'label', 'slide'; give --label-column"),
        ({"file_column": "datei"}, "no column 'datei'.*--file-column"),
        ({"unlabelled": "empty"}, "no images .*empty"),
        ({"max_cells": 2}, "--max-cells 2 is less than one cell for each of 3"),
        ({"view_px": 25}, "cannot have a view of 25 px"),
    ],
)
def test_errors_are_one_line_and_leave_nothing(
    cells: Path, tmp_path: Path, arguments: dict[str, Any], message: str
) -> None:
    (tmp_path / "other.csv").write_text("file,label\nnone.png,x\n")
    (tmp_path / "empty").mkdir()
    for name in ("labels", "unlabelled"):
        if name in arguments:
            arguments = arguments | {name: tmp_path / arguments[name]}
    with pytest.raises(OrbicyteError, match=message) as caught:
        import_(cells, tmp_path / "study", **arguments)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "study").exists()


def test_an_empty_folder_and_a_newer_study(tmp_path: Path, cells: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(OrbicyteError, match="no images"):
        import_(tmp_path / "empty", tmp_path / "study")
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "study.json").write_text('{"format": 2}')
    with pytest.raises(OrbicyteError, match="install a newer orbicyte"):
        import_(cells, tmp_path / "study")


@pytest.mark.data
@pytest.mark.skipif("ORBICYTE_DATA" not in os.environ, reason="needs the development data: set ORBICYTE_DATA")
@pytest.mark.parametrize("pair", [True, False])
def test_development_data(tmp_path: Path, pair: bool) -> None:
    pbc = Path(os.environ["ORBICYTE_DATA"]) / "pbc"
    folder, unlabelled = (pbc / "labelled", pbc / "unlabelled") if pair else (pbc, None)
    table = pbc / "labelled.csv"
    store = import_(folder, tmp_path / "study", labels=table, unlabelled=unlabelled, max_cells=300)
    assert len(store) == 300
    assert store.images.shape[1:] == (128, 128, 3)
    assert len(store.types) == 10
    assert len(store.labelled) == round(300 * 6085 / 16474)
    assert not store.skipped
    assert not store.duplicates
    # White blood cells are on a bright, pinkish background between pale red cells.
    assert store.fill_rgb[0] > store.fill_rgb[1] > 0.5
    first = store.cells.iloc[0]
    np.testing.assert_array_equal(store.images[0], read_patch(pbc / "labelled" / first["file"]))
