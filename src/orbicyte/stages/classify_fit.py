"""classify-fit: the shallow classifier of a run, fitted on all labelled cells of its study."""

from pathlib import Path

from orbicyte.classification.labelled import labelled_cells
from orbicyte.classification.prediction import fit_and_save
from orbicyte.embedding import Embedder
from orbicyte.errors import OrbicyteError
from orbicyte.settings import EvaluationSettings
from orbicyte.study import Study, is_study
from orbicyte.study.runs import RunFolder
from orbicyte.training.runs import trained_patches


def classify_fit(
    run: Path | str,
    evaluation: EvaluationSettings | None = None,
    *,
    stain_copies: int = 0,
    device: str | None = None,
) -> Path:
    """Fit the classifier of the run folder ``run`` on all labelled cells of its study; return its folder.

    ``evaluation``: by default the run's; its ``folds`` are those of the fold F1 and the calibration.
    ``stain_copies``: number of copies of each cell with another stain, on which it is fitted too, for cells of other
    laboratories; ``device``: see ``Embedder``. Raises ``OrbicyteError`` for a run outside its study, and for types or
    groups too small for the folds.
    """
    folder = RunFolder(Path(run))
    evaluation = evaluation or folder.record().settings.evaluation
    study = _study_of(folder)
    with study.lock_run(folder.path.resolve()):
        store = trained_patches(study, folder)
        fit_and_save(store, labelled_cells(store), Embedder(folder, device), evaluation, stain_copies)
    return folder.classifier


def _study_of(folder: RunFolder) -> Study:
    path = folder.path.resolve().parent.parent
    if not is_study(path):
        raise OrbicyteError(
            f"{folder.path} is not in a study: the classifier needs the study's labelled cells; move the folder back"
        )
    return Study.open(path)
