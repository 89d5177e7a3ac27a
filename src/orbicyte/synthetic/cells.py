"""The parameters of a synthetic cell, in micrometres, radians and optical densities.

Positions are complex numbers in µm from the centre of the image: the real axis points right, the imaginary axis up, so
that multiplying by ``exp(1j * a)`` rotates a scene by ``a`` counter-clockwise as displayed.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Dyes:
    """Optical densities (base 10, at each absorber's strongest channel) of the absorbers in a compartment.

    The two dyes of the Pappenheim stain, and the haemoglobin of red cells and late erythroblasts.
    """

    azure: float
    eosin: float
    haemoglobin: float = 0.0


@dataclass(frozen=True)
class Texture:
    """Clumps about ``scale_um`` wide that increase or decrease the density by up to ``contrast`` (0 to 1)."""

    scale_um: float
    contrast: float


@dataclass(frozen=True)
class Grains:
    """Round specks: granules (their dyes are added) or, without dyes, nucleoli and vacuoles (less dense)."""

    count: int
    diameter_um: float
    dyes: Dyes = Dyes(0.0, 0.0)


@dataclass(frozen=True)
class Nucleus:
    """Lobes on an arc that opens to the cell's right, joined by bridges.

    ``diameter_um``: across the arc, the diameter of a round nucleus; ``spine_um``: length of the arc through the
    lobes' centres; ``bend_rad``: the angle it spans; ``waist``: width of a bridge / width of a lobe (1 for an
    even band, 0 for lobes that are only just connected); ``offset_um``: its distance from the centre, to the cell's
    left; ``rim``: excess density of its membrane.
    """

    diameter_um: float
    lobes: int
    spine_um: float
    bend_rad: float
    waist: float
    offset_um: float
    roughness_um: float
    dyes: Dyes
    chromatin: Texture
    rim: float
    nucleoli: Grains


@dataclass(frozen=True)
class WhiteCell:
    """One nucleated cell in its own coordinates.

    ``outline``: amplitudes, relative to the radius, of 2, 3, ... waves around it; ``rim``: excess density of the
    cytoplasm at the border, which leaves a pale zone around the nucleus.
    """

    cell_type: str
    diameter_um: float
    outline: tuple[complex, ...]
    roughness_um: float
    cytoplasm: Dyes
    mottle: Texture
    rim: float
    granules: Grains
    vacuoles: Grains
    nucleus: Nucleus
    seed: int


@dataclass(frozen=True)
class RedCell:
    """A disc with a pale centre.

    ``pallor``: the share of the density that is missing there; ``pallor_width``: its radius relative to the cell's.
    """

    diameter_um: float
    outline: tuple[complex, ...]
    dyes: Dyes
    pallor: float
    pallor_width: float


@dataclass(frozen=True)
class Platelet:
    """A pale fragment with violet granules."""

    diameter_um: float
    outline: tuple[complex, ...]
    dyes: Dyes
    granules: Grains
    seed: int


@dataclass(frozen=True)
class Neighbour:
    """A body near the cell: its position in the cell's coordinates, and its own rotation, counter-clockwise."""

    place_um: complex
    angle_rad: float
    body: WhiteCell | RedCell | Platelet


@dataclass(frozen=True)
class Slide:
    """How one smear was stained and imaged.

    ``azure``, ``eosin``: strength of the dyes relative to the usual; ``ripeness``: 0 for methylene blue, 1 for azure
    B, to which it oxidises; ``background``: RGB of the empty slide, 0 to 1; ``blur_um``: standard deviation of the
    optics' blur; ``noise``: standard deviation of the sensor, in units of the range; ``red_cells_per_100_um2``.
    """

    name: str
    azure: float
    eosin: float
    ripeness: float
    background: tuple[float, float, float]
    blur_um: float
    noise: float
    red_cells_per_100_um2: float


@dataclass(frozen=True)
class Cell:
    """A scene: the cell in the centre, its neighbours, its slide, and its orientation, counter-clockwise."""

    white: WhiteCell
    neighbours: tuple[Neighbour, ...]
    slide: Slide
    angle_rad: float
    seed: int

    @property
    def cell_type(self) -> str:
        """The type of the cell in the centre, one of ``TYPES``."""
        return self.white.cell_type
