"""A mean or a comparison over trainings, with its interval."""

import math
from dataclasses import dataclass

from orbicyte.reporting.values import MINUS, NO_BREAK, number
from orbicyte.statistics.bootstrap import Bootstrapped
from orbicyte.statistics.corrected_t import CorrectedT, Interval

TIMES = "\N{MULTIPLICATION SIGN}"


@dataclass(frozen=True)
class Estimate:
    """A mean, a difference or a ratio of means, over trainings.

    ``t``: from the values of the trainings; ``bootstrap``: the same with resampled cells, for F1 with known
    predictions; ``is_ratio``: both are logarithms; ``margin``: differences up to it do not matter, None where that is
    not known.
    """

    t: CorrectedT
    bootstrap: Bootstrapped | None = None
    is_ratio: bool = False
    margin: float | None = None

    def bounds(self, level: float = 0.95) -> Interval:
        """The interval, of logarithms for a ratio: of the bootstrap if there is one, else of the corrected t."""
        return (self.bootstrap or self.t).interval(level)

    @property
    def value(self) -> float:
        """The mean difference, or the ratio."""
        return self._shown(self.t.mean)

    def interval(self, level: float = 0.95) -> Interval:
        """The interval of ``value``."""
        low, high = self.bounds(level)
        return self._shown(low), self._shown(high)

    @property
    def probability_equal(self) -> float | None:
        """Probability of a difference within ``margin``; None where no margin is known."""
        return None if self.margin is None else (self.bootstrap or self.t).probability_within(self.margin)

    @property
    def detectable(self) -> float:
        """The smallest difference that would have been found, or for a ratio the smallest factor above 1."""
        return self._shown((self.bootstrap or self.t).detectable)

    @property
    def method(self) -> str:
        """How the interval was found."""
        return "paired bootstrap" if self.bootstrap else "corrected t"

    def _shown(self, value: float) -> float:
        return math.exp(min(value, 700)) if self.is_ratio else value


def with_interval(estimate: Estimate, signed: bool = True) -> str:
    """As text: ``+0.012 [+0.003, +0.021]``, or for a ratio ``× 0.12 [0.10, 0.15]``; a mean is not ``signed``."""
    write = signed_number if signed and not estimate.is_ratio else number
    low, high = map(write, estimate.interval())
    times = f"{TIMES} " if signed and estimate.is_ratio else ""
    return f"{times}{write(estimate.value)} [{low}, {high}]".replace(" ", NO_BREAK)


def signed_number(value: float) -> str:
    """A number with its sign and three decimals, so that differences can be compared by eye."""
    text = f"{abs(value):.3f}" if abs(value) < 10 else number(abs(value))
    return text if float(text.replace(",", "")) == 0 else f"{'+' if value > 0 else MINUS}{text}"
