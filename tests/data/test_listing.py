from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from orbicyte.data.listing import Layout, fingerprint, list_cells, shared
from orbicyte.errors import OrbicyteError

Tree = Callable[..., Path]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    def make(*names: str, **tables: str) -> Path:
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.zeros((16, 16), np.uint8)).save(tmp_path / name)
        for name, text in tables.items():
            (tmp_path / f"{name}.csv").write_text(text)
        return tmp_path

    return make


def _pairs(listing: pd.DataFrame) -> list[tuple[str, str | None]]:
    return list(zip(listing["file"], listing["label"], strict=True))


def test_a_table_that_lists_some_files(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tree("a.png", "b.png", "sub/c.png", labels="file,label,slide\na,x,1\nsub/c.png,y,\nz.png,x,\nb,,2\n")
    listing = list_cells(Layout(folder))
    assert _pairs(listing) == [("a.png", "x"), ("b.png", None), ("sub/c.png", "y")]
    assert list(listing["slide"]) == ["1", "2", None]
    stderr = capsys.readouterr().err
    assert "labels.csv" in stderr
    assert "1 of 4 rows" in stderr
    assert "1 of 3 files" in stderr


def test_sub_folders_are_types(tree: Tree) -> None:
    listing = list_cells(Layout(tree("x/a.png", "y/deep/b.png", "Unknown/c.png", "d.png")))
    assert dict(_pairs(listing)) == {"Unknown/c.png": None, "d.png": None, "x/a.png": "x", "y/deep/b.png": "y"}


def test_folders_of_storage_systems_are_no_types(tree: Tree) -> None:
    folder = tree("x/a.png", "y/b.png", "@eaDir/a.png/thumb.jpg", "x/@eaDir/c.png", "#recycle/d.png", "__MACOSX/e.png")
    assert _pairs(list_cells(Layout(folder))) == [("x/a.png", "x"), ("y/b.png", "y")]


def test_words_for_missing_labels_are_no_types_as_folders_either(tree: Tree) -> None:
    listing = list_cells(Layout(tree("x/a.png", "y/a.png", "NA/c.png", "unlabelled/d.png")))
    assert [label for _, label in _pairs(listing)] == [None, None, "x", "y"]


def test_which_level_of_folders_is_the_type_is_asked_or_plain(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tree("a/p1/x/1.png", "a/p1/y/2.png", "a/p2/x/3.png", "b/x/1.png", "b/y/2.png")
    with pytest.raises(OrbicyteError, match=r"2 levels .*--label-level 1 for p1, p2, \.\.\.; --label-level 2 for x, y"):
        list_cells(Layout(folder / "a"))
    assert list(list_cells(Layout(folder / "a", label_level=1))["label"]) == ["p1", "p1", "p2"]
    assert list(list_cells(Layout(folder / "a", label_level=2))["label"]) == ["x", "y", "x"]
    capsys.readouterr()
    listing = list_cells(Layout(tree("c/images/x/1.png", "c/images/y/2.png") / "c"))
    assert list(listing["label"]) == ["x", "y"]
    assert "sub-folders of level 2" in capsys.readouterr().err


def test_types_that_differ_only_in_form_give_a_warning(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    list_cells(Layout(tree("a.png", "b.png", "c.png", labels="file,label,slide\na,Blast,1\nb,blast,1.0\nc,x,2\n")))
    printed = capsys.readouterr().err
    assert "'Blast', 'blast' are different cell types, although they differ only in case or form" in printed
    assert "'1', '1.0' are different slides" in printed


def test_two_folders_with_the_same_names(tree: Tree) -> None:
    folder = tree("l/a.png", "l/b.png", "u/a.png", "u/c.png", t="file,label,patient\na.png,x,\nb.png,y,\nc.png,,P\n")
    listing = list_cells(Layout(folder / "l", folder / "t.csv", folder / "u"))
    assert _pairs(listing) == [("a.png", "x"), ("b.png", "y"), ("a.png", None), ("c.png", None)]
    assert list(listing["patient"]) == [None, None, None, "P"]
    assert [Path(root).name for root in listing["root"]] == ["l", "l", "u", "u"]


@pytest.mark.parametrize("is_given", [True, False])
def test_labelled_and_unlabelled_folders_next_to_their_table(tree: Tree, is_given: bool) -> None:
    names = ("labelled/a.png", "labelled_256px/a.png", "unlabelled/a.png", "labelled/b.png")
    folder = tree(*names, labelled="file,label\na.png,x\nb.png,y\n")
    listing = list_cells(Layout(folder, folder / "labelled.csv" if is_given else None))
    assert _pairs(listing) == [("a.png", "x"), ("b.png", "y"), ("a.png", None)]


def test_one_folder_may_be_inside_the_other(tree: Tree) -> None:
    folder = tree("x/a.png", "y/b.png", "more/c.png")
    listing = list_cells(Layout(folder, unlabelled=folder / "more"))
    assert _pairs(listing) == [("x/a.png", "x"), ("y/b.png", "y"), ("c.png", None)]
    outer = list_cells(Layout(folder / "x", unlabelled=folder))
    assert _pairs(outer) == [("a.png", None), ("more/c.png", None), ("y/b.png", None)]


def test_ambiguous_names_are_an_error(tree: Tree) -> None:
    folder = tree("one/a.png", "two/a.png", labels="file,label\na.png,x\n")
    with pytest.raises(OrbicyteError, match=r"'a.png' matches 2 files \(one/a.png, two/a.png\)"):
        list_cells(Layout(folder))


def test_no_file_in_common_is_an_error_with_examples(tree: Tree) -> None:
    folder = tree("a.png", labels="file,label\nq.png,x\n")
    with pytest.raises(OrbicyteError, match=r"no file in common: the table has 'q.png', the folder 'a.png'"):
        list_cells(Layout(folder))


def test_missing_and_empty_folders(tree: Tree) -> None:
    folder = tree("a/b.png")
    (folder / "empty").mkdir()
    with pytest.raises(OrbicyteError, match=r"no images \(\.png, .*empty"):
        list_cells(Layout(folder / "empty"))
    with pytest.raises(OrbicyteError, match="not a folder"):
        list_cells(Layout(folder / "nowhere"))
    with pytest.raises(OrbicyteError, match=r"no images .*nowhere"):
        list_cells(Layout(folder, unlabelled=folder / "nowhere"))
    with pytest.raises(OrbicyteError, match="give two"):
        list_cells(Layout(folder, unlabelled=folder))


def test_missing_labels_and_a_single_type_give_warnings(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tree("flat/a.png", "types/x/a.png", **{"flat/cells": "file,label\na,x\n"})
    assert list(list_cells(Layout(folder / "flat"))["label"]) == [None]
    assert "no labels" in (stderr := capsys.readouterr().err)
    assert "--labels cells.csv" in stderr
    list_cells(Layout(folder / "types"))
    assert "all labels are 'x'" in capsys.readouterr().err


def test_the_fingerprint_depends_on_files_and_labels_but_not_on_the_location(tree: Tree) -> None:
    folder = tree("d/a.png", "d/b.png", **{"d/labels": "file,label\na,x\nb,y\n"})
    before = fingerprint(list_cells(Layout(folder / "d")))
    (folder / "d").rename(folder / "e")
    assert fingerprint(list_cells(Layout(folder / "e"))) == before
    (folder / "e" / "labels.csv").write_text("file,label\na,x\nb,z\n")
    relabelled = fingerprint(list_cells(Layout(folder / "e")))
    Image.new("L", (17, 16)).save(folder / "e" / "a.png")
    assert len({before, relabelled, fingerprint(list_cells(Layout(folder / "e")))}) == 3


def test_shared_slides_and_patients() -> None:
    listing = pd.DataFrame(
        {
            "label": ["x", None, None, None, None],
            "slide": ["s", "s", "t", None, "u"],
            "patient": ["p", None, "p", None, "q"],
        },
        dtype=object,
    )
    assert shared(listing).tolist() == [False, True, True, False, False]
