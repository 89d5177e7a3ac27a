from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import f1_score

from orbicyte.evidence import Evidence, Labelled
from orbicyte.metrics.f1 import every_angle, f1_table, macro_f1, measure, one_type
from orbicyte.probes import PROBES

Scored = dict[tuple[str, str], float]


def scored(evidence: Evidence) -> Scored:
    return {(s.measure, s.type): s.value for s in measure(evidence)}


def labelled(evidence: Evidence) -> Labelled:
    assert evidence.labelled is not None
    return evidence.labelled


def test_types_that_lie_apart_are_all_right(make_evidence: Callable[..., Evidence]) -> None:
    scores = scored(make_evidence())
    for probe in PROBES:
        for name in ("f1", "f1_all", "every_angle_f1", "one_type"):
            assert scores[f"{name}/{probe}", ""] == 1
        assert scores[f"f1/{probe}/sd", ""] == 0
        assert scores[f"f1/{probe}", "band"] == 1
        assert scores[f"confusion/{probe}", "band\tband"] == 15
        assert scores[f"confusion/{probe}", "band\tlymphocyte"] == 0


def test_without_information_it_is_chance(make_evidence: Callable[..., Evidence]) -> None:
    cells = labelled(make_evidence())
    x = np.random.default_rng(3).normal(size=(60, 4)).astype(np.float32)
    evidence = make_evidence(labelled=replace(cells, x=x, turned_x=np.repeat(x[None, cells.turned], 8, 0)))
    scores = scored(evidence)
    assert scores["f1/linear", ""] < 0.55
    assert scores["f1/mlp", ""] < 0.55
    assert scores["one_type/linear", ""] == 1
    confusion = sum(value for (name, _), value in scores.items() if name == "confusion/linear")
    assert confusion == 45


@pytest.mark.usefixtures("quick_probes")
def test_a_cell_that_changes_its_type_when_turned(make_evidence: Callable[..., Evidence]) -> None:
    """Plain F1 stays perfect; every-angle F1 and the share of one type fall for exactly the cells that change."""
    cells = labelled(make_evidence())
    turned_x = cells.turned_x.copy()
    bands = np.flatnonzero(cells.types[cells.turned] == "band")
    turned_x[3, bands, 0] += 10
    turned_x[5, bands, 0] += 20
    scores = scored(make_evidence(labelled=replace(cells, turned_x=turned_x)))
    assert scores["f1/linear", ""] == 1
    assert scores["one_type/linear", ""] == pytest.approx(1 - len(bands) / len(cells.turned))
    true = cells.types[cells.turned]
    expected = f1_score(true, np.where(true == "band", "lymphocyte", true), average="macro")
    assert scores["every_angle_f1/linear", ""] == pytest.approx(expected)
    assert scores["every_angle_f1/linear/other_angles", ""] == pytest.approx(expected)
    assert scores["every_angle_f1/linear/quarter_turns", ""] == scores["one_type/linear/quarter_turns", ""] == 1


@pytest.mark.usefixtures("quick_probes")
def test_report_scores_do_not_depend_on_the_choose_part(make_evidence: Callable[..., Evidence]) -> None:
    cells = labelled(make_evidence())
    x = cells.x.copy()
    x[cells.choose] = 1e3
    before, after = scored(make_evidence()), scored(make_evidence(labelled=replace(cells, x=x)))
    assert {key for key in before if before[key] != after[key]} == {("f1_all/linear", ""), ("f1_all/mlp", "")}


def test_every_angle_takes_the_first_wrong_type() -> None:
    predicted = np.array([["a", "a", "b"], ["a", "c", "b"], ["a", "b", "b"]])
    assert every_angle(predicted, np.array(["a", "a", "a"])).tolist() == ["a", "c", "b"]
    assert one_type(predicted) == pytest.approx(2 / 3)


def test_table_agrees_with_scikit_learn_where_a_type_is_not_in_a_fold() -> None:
    truths = [np.array(["a", "b", "b"]), np.array(["a", "c", "c"])]
    predictions = [np.array(["a", "b", "a"]), np.array(["a", "a", "c"])]
    table = f1_table(truths, predictions)
    expected = np.mean([f1_score(t, p, average="macro") for t, p in zip(truths, predictions, strict=True)])
    assert macro_f1(table) == pytest.approx(expected)
    assert np.isnan(table).tolist() == [[False, False, True], [False, True, False]]


@pytest.mark.usefixtures("quick_probes")
def test_no_turned_cells_yield_no_every_angle_rows(make_evidence: Callable[..., Evidence]) -> None:
    cells = labelled(make_evidence())
    none = replace(cells, turned=cells.turned[:0], turned_x=cells.turned_x[:, :0])
    names = {name for name, _ in scored(make_evidence(labelled=none))}
    assert not any(name.startswith(("every_angle_f1", "one_type")) for name in names)
