"""Detect: from slides to the cells on them, one Dask task a slide."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from orbicyte.errors import OrbicyteError
from orbicyte.progress import say, track, warn
from orbicyte.slides.cells import write_cells
from orbicyte.slides.listing import list_slides
from orbicyte.slides.mpp import read_mpp_csv
from orbicyte.slides.registry import (
    DetectionRecord,
    Failure,
    failures,
    forget_detection,
    write_detection,
    write_failure,
    write_record,
)
from orbicyte.stages.slide_plan import Wanted, plan
from orbicyte.stages.slide_review import with_reviewed
from orbicyte.stages.slide_tasks import (
    Cluster,
    DetectorFolder,
    DetectorSource,
    Failed,
    Found,
    SlideTask,
    finished,
    local_cluster,
    remote_cluster,
)
from orbicyte.study import Study


@dataclass(frozen=True)
class Detected:
    """What ``detect`` did. ``cells``: how many by slide, of those done now; ``failed``: the reason by slide."""

    cells: dict[str, int]
    skipped: list[str]
    failed: dict[str, str]


def detect(
    slides: Sequence[Path | str],
    study: Study | Path | str,
    *,
    detector: Path | str | DetectorSource | None = None,
    mpp: float | None = None,
    mpp_csv: Path | str | None = None,
    scheduler: str | None = None,
    workers: int | None = None,
    device: str | None = None,
    retry_failed: bool = False,
    again: bool = False,
    replace: bool = False,
) -> Detected:
    """Find the cells on ``slides`` (files, or folders of them) and keep them in ``study``.

    ``detector``: its folder (default: the one that comes with orbicyte). ``mpp``, ``mpp_csv``: µm per level-0 pixel
    where the file has none. ``scheduler``: address of a Dask scheduler; by default ``workers`` processes of this
    machine do the work, so a script that calls this needs ``if __name__ == "__main__":``.

    A slide is done once. ``again``: anew where another detector or µm per pixel found its cells; cells that people
    reviewed stay as they are. ``replace``: anew where another file lies in its place, unless its cells were reviewed.
    ``retry_failed``: only slides that failed before, among ``slides`` if there are any.

    A slide that fails costs no other: see ``failed``, also kept as ``failed.json``. Raises ``OrbicyteError`` if
    nothing can be done at all: no slide, no detector, no scheduler, a study that cannot be written or is in use.
    """
    source = _source(detector)
    table = {} if mpp_csv is None else read_mpp_csv(mpp_csv)
    paths = [path.resolve() for path in list_slides([Path(slide) for slide in slides])] if slides else []
    if not paths and not retry_failed:
        raise OrbicyteError("expected slides, or --retry-failed for those that failed before")
    finds = source.load("cpu" if scheduler else device).fingerprint
    study = study if isinstance(study, Study) else Study.open(study) if retry_failed else Study.create(study)
    with study.lock():
        if retry_failed:
            paths = _failed_before(study, paths)
        planned = plan(study, paths, Wanted(finds, mpp, table, again, replace))
        detected = Detected({}, planned.done, {})
        for failure in planned.failed:
            _fail(study, failure, detected)
        tasks = [
            SlideTask(slide.name, str(slide.path), slide.fingerprint, slide.table_mpp, mpp, source, device)
            for slide in planned.to_do
        ]
        if tasks:
            with _cluster(scheduler, len(tasks), workers, device) as cluster:
                for task, outcome in track(finished(cluster, tasks), "slides", len(tasks)):
                    _keep(study, task, outcome, finds, detected)
    _tell(study, detected)
    return detected


def _source(detector: Path | str | DetectorSource | None) -> DetectorSource:
    if detector is None:
        return DetectorFolder()
    return DetectorFolder(Path(detector).resolve()) if isinstance(detector, Path | str) else detector


def _failed_before(study: Study, paths: Sequence[Path]) -> list[Path]:
    failed = [Path(failure.path) for failure in failures(study)]
    if not failed:
        say("no slide failed before: there is nothing to retry")
    return [path for path in failed if path in paths or not paths]


def _cluster(
    scheduler: str | None, slides: int, workers: int | None, device: str | None
) -> AbstractContextManager[Cluster]:
    if scheduler is not None:
        return remote_cluster(scheduler, slides)
    return local_cluster(slides, workers, device)


def _keep(study: Study, task: SlideTask, outcome: Found | Failed, detector: str, detected: Detected) -> None:
    """Write what came of a slide. Raises ``OrbicyteError`` where that cannot be written: then no other can either."""
    if isinstance(outcome, Failed):
        _fail(study, Failure(task.name, task.path, outcome.reason, outcome.traceback), detected)
        return
    record = outcome.record
    cells, kept = with_reviewed(study, record.name, outcome.cells, record.mpp)
    forget_detection(study, record.name)
    write_cells(study, record.name, cells)
    write_record(study, record)
    write_detection(study, record.name, DetectionRecord(detector, outcome.given_mpp, len(cells)))
    detected.cells[record.name] = len(cells)
    stayed = f", {kept} of them as they were, because people reviewed them" if kept else ""
    say(f"{record.name}: {len(cells)} cells{stayed}" if len(cells) else f"{record.name}: no cells found")


def _fail(study: Study, failure: Failure, detected: Detected) -> None:
    write_failure(study, failure)
    detected.failed[failure.name] = failure.reason
    say(f"{failure.name}: failed")


def _tell(study: Study, detected: Detected) -> None:
    if detected.cells:
        total, slides = sum(detected.cells.values()), len(detected.cells)
        say(f"{total} cells on {slides} slides: look at them with 'orbicyte review {study.path}'")
    if detected.skipped:
        say(f"done before: {len(detected.skipped)} slides")
    for name, reason in sorted(detected.failed.items()):
        warn(f"{name} failed: {reason}")
