"""Properties of every measure; new files in the package are tested without an edit."""

import copy
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from orbicyte import metrics
from orbicyte.metrics.evidence import Evidence, LabelledEvidence
from orbicyte.plugins import load, names
from orbicyte.study.runs import RunKey
from orbicyte.study.scores import Score, read_scores, write_scores

MakeEvidence = Callable[..., Evidence]
pytestmark = pytest.mark.usefixtures("quick_probes")
PAGE = Path(__file__).parents[2] / "docs" / "measures.md"


def scores_of(name: str, evidence: Evidence) -> list[Score]:
    return list(load(metrics, name, "measure")(evidence))


def arrays(evidence: Evidence) -> list[np.ndarray]:
    holders: list[Evidence | LabelledEvidence] = [evidence, *([evidence.labelled] if evidence.labelled else [])]
    values = [getattr(holder, field.name) for holder in holders for field in fields(holder)]
    pictures = evidence.pictures(0)
    return [v for v in values if isinstance(v, np.ndarray)] + [pictures.inputs, pictures.reconstructions]


@pytest.mark.parametrize("name", names(metrics))
def test_every_row_is_a_documented_number(name: str, make_evidence: MakeEvidence, tmp_path: Path) -> None:
    scores = scores_of(name, make_evidence())
    assert scores
    document = load(metrics, name, "__doc__")
    assert isinstance(document, str)
    for score in scores:
        assert isinstance(score.value, float)
        assert not np.isinf(score.value)
        generic = score.measure.replace("/linear", "/PROBE").replace("/mlp", "/PROBE")
        assert f"``{score.measure}``" in document or f"``{generic}``" in document, score.measure
        assert f"`{score.measure}`" in PAGE.read_text() or f"`{generic}`" in PAGE.read_text(), score.measure
    keys = [(score.measure, score.type, score.angle_deg) for score in scores]
    assert len(set(keys)) == len(keys)
    write_scores(tmp_path / "scores.parquet", RunKey("baseline", None, 0, 1), scores)
    assert len(read_scores([tmp_path / "scores.parquet"])) == len(scores)


@pytest.mark.parametrize("name", names(metrics))
def test_does_not_change_the_evidence_and_is_deterministic(name: str, make_evidence: MakeEvidence) -> None:
    evidence = make_evidence()
    before = copy.deepcopy(arrays(evidence))
    first = scores_of(name, evidence)
    for old, new in zip(before, arrays(evidence), strict=True):
        np.testing.assert_array_equal(old, new)
    np.testing.assert_array_equal([s.value for s in first], [s.value for s in scores_of(name, evidence)])


NEEDS = {"labelled": "Nothing without labels.", "pose_rad": "Nothing without an angle."}
"""What the docstring of a measure says that yields no rows where this field is None."""


@pytest.mark.parametrize("name", names(metrics))
def test_rows_need_neither_labels_nor_an_angle_except_where_documented(name: str, make_evidence: MakeEvidence) -> None:
    document = " ".join(str(load(metrics, name, "__doc__")).split())
    rows = {(score.measure, score.type, score.angle_deg): score.value for score in scores_of(name, make_evidence())}
    for absent in (["labelled"], ["pose_rad"], [*NEEDS]):
        scores = scores_of(name, make_evidence(**dict.fromkeys(absent)))
        assert bool(scores) == (not any(NEEDS[field] in document for field in absent)), absent
        for score in scores:
            np.testing.assert_array_equal(score.value, rows[score.measure, score.type, score.angle_deg])


@pytest.mark.parametrize("angle_deg", [90.0, 100.0])
@pytest.mark.parametrize("name", names(metrics))
def test_two_angles_are_enough(name: str, angle_deg: float, make_evidence: MakeEvidence) -> None:
    scores = {s.measure: s.value for s in scores_of(name, make_evidence(angles_deg=np.array([0.0, angle_deg])))}
    empty = "other_angles" if angle_deg == 90 else "multiples_of_90"
    assert all(np.isnan(value) == measure.endswith(empty) for measure, value in scores.items())


@pytest.mark.parametrize("name", names(metrics))
def test_a_collapsed_network_is_not_an_error(name: str, make_evidence: MakeEvidence) -> None:
    evidence = make_evidence()
    assert evidence.labelled is not None
    labelled = replace(
        evidence.labelled,
        x=np.zeros_like(evidence.labelled.x),
        rotated_x=np.zeros_like(evidence.labelled.rotated_x),
        border=np.ones_like(evidence.labelled.border),
    )
    mean = np.zeros_like(evidence.mean)
    collapsed = make_evidence(
        mean=mean, log_variance=mean, pose_rad=np.zeros_like(evidence.pose_rad), labelled=labelled
    )
    assert not any(np.isinf(score.value) for score in scores_of(name, collapsed))
