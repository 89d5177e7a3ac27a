"""How many slides and cells people need to label, before they do."""

import math

from orbicyte.settings import Settings

LEAST_FOLDS = 3
"""Of the unlabelled cells: one to test on, one for early stopping, one to train on."""
LEAST_PROBE_FOLDS = 2
"""Of the labelled cells: one to fit on, one to test on."""


def needed(slides: int, settings: Settings | None = None) -> str:
    """What to label in a study of that many slides for 'orbicyte run', as one line.

    ``settings``: by default those of both presets. A quarter of the labelled cells, by slide, is the selection part.
    """
    settings = settings or Settings()
    evaluation = settings.evaluation
    cells = math.ceil(evaluation.folds / (1 - evaluation.selection_share))
    labelled, unlabelled = cells + 1, settings.folds  # one more, as slides differ in their cells
    of_types = f"at least {cells} cells of each type"
    if slides >= labelled + unlabelled:
        return f"for 'orbicyte run', label {of_types}, on at least {labelled} slides, and leave {unlabelled} unlabelled"
    if slides >= LEAST_FOLDS + LEAST_PROBE_FOLDS:
        some = min(labelled, slides - LEAST_FOLDS, math.ceil(slides / 2))
        return (
            f"for 'orbicyte run', label {of_types}, on {some} of the {slides} slides, and leave {slides - some} "
            f"unlabelled: with fewer than {labelled + unlabelled} slides there are fewer folds, and scores are less "
            "reliable"
        )
    return (
        f"{slides} slides are too few to train networks on ('orbicyte run' needs {LEAST_FOLDS + LEAST_PROBE_FOLDS}); "
        f"label {of_types}, on at least two slides, and use 'orbicyte classify' and 'count' without 'run'"
    )
