"""Means and spreads of rows, and the format of numbers."""

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orbicyte.reporting.networks import Network
from orbicyte.reporting.values import Value, Values, number

STN = Network("only_stn", 0.5)


def rows(*scores: tuple[str, float], fold: int = 1, kind: str = "", angle: float = math.nan) -> pd.DataFrame:
    """Score rows of only_stn at 0.5."""
    columns = {"network": "only_stn", "rotation_weight": 0.5, "seed": 0, "fold": fold, "type": kind, "angle_deg": angle}
    return pd.DataFrame([{**columns, "measure": measure, "value": value} for measure, value in scores])


def test_several_runs_become_mean_and_standard_deviation() -> None:
    values = Values(pd.concat([rows(("ssim", 0.6), fold=1), rows(("ssim", 0.8), fold=2)]))
    value = values.get(STN, "ssim")
    assert value is not None
    assert value.runs == 2
    assert value.mean == pytest.approx(0.7)
    assert value.spread == pytest.approx(math.sqrt(0.02))


def test_the_spread_of_one_run_is_from_the_sd_row() -> None:
    values = Values(rows(("f1/mlp", 0.61), ("f1/mlp/sd", 0.02), ("ssim", 0.7)))
    assert values.get(STN, "f1/mlp") == Value(0.61, 0.02, 1)
    assert values.get(STN, "ssim") == Value(0.7, None, 1)
    assert [key.measure for key in values.measured()] == ["f1/mlp", "ssim"]


def test_types_and_angles_are_kept_separate() -> None:
    table = [
        rows(("f1", 0.5)),
        rows(("f1", 0.9), kind="band"),
        rows(("kl", 3.0), angle=90),
        rows(("kl", 1.0), angle=15),
    ]
    values = Values(pd.concat(table))
    assert values.types("f1") == ["band"]
    assert [value.mean for value in (values.get(STN, "f1"), values.get(STN, "f1", "band")) if value] == [0.5, 0.9]
    assert [(angle, value.mean) for angle, value in values.by_angle(STN, "kl")] == [(15, 1.0), (90, 3.0)]


def test_nan_is_treated_as_absent() -> None:
    values = Values(rows(("pose", math.nan), ("ssim", 0.5)))
    assert values.get(STN, "pose") is None
    assert values.networks == [STN]


DIGITS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")


@given(st.floats(-1e6, 1e6).filter(lambda value: value == 0 or abs(value) > 1e-12))
def test_written_numbers_keep_three_digits(value: float) -> None:
    text = number(value).replace("−", "-").replace(",", "").replace(" × 10⁻", "e-").translate(DIGITS)
    assert float(text) == pytest.approx(value, rel=0.051, abs=5e-4 if abs(value) >= 5e-4 else 0)


def test_spread_is_written_with_the_decimals_of_the_mean() -> None:
    assert str(Value(0.61234, 0.0178)).replace("\N{NO-BREAK SPACE}", " ") == "0.612 ± 0.018"
    assert str(Value(41.26, 1.234)).replace("\N{NO-BREAK SPACE}", " ") == "41.3 ± 1.2"
