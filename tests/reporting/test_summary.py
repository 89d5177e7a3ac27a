"""What the sentences at the top say of networks that hardly move, or draw nothing but discs."""

import pandas as pd
import pytest

from orbicyte.reporting.networks import Network
from orbicyte.reporting.summary import findings
from orbicyte.reporting.values import Values


def said(measure: str, baseline: float, other: float, *more: tuple[str, float]) -> str:
    """What is found for only_stn, from one measure of both networks and further ones of it."""
    rows = [("baseline", None, measure, baseline), ("only_stn", 0.5, measure, other)]
    rows += [("only_stn", 0.5, name, value) for name, value in more]
    table = pd.DataFrame(rows, columns=["network", "rotation_weight", "measure", "value"])
    found = dict(findings(Values(table.assign(type="", angle_deg=None))))
    return found[Network("only_stn", 0.5).label]


@pytest.mark.parametrize(
    ("baseline", "other", "words"),
    [
        (420, 0.001, "more than a thousand times less than"),
        (420, 0.953, "441 times less than"),
        (420, 53.7, "7.8 times less than"),
        (10, 25, "2.5 times more than"),
    ],
)
def test_a_factor_is_told_in_figures_a_reader_can_take_in(baseline: float, other: float, words: str) -> None:
    assert words in said("rotation_kl", baseline, other)


@pytest.mark.parametrize(("ratio", "words"), [(0.00001, "less than 0.1% of"), (0.0, "0.0% of"), (0.117, "11.7% of")])
def test_a_share_that_is_not_nothing_is_not_called_nothing(ratio: float, words: str) -> None:
    assert f"that is {words} the difference" in said("rotation_kl", 2, 1, ("rotation_kl/ratio", ratio))


@pytest.mark.parametrize(
    ("explained", "words"), [(-0.04, "Nothing of"), (0.001, "Nothing of"), (0.11, "11% of"), (1.0, "100% of")]
)
def test_drawings_no_better_than_symmetric_ones_redraw_nothing(explained: float, words: str) -> None:
    text = said("asymmetry/explained", -0.01, explained)
    assert text == f"{words} what is not rotation-symmetric in a cell is redrawn (baseline: nothing)."
