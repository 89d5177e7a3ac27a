"""Cohen's kappa of readers."""

import pytest

from orbicyte.classification.agreement import LabelsOfCells, agreements


def labels(*pairs: tuple[str | None, str | None]) -> LabelsOfCells:
    """One cell per pair of labels by Ada and Bo."""
    return {
        ("a", str(i)): {who: label for who, label in zip(("Ada", "Bo"), pair, strict=True) if label}
        for i, pair in enumerate(pairs)
    }


def test_kappa_is_cohens() -> None:
    # The textbook's table: 20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no: (0.7 - 0.5) / (1 - 0.5).
    pairs = [("yes", "yes")] * 20 + [("yes", "no")] * 5 + [("no", "yes")] * 10 + [("no", "no")] * 15
    (pair,) = agreements(labels(*pairs))
    assert pair["readers"] == ["Ada", "Bo"]
    assert (pair["cells"], pair["agreement"]) == (50, 0.7)
    assert pair["kappa"] == pytest.approx(0.4)
    assert pair["confusion"] == {"types": ["no", "yes"], "counts": [[15, 10], [5, 20]]}
    assert pair["by_type"] == [
        {"type": "no", "kappa": pytest.approx(0.4), "cells": 30},
        {"type": "yes", "kappa": pytest.approx(0.4), "cells": 35},
    ]


def test_kappa_of_a_type_compares_it_with_all_others() -> None:
    (pair,) = agreements(labels(("a", "a"), ("a", "a"), ("b", "b"), ("b", "c"), ("c", "b"), ("c", "c")))
    by_type = {row["type"]: row["kappa"] for row in pair["by_type"]}
    assert by_type["a"] == pytest.approx(1)
    assert by_type["b"] == pytest.approx(by_type["c"]) == pytest.approx(0.25)


def test_kappa_is_none_where_it_is_not_defined() -> None:
    (same,) = agreements(labels(("a", "a"), ("a", "a")))
    assert (same["kappa"], same["agreement"]) == (None, 1)
    (apart,) = agreements(labels(("a", None), (None, "a")))
    assert (apart["cells"], apart["kappa"], apart["agreement"], apart["by_type"]) == (0, None, None, [])
    assert agreements({}) == []


def test_types_are_in_the_given_order_and_others_after_them() -> None:
    pairs = [("a", "d"), ("b", "b"), ("c", "a"), ("d", "c")]
    (pair,) = agreements(labels(*pairs), ["d", "b"])
    assert pair["confusion"]["types"] == [row["type"] for row in pair["by_type"]] == ["d", "b", "a", "c"]
    assert pair["confusion"]["counts"] == [[0, 0, 0, 1], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0]]


def test_every_pair_of_readers_is_compared() -> None:
    three: LabelsOfCells = {
        ("a", "1"): {"Ada": "x", "Bo": "y", "Cy": "x"},
        ("a", "2"): {"Ada": "y", "Bo": "y", "Cy": "y"},
    }
    pairs = {tuple(pair["readers"]): pair["agreement"] for pair in agreements(three)}
    assert pairs == {("Ada", "Bo"): 0.5, ("Ada", "Cy"): 1, ("Bo", "Cy"): 0.5}
