"""How many slides and labelled cells training and evaluation need, known before people label."""

import math
from dataclasses import dataclass

from orbicyte.settings import Settings

LEAST_FOLDS = 3
"""Of the unlabelled cells: one to test on, one for early stopping, one to train on."""
LEAST_PROBE_FOLDS = 2
"""Of the labelled cells: one to fit on, one to test on."""


@dataclass(frozen=True)
class Needed:
    """The least that can be split into the folds of some settings.

    ``labelled_slides``, ``cells_of_a_type``: so many that the test part, all but ``selection_share``, has one for each
    fold of the classification; one slide more, as the parts of few slides are seldom of the exact size.
    ``unlabelled_slides``: one for each fold of the training, unless all slides have labels.
    """

    labelled_slides: int
    unlabelled_slides: int
    cells_of_a_type: int

    @classmethod
    def of(cls, settings: Settings) -> "Needed":
        """What the folds of ``settings`` need."""
        evaluation = settings.evaluation
        least = math.ceil(evaluation.folds / (1 - evaluation.selection_share))
        return cls(labelled_slides=least + 1, unlabelled_slides=settings.folds, cells_of_a_type=least)


def what_to_label(slides: int, settings: Settings | None = None) -> str:
    """What to label in a study of that many slides for 'orbicyte run', as one line.

    ``settings``: by default those of both presets.
    """
    needed = Needed.of(settings or Settings())
    labelled, unlabelled = needed.labelled_slides, needed.unlabelled_slides
    of_types = f"at least {needed.cells_of_a_type} cells of each type"
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
        f"too few slides to train networks on: {slides}, and 'orbicyte run' needs {LEAST_FOLDS + LEAST_PROBE_FOLDS}; "
        f"label {of_types}, on at least two slides, and use 'orbicyte classify' and 'count' without 'run'"
    )
