from orbicyte.cell_types import TYPES, by_maturation


def test_the_papers_types_come_first_under_any_of_their_names_and_others_follow_by_name() -> None:
    assert by_maturation(reversed(TYPES)) == list(TYPES)
    pbc = ["monocyte", "lymphocyte", "erythroblast", "eosinophil", "basophil", "band neutrophil", "promyelocyte"]
    assert by_maturation([*pbc, "basophil"]) == [
        "promyelocyte",
        "band neutrophil",
        "eosinophil",
        "erythroblast",
        "lymphocyte",
        "basophil",
        "monocyte",
    ]
