"""The ranges from which the parameters of each cell type are sampled; successive stages of maturation overlap.

Sizes follow haematology textbooks (a neutrophil 10-14 µm, a promyelocyte up to 20 µm, ...) and the appearance of
May-Gruenwald-Giemsa smears. Shares are relative to the cell's diameter.
"""

from dataclasses import dataclass, replace

Range = tuple[float, float]


@dataclass(frozen=True)
class Recipe:
    """Lowest and highest value of each parameter of a type; the units are those of :class:`WhiteCell`."""

    diameter_um: Range
    nucleus_share: Range  # nucleus diameter / cell diameter
    spine_share: Range = (0.02, 0.2)  # spine length / cell diameter
    lobes: tuple[int, ...] = (2,)
    bend_rad: Range = (0.0, 0.8)
    waist: Range = (0.9, 1.0)
    eccentricity: Range = (0.2, 0.9)  # 1: the nucleus touches the border
    chromatin_um: Range = (0.25, 0.38)
    chromatin_contrast: Range = (0.4, 0.65)
    nuclear_azure: Range = (0.41, 0.52)
    nuclear_eosin: Range = (0.24, 0.36)
    nucleoli: tuple[int, ...] = (0,)
    azure: Range = (0.06, 0.12)
    eosin: Range = (0.05, 0.09)
    haemoglobin: Range = (0.0, 0.01)
    rim: Range = (0.0, 0.3)
    mottle_contrast: Range = (0.1, 0.3)
    irregularity: Range = (0.01, 0.05)
    granules: Range = (0, 0)
    granule_um: Range = (0.3, 0.45)
    granule_azure: Range = (0.05, 0.12)
    granule_eosin: Range = (0.08, 0.14)
    vacuoles: tuple[int, ...] = (0,) * 12 + (1, 3)


_PROMYELOCYTE = Recipe(
    diameter_um=(12.0, 19.5), nucleus_share=(0.58, 0.74), spine_share=(0.05, 0.22),
    chromatin_um=(0.2, 0.28), chromatin_contrast=(0.4, 0.65), nuclear_azure=(0.37, 0.46), nuclear_eosin=(0.26, 0.4),
    nucleoli=(1, 2, 3), azure=(0.1, 0.26), eosin=(0.06, 0.14), rim=(0.1, 0.5),
    granules=(250, 700), granule_um=(0.28, 0.42), granule_azure=(0.15, 0.4), granule_eosin=(0.18, 0.4),
)  # fmt: skip
_MYELOCYTE = replace(
    _PROMYELOCYTE,
    diameter_um=(11.0, 17.5), nucleus_share=(0.54, 0.68), spine_share=(0.05, 0.2), eccentricity=(0.4, 1.0),
    chromatin_um=(0.24, 0.34), chromatin_contrast=(0.4, 0.65), nuclear_azure=(0.4, 0.5), nucleoli=(0, 0, 0, 1),
    azure=(0.07, 0.22), eosin=(0.05, 0.13), granules=(150, 600), granule_um=(0.25, 0.38),
    granule_azure=(0.1, 0.32), granule_eosin=(0.15, 0.35),
)  # fmt: skip
_METAMYELOCYTE = replace(
    _MYELOCYTE,
    diameter_um=(10.5, 16.5), nucleus_share=(0.36, 0.48), spine_share=(0.32, 0.52), lobes=(3,), bend_rad=(1.3, 2.8),
    waist=(0.85, 1.0), nucleoli=(0,), azure=(0.05, 0.19), granule_azure=(0.08, 0.25), granule_eosin=(0.1, 0.3),
)  # fmt: skip
_BAND = replace(
    _METAMYELOCYTE,
    diameter_um=(10.0, 16.0), nucleus_share=(0.25, 0.36), spine_share=(0.7, 1.1), lobes=(4, 5, 6),
    bend_rad=(2.2, 4.6), waist=(0.7, 1.0), eccentricity=(0.0, 0.6), azure=(0.04, 0.15), eosin=(0.04, 0.12),
    rim=(-0.1, 0.3), granules=(150, 500), granule_um=(0.22, 0.34), granule_azure=(0.06, 0.22),
    granule_eosin=(0.08, 0.32),
)  # fmt: skip
_SEGMENTED = replace(
    _BAND,
    nucleus_share=(0.25, 0.36), spine_share=(0.75, 1.25), lobes=(3, 3, 4, 4, 5), bend_rad=(1.6, 5.0),
    waist=(0.12, 0.42),
)  # fmt: skip
_EOSINOPHIL = replace(
    _SEGMENTED,
    diameter_um=(10.5, 16.0), nucleus_share=(0.36, 0.46), spine_share=(0.46, 0.62), lobes=(2, 2, 2, 3),
    bend_rad=(1.2, 2.4), waist=(0.1, 0.5), eccentricity=(0.3, 0.9), azure=(0.05, 0.1), eosin=(0.08, 0.15),
    granules=(450, 800), granule_um=(0.36, 0.55), granule_azure=(0.02, 0.07), granule_eosin=(0.12, 0.24),
)  # fmt: skip
_BASOPHILIC = Recipe(
    diameter_um=(9.5, 15.5), nucleus_share=(0.62, 0.78), spine_share=(0.02, 0.08), eccentricity=(0.0, 0.7),
    chromatin_um=(0.25, 0.4), chromatin_contrast=(0.4, 0.65), nucleoli=(0, 0, 1, 2),
    azure=(0.16, 0.36), eosin=(0.04, 0.1), rim=(0.2, 0.7), irregularity=(0.015, 0.06),
)  # fmt: skip
_POLYCHROMATIC = replace(
    _BASOPHILIC,
    diameter_um=(8.0, 13.5), nucleus_share=(0.52, 0.7), chromatin_um=(0.3, 0.45), chromatin_contrast=(0.3, 0.6),
    nuclear_azure=(0.42, 0.53), nuclear_eosin=(0.24, 0.36), nucleoli=(0,), azure=(0.1, 0.28), eosin=(0.04, 0.1),
    haemoglobin=(0.01, 0.04), rim=(0.0, 0.3), eccentricity=(0.0, 0.9),
)  # fmt: skip
_ORTHOCHROMATIC = replace(
    _POLYCHROMATIC,
    diameter_um=(7.5, 12.0), nucleus_share=(0.42, 0.6), chromatin_um=(0.3, 0.45), chromatin_contrast=(0.05, 0.45),
    nuclear_azure=(0.45, 0.56), nuclear_eosin=(0.24, 0.36), azure=(0.05, 0.19), eosin=(0.04, 0.09),
    haemoglobin=(0.03, 0.07), eccentricity=(0.3, 1.0),
)  # fmt: skip
_LYMPHOCYTE = replace(
    _BASOPHILIC,
    diameter_um=(7.5, 13.5), nucleus_share=(0.7, 0.88), spine_share=(0.02, 0.12), bend_rad=(0.0, 1.5),
    chromatin_um=(0.25, 0.45), chromatin_contrast=(0.2, 0.45), nucleoli=(0, 0, 0, 1), azure=(0.09, 0.33),
    eosin=(0.04, 0.1), rim=(0.2, 0.6), irregularity=(0.02, 0.07), eccentricity=(0.2, 1.0),
)  # fmt: skip

RECIPES = {
    "promyelocyte": _PROMYELOCYTE,
    "myelocyte": _MYELOCYTE,
    "metamyelocyte": _METAMYELOCYTE,
    "band granulocyte": _BAND,
    "segmented granulocyte": _SEGMENTED,
    "eosinophilic granulocyte": _EOSINOPHIL,
    "basophilic erythroblast": _BASOPHILIC,
    "polychromatic erythroblast": _POLYCHROMATIC,
    "orthochromatic erythroblast": _ORTHOCHROMATIC,
    "lymphocyte": _LYMPHOCYTE,
}
