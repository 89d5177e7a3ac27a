import pytest

from orbicyte.data.duplicates import Duplicates, unique
from orbicyte.errors import OrbicyteError

FILES = ["a", "b", "c", "d"]


def test_the_first_labelled_one_stays() -> None:
    kept, told = unique([b"1", b"2", b"1", b"1"], FILES, [None, None, "x", "x"], "error")
    assert kept == [1, 2]
    assert told == [Duplicates("c", ["a", "d"])]


def test_the_first_stays_where_none_has_a_label() -> None:
    assert unique([b"1"] * 4, FILES, [None] * 4, "error") == ([0], [Duplicates("a", ["b", "c", "d"])])


def test_two_labels_are_an_error_by_name_or_dropped() -> None:
    digests, labels = [b"1", b"1", b"1", b"2"], ["x", None, "y", "y"]
    with pytest.raises(OrbicyteError, match=r"a \(x\), b \(no label\), c \(y\); .*--on-conflict drop"):
        unique(digests, FILES, labels, "error")
    assert unique(digests, FILES, labels, "drop") == ([3], [Duplicates(None, ["a", "b", "c"])])
