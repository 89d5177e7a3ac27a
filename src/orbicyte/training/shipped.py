"""The shipped network as a run of a study: nothing is trained."""

from dataclasses import replace

from orbicyte.data.folds import learning_rows
from orbicyte.data.patches import PatchStore
from orbicyte.progress import print_line
from orbicyte.settings import Settings
from orbicyte.study import Study
from orbicyte.study.files import discard, replacing
from orbicyte.study.runs import PRETRAINED, RunFolder, RunRecord, TrainingData, ViewSizes

NOT_TRAINED = "trained elsewhere, on cells of one laboratory; see the model card in orbicyte/pretrained"


def adopt(study: Study, settings: Settings) -> RunFolder:
    """Copy the shipped network into the run folder ``STUDY/runs/pretrained``, for the study's patches as they are.

    The patches are scaled to its input by size. Of ``settings``, seed, folds and evaluation are used. What earlier
    patches gave (embeddings, scores, classifier) is deleted if the patches have changed. All cells that networks of the
    study learn from are test cells for it.
    """
    store, run = PatchStore.open(study.patches), RunFolder(study.run(PRETRAINED))
    record = _record(store, settings)
    if run.done() and run.record().data == record.data:
        print_line(f"{run.name}: already in the study")
        return run
    for made_from_patches in (run.embeddings, run.scores, run.classifier):
        discard(made_from_patches)
    with replacing(run.weights) as temporary:
        temporary.write_bytes(RunFolder.of(PRETRAINED).weights.read_bytes())
    run.write(record)
    print_line(f"{run.name}: the shipped network, not trained again")
    return run


def _record(store: PatchStore, settings: Settings) -> RunRecord:
    shipped = RunFolder.of(PRETRAINED).record()
    own = shipped.settings.model_copy(
        update={"seed": settings.seed, "folds": settings.folds, "evaluation": settings.evaluation}
    )
    return replace(
        shipped,
        network=PRETRAINED,
        seed=settings.seed,
        fold=1,
        settings=own,
        view=ViewSizes(store.side_px, store.view_px, shipped.view.size_px, shipped.view.fill_rgb),
        data=TrainingData(store.fingerprint, train=0, validation=0, test=len(learning_rows(store))),
        mpp=store.mpp,
        warnings=[NOT_TRAINED],
        loss_shares={},
    )
