"""Fields: the number of complex fields of each rotation order in a tensor, as a type that prints itself.

A field of rotation order m is a complex feature map f. If the input is rotated by phi, f is rotated and multiplied by a
phase factor: f(R x) = e^{i m phi} R f(x) (Worrall et al. 2017, section 3). Order 0 is invariant; an RGB image is three
fields of order 0.

A tensor of ``Fields`` with C fields is real, (B, 2C, S, S): all real parts, then all imaginary parts, in the order in
which the fields are written.
"""

import re
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

_TERM = re.compile(r"(\d+)x(-?\d+)")


@dataclass(frozen=True, init=False)
class Fields:
    """Numbers of fields by rotation order: ``Fields("16x0 + 8x2")`` is 16 of order 0 and 8 of order 2.

    ``terms``: pairs (number, order). Raises ``ValueError`` for text of another form, numbers below 1, and an order
    that is given twice.
    """

    terms: tuple[tuple[int, int], ...]

    def __init__(self, text: "str | Fields") -> None:
        object.__setattr__(self, "terms", text.terms if isinstance(text, Fields) else _read(text))

    @classmethod
    def of(cls, numbers: dict[int, int]) -> Self:
        """From a number for each order: ``Fields.of({0: 16, 2: 8})``."""
        return cls(" + ".join(f"{number}x{order}" for order, number in numbers.items()))

    def __str__(self) -> str:
        return " + ".join(f"{number}x{order}" for number, order in self.terms)

    def __repr__(self) -> str:
        return f'Fields("{self}")'

    @property
    def count(self) -> int:
        """Number of complex fields."""
        return sum(number for number, _ in self.terms)

    @property
    def channels(self) -> int:
        """Number of real channels: two per field."""
        return 2 * self.count

    @property
    def orders(self) -> tuple[int, ...]:
        """The rotation order of each field, in the order written."""
        return tuple(order for number, order in self.terms for _ in range(number))

    def shifted(self, order: int) -> "Fields":
        """The same numbers of fields, every order increased by ``order``."""
        return Fields.of({own + order: number for number, own in self.terms})

    def lifted(self, x: Tensor) -> Tensor:
        """``x`` (B, channels, ...) unchanged; real ``x`` (B, count, ...) of order 0 with an imaginary part of 0.

        Raises ``ValueError`` for another number of channels.
        """
        if x.ndim > 1 and x.shape[1] == self.channels:
            return x
        if x.ndim > 1 and x.shape[1] == self.count and not any(self.orders):
            return torch.cat((x, torch.zeros_like(x)), 1)
        real = "" if any(self.orders) else f", or {self.count} real ones"
        raise ValueError(f"expected {self.channels} channels for the fields {self}{real}, got {tuple(x.shape)}")

    def magnitude(self, x: Tensor, eps: float = 0.0) -> Tensor:
        """|f| of each field: (B, channels, ...) -> (B, count, ...), as sqrt(re² + im² + eps).

        Training needs an ``eps`` above 0: otherwise the gradient at f = 0, such as outside the cell, is not finite.
        Raises ``ValueError`` as ``lifted``.
        """
        real, imaginary = self.lifted(x).chunk(2, 1)
        return torch.addcmul(real * real, imaginary, imaginary).add(eps).sqrt()

    def invariants(self, x: Tensor, eps: float = 0.0) -> Tensor:
        """What is invariant to rotation at a point: both parts of fields of order 0, then the magnitudes of the others.

        (B, channels, ...) -> (B, count + number of fields of order 0, ...). Raises ``ValueError`` as ``lifted``.
        """
        sizes = [number for number, _ in self.terms]
        real, imaginary = (torch.split(part, sizes, 1) for part in self.lifted(x).chunk(2, 1))
        magnitudes = torch.split(self.magnitude(x, eps), sizes, 1)
        scalar = [i for i, (_, order) in enumerate(self.terms) if order == 0]
        others = [magnitudes[i] for i in range(len(sizes)) if i not in scalar]
        return torch.cat([*(real[i] for i in scalar), *(imaginary[i] for i in scalar), *others], 1)

    def phased(self, x: Tensor, angle_rad: float | Tensor) -> Tensor:
        """``x`` (B, channels, ...) with each field multiplied by e^{i m phi}; the angle phi is a number or (B,).

        This is the effect of rotating the input by phi on feature vectors. Raises ``ValueError`` as ``lifted``.
        """
        x = self.lifted(x)
        orders = torch.tensor(self.orders, dtype=x.dtype, device=x.device)
        phase = torch.as_tensor(angle_rad, dtype=x.dtype, device=x.device).reshape(-1, 1) * orders
        phase = phase.reshape(*phase.shape, *([1] * (x.ndim - 2)))
        real, imaginary = x.chunk(2, 1)
        cos, sin = torch.cos(phase), torch.sin(phase)
        return torch.cat((real * cos - imaginary * sin, real * sin + imaginary * cos), 1)


def _read(text: str) -> tuple[tuple[int, int], ...]:
    found = [_TERM.fullmatch(part.strip()) for part in text.split("+")]
    terms = tuple((int(match[1]), int(match[2])) for match in found if match)
    if len(terms) < len(found) or any(number < 1 for number, _ in terms):
        raise ValueError(f'expected fields like "16x0 + 8x2" (number x order, joined by +), got {text!r}')
    if len({order for _, order in terms}) < len(terms):
        raise ValueError(f"an order is given twice in the fields {text!r}: give each order once")
    return terms
