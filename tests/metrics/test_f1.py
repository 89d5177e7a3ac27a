from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import f1_score

from orbicyte.classification.probes import PROBES
from orbicyte.metrics.evidence import Evidence, LabelledEvidence
from orbicyte.metrics.f1 import every_angle, f1_table, macro_f1, measure, one_type

Scored = dict[tuple[str, str], float]


def scored(evidence: Evidence) -> Scored:
    return {(s.measure, s.type): s.value for s in measure(evidence)}


def labelled(evidence: Evidence) -> LabelledEvidence:
    assert evidence.labelled is not None
    return evidence.labelled


def test_separated_types_are_all_correct(make_evidence: Callable[..., Evidence]) -> None:
    scores = scored(make_evidence())
    for probe in PROBES:
        for name in ("f1", "f1_all", "every_angle_f1", "one_type"):
            assert scores[f"{name}/{probe}", ""] == 1
        assert scores[f"f1/{probe}/sd", ""] == 0
        assert scores[f"f1/{probe}", "band"] == 1
        assert scores[f"confusion/{probe}", "band\tband"] == 15
        assert scores[f"confusion/{probe}", "band\tlymphocyte"] == 0


def test_without_information_f1_is_at_chance(make_evidence: Callable[..., Evidence]) -> None:
    cells = labelled(make_evidence())
    x = np.random.default_rng(3).normal(size=(60, 4)).astype(np.float32)
    evidence = make_evidence(labelled=replace(cells, x=x, rotated_x=np.repeat(x[None, cells.rotated], 8, 0)))
    scores = scored(evidence)
    assert scores["f1/linear", ""] < 0.55
    assert scores["f1/mlp", ""] < 0.55
    assert scores["one_type/linear", ""] == 1
    confusion = sum(value for (name, _), value in scores.items() if name == "confusion/linear")
    assert confusion == 45


@pytest.mark.usefixtures("quick_probes")
def test_a_cell_whose_type_changes_when_rotated(make_evidence: Callable[..., Evidence]) -> None:
    """Plain F1 stays 1; every-angle F1 and the share of one type decrease for exactly the cells that change."""
    cells = labelled(make_evidence())
    rotated_x = cells.rotated_x.copy()
    bands = np.flatnonzero(cells.cells.types[cells.rotated] == "band")
    rotated_x[3, bands, 0] += 10
    rotated_x[5, bands, 0] += 20
    scores = scored(make_evidence(labelled=replace(cells, rotated_x=rotated_x)))
    assert scores["f1/linear", ""] == 1
    assert scores["one_type/linear", ""] == pytest.approx(1 - len(bands) / len(cells.rotated))
    true = cells.cells.types[cells.rotated]
    expected = f1_score(true, np.where(true == "band", "lymphocyte", true), average="macro")
    assert scores["every_angle_f1/linear", ""] == pytest.approx(expected)
    assert scores["every_angle_f1/linear/other_angles", ""] == pytest.approx(expected)
    assert scores["every_angle_f1/linear/multiples_of_90", ""] == scores["one_type/linear/multiples_of_90", ""] == 1


@pytest.mark.usefixtures("quick_probes")
def test_scores_of_the_test_part_do_not_depend_on_the_selection(make_evidence: Callable[..., Evidence]) -> None:
    cells = labelled(make_evidence())
    x = cells.x.copy()
    x[cells.cells.is_selection] = 1e3
    before, after = scored(make_evidence()), scored(make_evidence(labelled=replace(cells, x=x)))
    assert {key for key in before if before[key] != after[key]} == {("f1_all/linear", ""), ("f1_all/mlp", "")}


def test_every_angle_takes_the_first_wrong_type() -> None:
    predicted = np.array([["a", "a", "b"], ["a", "c", "b"], ["a", "b", "b"]])
    assert every_angle(predicted, np.array(["a", "a", "a"])).tolist() == ["a", "c", "b"]
    assert one_type(predicted) == pytest.approx(2 / 3)


def test_table_agrees_with_scikit_learn_if_a_type_is_not_in_a_fold() -> None:
    truths = [np.array(["a", "b", "b"]), np.array(["a", "c", "c"])]
    predictions = [np.array(["a", "b", "a"]), np.array(["a", "a", "c"])]
    table = f1_table(truths, predictions)
    expected = np.mean([f1_score(t, p, average="macro") for t, p in zip(truths, predictions, strict=True)])
    assert macro_f1(table) == pytest.approx(expected)
    assert np.isnan(table).tolist() == [[False, False, True], [False, True, False]]


@pytest.mark.usefixtures("quick_probes")
def test_without_rotated_cells_there_are_no_every_angle_rows(make_evidence: Callable[..., Evidence]) -> None:
    cells = labelled(make_evidence())
    none = replace(cells, rotated=cells.rotated[:0], rotated_x=cells.rotated_x[:, :0])
    names = {name for name, _ in scored(make_evidence(labelled=none))}
    assert not any(name.startswith(("every_angle_f1", "one_type")) for name in names)
