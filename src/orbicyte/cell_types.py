"""The cell types of the paper."""

TYPES = (
    "promyelocyte",
    "myelocyte",
    "metamyelocyte",
    "band granulocyte",
    "segmented granulocyte",
    "eosinophilic granulocyte",
    "basophilic erythroblast",
    "polychromatic erythroblast",
    "orthochromatic erythroblast",
    "lymphocyte",
)
"""The ten types of the paper's Fig. 2."""
