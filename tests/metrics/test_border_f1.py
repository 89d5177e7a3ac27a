from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from orbicyte.metrics.border_f1 import border_colours, measure
from orbicyte.metrics.evidence import Evidence


def test_colours_are_per_channel() -> None:
    border = np.zeros((1, 5, 3), np.float32)
    border[0, :, 1] = [0.4, 0, 0.2, 0.3, 0.1]
    by_channel = border_colours(border).reshape(7, 3)
    np.testing.assert_allclose(by_channel[:, 1], [0.2, np.sqrt(0.02), 0.04, 0.1, 0.2, 0.3, 0.36], rtol=1e-6)
    np.testing.assert_array_equal(by_channel[:, [0, 2]], 0)


@pytest.mark.usefixtures("quick_probes")
def test_only_the_border_is_used(make_evidence: Callable[..., Evidence]) -> None:
    cells = make_evidence().labelled
    assert cells is not None
    informative = cells.border.copy()
    informative[:, 2::3] = (np.arange(60) % 3)[:, None]  # the third channel
    blind = {s.measure: s.value for s in measure(make_evidence())}
    seeing = {s.measure: s.value for s in measure(make_evidence(labelled=replace(cells, border=informative)))}
    assert blind["border_f1/linear"] < 0.6
    assert seeing["border_f1/linear"] == seeing["border_f1/mlp"] == 1
    shuffled = replace(cells, x=cells.x[::-1])
    assert {s.measure: s.value for s in measure(make_evidence(labelled=shuffled))} == blind


def test_majority_of_three_equally_frequent_types(make_evidence: Callable[..., Evidence]) -> None:
    """One type always predicted: its F1 is 2/4, the other two 0."""
    scores = {s.measure: s.value for s in measure(make_evidence())}
    assert scores["majority_f1"] == pytest.approx(0.5 / 3)
