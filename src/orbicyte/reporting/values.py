"""The rows of all scores, reduced to one value and spread per network, measure, type and angle."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from orbicyte.reporting.networks import Network, ordered

SD = "/sd"
"""A measure with this ending is the standard deviation of the measure without it."""

SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
MINUS = "\N{MINUS SIGN}"
PLUS_MINUS = "\N{PLUS-MINUS SIGN}"
NO_BREAK = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True)
class Value:
    """Mean over ``runs`` runs (folds of the unlabelled cells, seeds).

    ``spread``: standard deviation over the runs or, for one run, over the folds of the cross-validation; None where
    neither is known.
    """

    mean: float
    spread: float | None = None
    runs: int = 1

    def __str__(self) -> str:
        if self.spread is None:
            return number(self.mean)
        return f"{number(self.mean)}{NO_BREAK}{PLUS_MINUS}{NO_BREAK}{self.spread:.{_decimals(self.mean)}f}"


@dataclass(frozen=True, order=True)
class Key:
    """Measure, type and angle of a value; ``angle_deg`` is None for all angles."""

    measure: str
    type: str = ""
    angle_deg: float | None = None


class Values:
    """Values by network and key; rows without a number (NaN) are treated as absent."""

    def __init__(self, rows: pd.DataFrame) -> None:
        columns = ["network", "rotation_weight", "measure", "type", "angle_deg"]
        self._values: dict[tuple[Network, Key], Value] = {}
        table = rows.dropna(subset="value").groupby(columns, dropna=False)["value"].agg(["mean", "std", "count"])
        for name, weight, measure, kind, angle, mean, spread, runs in table.reset_index().itertuples(index=False):
            entry = Network(name, _optional(weight)), Key(measure, kind, _optional(angle))
            self._values[entry] = Value(mean, _optional(spread), runs)
        self.networks = ordered(
            Network(name, _optional(weight))
            for name, weight in rows[["network", "rotation_weight"]].itertuples(index=False)
        )

    def get(self, network: Network, measure: str, type: str = "", angle_deg: float | None = None) -> Value | None:
        """The value, if there is one; its spread is that of the ``/sd`` row where there is one run only."""
        value = self._values.get((network, Key(measure, type, angle_deg)))
        over_folds = self._values.get((network, Key(measure + SD, type, angle_deg)))
        if value is None or value.spread is not None or over_folds is None:
            return value
        return Value(value.mean, over_folds.mean, value.runs)

    def measured(self) -> list[Key]:
        """All keys for which any network has a value, without standard deviations."""
        found = {key for _, key in self._values if not key.measure.endswith(SD)}
        return sorted(found, key=lambda key: (key.measure, key.type, -1.0 if key.angle_deg is None else key.angle_deg))

    def types(self, measure: str) -> list[str]:
        """The types for which ``measure`` has values."""
        return sorted({key.type for _, key in self._values if key.measure == measure and key.type})

    def by_angle(self, network: Network, measure: str) -> Iterator[tuple[float, Value]]:
        """Angles in degrees, in increasing order, and the values at them."""
        angles = {key.angle_deg for other, key in self._values if other == network and key.measure == measure}
        for angle in sorted(angle for angle in angles if angle is not None):
            yield angle, self._values[network, Key(measure, angle_deg=angle)]

    def first(self, *measures: str) -> str | None:
        """The first of ``measures`` for which any network has a value."""
        present = {key.measure for _, key in self._values}
        return next((measure for measure in measures if measure in present), None)


def number(value: float) -> str:
    """A number as text for tables: about three digits, whole numbers without decimals."""
    if value == round(value):
        return f"{value:,.0f}".replace("-", MINUS)
    if abs(value) < 0.0005:
        mantissa, _, exponent = f"{value:.1e}".partition("e")
        return f"{mantissa} × 10{str(int(exponent)).translate(SUPERSCRIPTS)}".replace("-", MINUS)
    return f"{value:,.{_decimals(value)}f}".replace("-", MINUS)


def percent(share: float) -> str:
    """A share in per cent with one decimal; in words if it is smaller than that."""
    return "less than 0.1%" if 0 < share < 0.0005 else f"{share:.1%}"


def _decimals(value: float) -> int:
    return 3 if abs(value) < 1 else max(0, 2 - math.floor(math.log10(abs(value))))


def _optional(value: float) -> float | None:
    return None if pd.isna(value) else float(value)
