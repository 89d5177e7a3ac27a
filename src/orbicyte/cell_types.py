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

NAMES_ELSEWHERE = {
    "band neutrophil": "band granulocyte",
    "segmented neutrophil": "segmented granulocyte",
    "eosinophil": "eosinophilic granulocyte",
}
"""Names that the PBC set, and so the shipped classifier, has for some of these types."""

COARSER = dict.fromkeys(
    ("basophilic erythroblast", "polychromatic erythroblast", "orthochromatic erythroblast"), "erythroblast"
)
"""The one type that the PBC set, and so the shipped classifier, has for several of these types."""
