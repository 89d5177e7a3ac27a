"""A smear: the parameters of a whole synthetic slide, from which any window can be drawn independently."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from orbicyte.synthetic.cells import Neighbour, Slide
from orbicyte.synthetic.landscape import Region


@dataclass(frozen=True)
class Smear:
    """Everything on a slide of ``width_um`` by ``height_um``, and how it was stained and imaged.

    Positions are complex numbers in µm from the slide's upper left corner, with the imaginary axis up: x is the real
    part, y is minus the imaginary part. ``whites``: the nucleated cells, later ones on top; ``others``: red cells,
    platelets and debris, which are below them; ``film``: where plasma stains the glass; ``defocus``: where the slide is
    out of focus, by a blur of up to ``defocus_um`` (standard deviation).
    """

    slide: Slide
    width_um: float
    height_um: float
    whites: tuple[Neighbour, ...]
    others: tuple[Neighbour, ...]
    film: Region
    defocus: Region
    defocus_um: float
    seed: int

    def near(self, centre_um: complex, reach_um: float) -> tuple[list[int], list[Neighbour]]:
        """Indices of white cells, and the other bodies, that may touch the square of ``reach_um`` around a position."""
        seen = [np.flatnonzero(_within(ends, centre_um, reach_um)).tolist() for ends in self._ends]
        return seen[0], [self.others[i] for i in seen[1]]

    @cached_property
    def _ends(self) -> tuple[NDArray[np.float64], ...]:
        return tuple(
            np.array(
                [(p.place_um.real, p.place_um.imag, p.body.diameter_um) for p in placed], dtype=np.float64
            ).reshape(-1, 3)
            for placed in (self.whites, self.others)
        )


def _within(ends: NDArray[np.float64], centre_um: complex, reach_um: float) -> NDArray[np.bool_]:
    x, y, diameter = ends.T
    far = np.maximum(np.abs(x - centre_um.real), np.abs(y - centre_um.imag))
    return np.asarray(far < reach_um + diameter)
