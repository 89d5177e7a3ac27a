"""Light through stained cells: from optical densities of the dyes to RGB by the law of Beer and Lambert."""

import numpy as np

from orbicyte.arrays import Floats
from orbicyte.synthetic.cells import Dyes, Slide

# Optical density in R, G, B of one unit of each absorber: not measured on dyes, but chosen so that the colours of
# synthetic nuclei, cytoplasm, granules and red cells are near those in the PBC smears (Acevedo et al. 2020, CC BY 4.0).
METHYLENE_BLUE = (1.0, 0.68, 0.15)
AZURE_B = (1.0, 1.24, 0.14)
EOSIN = (0.14, 1.0, 0.46)
HAEMOGLOBIN = (0.35, 0.6, 1.0)


def absorbers(slide: Slide) -> Floats:
    """Optical density in RGB of one unit of azure, eosin and haemoglobin on this slide: (3 absorbers, 3 channels)."""
    blue = (1 - slide.ripeness) * np.array(METHYLENE_BLUE) + slide.ripeness * np.array(AZURE_B)
    rows = (slide.azure * blue, slide.eosin * np.array(EOSIN), np.array(HAEMOGLOBIN))
    return np.stack(rows).astype(np.float32)


def transmit(density: Floats, slide: Slide) -> Floats:
    """RGB (H, W, 3), 0 to 1, of the light transmitted by densities (3, H, W): background times 10 ** -density."""
    optical = np.tensordot(density, absorbers(slide), axes=(0, 0))
    return np.asarray(np.array(slide.background, np.float32) * np.exp(optical * np.float32(-np.log(10))), np.float32)


def stained(dyes: Dyes, amount: Floats) -> Floats:
    """Densities (3, ...) of a compartment that contains ``amount`` (...) of its dyes at each point."""
    return np.multiply.outer(np.array((dyes.azure, dyes.eosin, dyes.haemoglobin), np.float32), amount)
