"""A network that learned almost nothing is no result."""

import numpy as np
import pytest
from tests.reporting.conftest import RUNS, MakeStudy

from orbicyte.reporting.collapse import collapsed, reference
from orbicyte.reporting.inputs import ReportInputs, read
from orbicyte.reporting.networks import Network
from orbicyte.reporting.page import render
from orbicyte.reporting.summary import at_a_glance, findings
from orbicyte.reporting.values import Values
from orbicyte.study.scores import CONSTANT

LATENTS = 64
ONLY_STN, BASELINE = Network("only_stn", 0.5), Network("baseline")


def with_constant(inputs: ReportInputs, network: Network, dimensions: int) -> ReportInputs:
    rows = inputs.rows.copy()
    weight = np.isnan(rows["rotation_weight"]) if network.weight is None else rows["rotation_weight"] == network.weight
    rows.loc[(rows["network"] == network.name) & weight & (rows["measure"] == CONSTANT), "value"] = float(dimensions)
    return ReportInputs(**{**vars(inputs), "rows": rows})


@pytest.fixture
def inputs(make_study: MakeStudy) -> ReportInputs:
    return read(make_study(runs=RUNS))


def test_it_is_said_with_what_it_was_trained_on_instead_of_its_results(inputs: ReportInputs) -> None:
    found = with_constant(inputs, ONLY_STN, LATENTS)
    values = Values(found.rows)
    nothing = collapsed(found.runs, values)
    assert list(nothing) == [ONLY_STN]
    texts = dict(findings(values, None, nothing))
    assert texts[ONLY_STN.label].startswith("It learned almost nothing: each of its 64 dimensions")
    assert "trained on 2,000 cells for 12 epochs" in texts[ONLY_STN.label]
    assert "rotation weight that is too large" in texts[ONLY_STN.label]
    assert "macro F1 of" not in texts[ONLY_STN.label]
    assert f"{ONLY_STN.label} (learned almost nothing)" in [row[0] for row in at_a_glance(values, nothing).rows]
    assert "It learned almost nothing" in render(found).html


def test_nothing_is_compared_with_a_baseline_that_learned_nothing(inputs: ReportInputs) -> None:
    found = with_constant(inputs, BASELINE, LATENTS)
    values = Values(found.rows)
    nothing = collapsed(found.runs, values)
    assert reference(values.networks, []) == BASELINE
    assert reference(values.networks, nothing) is None
    texts = dict(findings(values, None, nothing))
    assert "learned almost nothing" in texts[BASELINE.label]
    assert "rotation weight" not in texts[BASELINE.label]
    assert "baseline" not in texts[ONLY_STN.label]
    page = render(found)
    captions = {figure.name: figure.caption for figure in page.figures}
    assert "dashed line" not in captions["rotation-kl"]
    assert "Low values of baseline have no meaning" in page.html
    assert [name for name in captions if name.startswith("map-")][-1] == "map-baseline"


def test_a_network_with_one_dimension_in_use_has_results(inputs: ReportInputs) -> None:
    found = with_constant(inputs, ONLY_STN, LATENTS - 1)
    assert not collapsed(found.runs, Values(found.rows))
    assert "learned almost nothing" not in render(found).html
