"""The cell types of the paper, and their order."""

from collections.abc import Iterable

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


def by_maturation(names: Iterable[str]) -> list[str]:
    """``names``, each once: those of ``TYPES``, under any of their names, in that order, then the others by name."""
    rank = {name: at for at, name in enumerate(TYPES)}
    for other, name in (*NAMES_ELSEWHERE.items(), *((coarser, name) for name, coarser in COARSER.items())):
        rank.setdefault(other, rank[name])
    return sorted(set(names), key=lambda name: (rank.get(name, len(TYPES)), name))
