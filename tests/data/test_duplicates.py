import pytest

from orbicyte.data.duplicates import Duplicates, unique
from orbicyte.errors import OrbicyteError

FILES = ["a", "b", "c", "d"]


def test_the_first_labelled_patch_is_kept() -> None:
    kept, duplicates = unique([b"1", b"2", b"1", b"1"], FILES, [None, None, "x", "x"], "error")
    assert kept == [1, 2]
    assert duplicates == [Duplicates("c", ["a", "d"])]


def test_the_first_patch_is_kept_if_none_has_a_label() -> None:
    assert unique([b"1"] * 4, FILES, [None] * 4, "error") == ([0], [Duplicates("a", ["b", "c", "d"])])


def test_two_labels_are_an_error_that_lists_the_files_or_dropped() -> None:
    digests, labels = [b"1", b"1", b"1", b"2"], ["x", None, "y", "y"]
    with pytest.raises(OrbicyteError, match=r"a \(x\), b \(no label\), c \(y\); .*--on-conflict drop"):
        unique(digests, FILES, labels, "error")
    assert unique(digests, FILES, labels, "drop") == ([3], [Duplicates(None, ["a", "b", "c"])])
