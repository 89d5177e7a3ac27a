import math

import pytest

from orbicyte.reporting.experiment.estimates import Estimate, signed_number, with_interval
from orbicyte.statistics.corrected_t import CorrectedT

SPACE = "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0124, "+0.012"), (-0.0124, "−0.012"), (0.0001, "0.000"), (-1234.5, "−1,234"), (2.5, "+2.500")],
)
def test_differences_have_a_sign_and_three_decimals(value: float, text: str) -> None:
    assert signed_number(value) == text


def test_a_ratio_and_its_interval_are_exponentials() -> None:
    half = CorrectedT(math.log(0.5), 0.0, 6)
    assert with_interval(Estimate(half, is_ratio=True)) == f"×{SPACE}0.500{SPACE}[0.500,{SPACE}0.500]"
    assert with_interval(Estimate(CorrectedT(0.5, 0.0, 6)), signed=False) == f"0.500{SPACE}[0.500,{SPACE}0.500]"


def test_equality_is_not_known_without_a_margin() -> None:
    t = CorrectedT(0.0, 0.005, 6)
    assert Estimate(t).probability_equal is None
    assert Estimate(t, margin=0.01).probability_equal == pytest.approx(t.probability_within(0.01))
