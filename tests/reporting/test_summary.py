"""The sentences of the summary, also for extreme values."""

import pandas as pd
import pytest

from orbicyte.reporting.networks import Network
from orbicyte.reporting.summary import findings
from orbicyte.reporting.values import Values


def finding(measure: str, baseline: float, other: float, *more: tuple[str, float]) -> str:
    """The sentences about only_stn, from one measure of both networks and further ones of only_stn."""
    rows = [("baseline", None, measure, baseline), ("only_stn", 0.5, measure, other)]
    rows += [("only_stn", 0.5, name, value) for name, value in more]
    table = pd.DataFrame(rows, columns=["network", "rotation_weight", "measure", "value"])
    found = dict(findings(Values(table.assign(type="", angle_deg=None))))
    return found[Network("only_stn", 0.5).label]


@pytest.mark.parametrize(
    ("baseline", "other", "words"),
    [
        (420, 0.001, "a factor of more than 1,000 less than"),
        (420, 0.953, "a factor of 441 less than"),
        (420, 53.7, "a factor of 7.8 less than"),
        (10, 25, "a factor of 2.5 more than"),
        (10, 10.2, "about the same as"),
    ],
)
def test_a_factor_has_two_digits_or_is_more_than_a_thousand(baseline: float, other: float, words: str) -> None:
    assert words in finding("rotation_kl", baseline, other)


@pytest.mark.parametrize(("ratio", "words"), [(0.00001, "less than 0.1% of"), (0.0, "0.0% of"), (0.117, "11.7% of")])
def test_a_share_above_zero_is_not_rounded_to_zero(ratio: float, words: str) -> None:
    assert f"this is {words} the mean difference" in finding("rotation_kl", 2, 1, ("rotation_kl/ratio", ratio))


@pytest.mark.parametrize(("explained", "words"), [(-0.04, "none"), (0.001, "none"), (0.11, "11%"), (1.0, "100%")])
def test_reconstructions_no_better_than_symmetric_ones_explain_nothing(explained: float, words: str) -> None:
    text = finding("asymmetry/explained", -0.01, explained)
    assert text == f"Reconstructions explain {words} of the variance that is not rotation-symmetric (baseline: none)."


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (0.55, "compared with 0.500 ± 0.050 for the baseline: a difference that may be chance"),
        (0.62, "a difference that may be chance"),
        (
            0.70,
            "higher than that of the baseline (0.500 ± 0.050): the difference is more than twice the combined",
        ),
        (0.30, "lower than that of the baseline (0.500 ± 0.050): the difference is more than twice"),
    ],
)
def test_a_difference_is_only_named_where_it_exceeds_the_spread(other: float, words: str) -> None:
    rows = [
        (name, weight, measure, value)
        for name, weight, f1 in (("baseline", None, 0.5), ("only_stn", 0.5, other))
        for measure, value in (("f1/mlp", f1), ("f1/mlp/sd", 0.05))
    ]
    table = pd.DataFrame(rows, columns=["network", "rotation_weight", "measure", "value"])
    found = dict(findings(Values(table.assign(type="", angle_deg=None))))
    text = found[Network("only_stn", 0.5).label].replace("\N{NO-BREAK SPACE}", " ")
    assert words in text
    assert "clearly" not in text
