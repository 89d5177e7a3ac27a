"""The shipped network as a run of a study: nothing is trained."""

from dataclasses import replace

from orbicyte.data.folds import learning_rows
from orbicyte.data.patches import PatchStore
from orbicyte.errors import OrbicyteError
from orbicyte.progress import print_line
from orbicyte.settings import Settings
from orbicyte.study import Study
from orbicyte.study.files import discard, replacing
from orbicyte.study.reading import read_bytes, sha256, sha256_of
from orbicyte.study.runs import PRETRAINED, RunFolder, RunRecord, TrainingData, ViewSizes
from orbicyte.study.weights import LARGEST_BYTES

ELSEWHERE = (
    "not trained on cells of this study, but on those of another laboratory; see MODEL_CARD.md in the folder "
    "pretrained of the package orbicyte"
)


def adopt(study: Study, settings: Settings) -> RunFolder:
    """Copy the shipped network into the run folder ``STUDY/runs/pretrained``, for the study's patches as they are.

    The patches are scaled to its input by size. Of ``settings``, seed, folds and evaluation are used. All cells that
    networks of the study learn from are test cells for it. If the patches, the seed or the shipped weights have
    changed, it is copied again, and what it gave before (embeddings, scores, classifier) is deleted. Raises
    ``OrbicyteError`` for a folder of that name with another network.
    """
    store, run = PatchStore.open(study.patches), RunFolder(study.run(PRETRAINED))
    if run.started() and run.record().network != PRETRAINED:
        raise OrbicyteError(
            f"{run.path} is a run of {run.record().network}, not the shipped network: rename that folder"
        )
    record = _record(store, settings)
    if is_copy(run) and _made_for(run.record()) == _made_for(record):
        print_line(f"{run.name}: already in the study")
        return run
    for outdated in (run.embeddings, run.embedded, run.scores, run.classifier, run.encoder):
        discard(outdated)
    content = read_bytes(RunFolder.of(PRETRAINED).weights, LARGEST_BYTES)
    with replacing(run.weights) as temporary:
        temporary.write_bytes(content)
    run.write(replace(record, digests={run.weights.name: sha256(content)}))
    print_line(f"{run.name}: copied from the package, nothing is trained")
    return run


def is_copy(run: RunFolder) -> bool:
    """Whether ``run`` holds the weights of this package, which its classifier belongs to."""
    if not run.done() or not run.weights.is_file():
        return False
    return sha256_of(run.weights) == sha256_of(RunFolder.of(PRETRAINED).weights)


def _made_for(record: RunRecord) -> tuple[object, ...]:
    """What a copy depends on; scores are compared with the settings of the evaluation by ``evaluate``."""
    return record.data, record.view, record.mpp, record.seed, record.settings.folds


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
        training=None,
        warnings=[ELSEWHERE],
        loss_shares={},
    )
