"""Which stored numbers are black and white: decided once for all images of a data set, never image by image.

Images of 8 bits need no decision. Integers of more bits and floating-point numbers do not state their range: cameras
of 10, 12 or 14 bits write 16, and programs write floats from 0 to 1 or from 0 to 255. In a bright-field data set the
brightest value is near white, so a range is plausible if that value is at least a quarter of it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from orbicyte.errors import OrbicyteError
from orbicyte.text import number_of

INTEGERS = (255, 1023, 4095, 16383, 65535)
"""White in integers of 8, 10, 12, 14 and 16 bits: each four times the one before, so only one is plausible."""
FLOATS = (1.0, 255.0)
OVERSHOOT = 0.15
"""Share of the range by which floating-point values may exceed it after resampling; they are clipped."""
LEAST_BRIGHT = 0.25
FAR_DARKER = 1 / 16
"""An image whose brightest value is below this share of the data set's white has probably another range."""
STATE = "state which values are black and white with --value-range BLACK,WHITE (in Python value_range)"

Kind = Literal["integer", "float"]
Numbers = NDArray[np.generic]


@dataclass(frozen=True)
class ValueRange:
    """The numbers that are black and white; white is below black in inverted images."""

    black: float
    white: float

    def __str__(self) -> str:
        return f"{self.black:g} is black, {self.white:g} is white"


@dataclass(frozen=True)
class Extent:
    """The least and the greatest number of an image that needs a decision. ``name``: of the image, for messages."""

    name: str
    kind: Kind
    least: float
    most: float


@dataclass(frozen=True)
class Ranges:
    """What was decided for a data set; None for kinds of numbers that it does not have. ``is_stated``: by the user."""

    integer: ValueRange | None = None
    float: ValueRange | None = None
    is_stated: bool = False

    @property
    def is_inverted(self) -> bool:
        """Whether the user stated that white is below black, which holds for images of 8 bits, too."""
        return self.is_stated and self.integer is not None and self.integer.white < self.integer.black

    def is_usual(self, extents: Iterable[Extent]) -> bool:
        """Whether white is 65535 or 1, and no number of the images is beyond it."""
        usual = self.integer in (None, ValueRange(0, INTEGERS[-1])) and self.float in (None, ValueRange(0, FLOATS[0]))
        return usual and all(one.kind == "integer" or (one.least >= 0 and one.most <= 1) for one in extents)

    def of(self, kind: Kind) -> ValueRange | None:
        """The range of numbers of this kind."""
        return self.integer if kind == "integer" else self.float


def stated_ranges(value_range: tuple[float, float]) -> Ranges:
    """The ranges for a data set whose black and white are stated. Raises ``OrbicyteError`` unless they differ."""
    black, white = map(float, value_range)
    if not (np.isfinite([black, white]).all() and black != white):
        raise OrbicyteError(f"--value-range takes two different numbers BLACK,WHITE, got {black:g},{white:g}")
    return Ranges(ValueRange(black, white), ValueRange(black, white), is_stated=True)


def kind_of(values: Numbers) -> Kind | None:
    """The kind of numbers that need a decision; None for 8 bits, Boolean values, and what is no pixel."""
    if values.dtype == np.uint8 or values.dtype.kind not in "uif":
        return None
    return "float" if values.dtype.kind == "f" else "integer"


def extent_of(values: Numbers, name: str) -> Extent | None:
    """None for an image that needs no decision, is empty or has numbers that are not finite."""
    kind = kind_of(values)
    if kind is None or not values.size:
        return None
    least, most = float(values.min()), float(values.max())
    return Extent(name, kind, least, most) if np.isfinite([least, most]).all() else None


def decide(extents: Sequence[Extent]) -> Ranges:
    """The ranges of a data set. Raises ``OrbicyteError`` if no range, or not one range for all, is plausible."""
    found: dict[str, ValueRange] = {}
    for kind in ("integer", "float"):
        some = [extent for extent in extents if extent.kind == kind]
        if some:
            found[kind] = ValueRange(0, _white(kind, some))
    return Ranges(found.get("integer"), found.get("float"))


def _white(kind: str, extents: Sequence[Extent]) -> float:
    """White of all images of one kind. Raises ``OrbicyteError`` (see ``decide``)."""
    low, high = min(extents, key=lambda one: one.least), max(extents, key=lambda one: one.most)
    if kind == "integer":
        white = next((float(full) for full in INTEGERS if high.most <= full), None)
        darkest = 0.0
    else:
        white = next((full for full in FLOATS if high.most <= full * (1 + OVERSHOOT)), None)
        darkest = -OVERSHOOT * (white or 1)
    is_dark = white == FLOATS[1] and kind == "float" and high.most < LEAST_BRIGHT * FLOATS[1]
    if white is None or low.least < darkest or is_dark:
        wrong = low if low.least < darkest else high
        expected = "0 to 65535" if kind == "integer" else "0 to 1 or 0 to 255"
        raise OrbicyteError(f"{_named(wrong)}, expected {expected}: {STATE}")
    limit = FAR_DARKER * white if kind == "integer" else FLOATS[0] * (1 + OVERSHOOT)
    others = [one for one in extents if one.least < one.most <= limit]
    if others and white > FLOATS[0]:
        raise OrbicyteError(
            f"{_named(others[0])}, {_named(high)}: they have different ranges, or one is almost black; {STATE}, or "
            "convert them to 8 bits"
        )
    return white


def _named(one: Extent) -> str:
    values = f"values from {one.least:g} to {one.most:g}"
    return f"{one.name}: {values}" if one.name else values


def describe(ranges: Ranges, extents: Iterable[Extent]) -> list[str]:
    """One line for each kind of numbers that a data set has: what was decided, from what, and how many are clipped."""
    lines = []
    for kind, what in (("integer", "more than 8 bits"), ("float", "floating-point numbers")):
        some = [extent for extent in extents if extent.kind == kind]
        chosen = ranges.integer if kind == "integer" else ranges.float
        if not some or chosen is None:
            continue
        low, high = sorted((chosen.black, chosen.white))
        beyond = sum(one.least < low or one.most > high for one in some)
        values = f"their values are {min(one.least for one in some):.4g} to {max(one.most for one in some):.4g}"
        clipped = f"; values beyond are clipped in {beyond}" if beyond and kind == "float" else ""
        source = "as stated" if ranges.is_stated else "another range: --value-range BLACK,WHITE"
        lines.append(f"{number_of(len(some), 'image')} of {what}: {chosen} ({values}; {source}){clipped}")
    return lines


def scaled(values: Numbers, chosen: ValueRange, kind: Kind) -> NDArray[np.float32]:
    """``values`` as 0 (black) to 1 (white), those beyond it clipped. Raises as ``require_within``."""
    require_within(values, chosen, kind)
    unit = values.astype(np.float32)
    unit -= np.float32(chosen.black)
    unit /= np.float32(chosen.white - chosen.black)
    return unit.clip(0, 1, out=unit)


def require_within(values: Numbers, chosen: ValueRange, kind: Kind) -> None:
    """Raise ``ValueError`` for NaN, and numbers beyond ``chosen``; floats may be beyond it by ``OVERSHOOT``."""
    least, most = float(values.min()), float(values.max())
    if np.isnan(least):
        raise ValueError("values that are not numbers (NaN)")
    slack = (OVERSHOOT if kind == "float" else 0.0) * abs(chosen.white - chosen.black)
    low, high = sorted((chosen.black, chosen.white))
    if not low - slack <= least <= most <= high + slack:
        raise ValueError(f"values from {least:g} to {most:g}, expected {low:g} to {high:g}")
