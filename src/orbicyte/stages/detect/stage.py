"""detect: detect the cells on slides, with one Dask task per slide."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from dask.system import CPU_COUNT

from orbicyte.cluster import Cluster, Lost, gpu_count, local_cluster, remote_cluster
from orbicyte.errors import OrbicyteError
from orbicyte.progress import print_line, track, warn
from orbicyte.slides.listing import absolute, list_slides
from orbicyte.slides.mpp import read_mpp_csv
from orbicyte.stages.detect.plan import Wanted, plan
from orbicyte.stages.detect.reviewed import with_reviewed
from orbicyte.stages.detect.tasks import AdvanceLines, DetectorFolder, DetectorSource, Found, find_cells
from orbicyte.study import Study
from orbicyte.study.cells import write_cells
from orbicyte.study.slides import (
    Failure,
    failures,
    forget_detection,
    write_detection,
    write_failure,
    write_record,
)
from orbicyte.text import number_of

CORES_PER_WORKER = 4
"""More threads speed up a U-Net little, and the watershed after it not at all."""


@dataclass(frozen=True)
class Detected:
    """The result of ``detect``. ``cells``: numbers by slide, of slides done now; ``failed``: the reason by slide."""

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
    value_range: tuple[float, float] | None = None,
    encoding: str | None = None,
) -> Detected:
    """Detect the cells on ``slides`` (files, or folders of them) and write them to ``study``.

    ``detector``: its folder (default: the one shipped with orbicyte). ``mpp``: µm per level-0 pixel of slides whose
    file has none; ``mpp_csv``: a table of µm per level-0 pixel, which overrides the files' metadata, in ``encoding``.
    ``value_range``: black and white of slides of more than 8 bits; by default decided from the whole of each slide (see
    ``orbicyte.data.values``). ``scheduler``: address of a Dask scheduler; by default ``workers`` processes of this
    machine do the work, so a script that calls this needs ``if __name__ == "__main__":``.

    A slide that is done is skipped. ``again``: detect again if another detector or other µm per pixel were used; cells
    that were reviewed are not changed. ``replace``: detect again if another file is at its path, unless its cells were
    reviewed. ``retry_failed``: only slides that failed before, among ``slides`` if any are given.

    A slide that fails does not affect others: see ``failed``, also written to ``failed.json``. Raises ``OrbicyteError``
    if nothing can be done: no slide, no detector, no scheduler, a study that cannot be written or is in use.
    """
    source = _source(detector)
    table = {} if mpp_csv is None else read_mpp_csv(mpp_csv, encoding)
    paths = [absolute(path) for path in list_slides([Path(slide) for slide in slides])] if slides else []
    if not paths and not retry_failed:
        raise OrbicyteError("expected slides, or --retry-failed for those that failed before")
    fingerprint = source.load("cpu" if scheduler else device).fingerprint
    study = study if isinstance(study, Study) else Study.open(study) if retry_failed else Study.create(study)
    with study.lock():
        if retry_failed:
            paths = _failed_before(study, paths)
        planned = plan(study, paths, Wanted(source, fingerprint, device, mpp, table, again, replace, value_range))
        detected = Detected({}, planned.done, {})
        for failure in planned.failed:
            _fail(study, failure, detected)
        tasks = planned.to_do
        if tasks:
            with _cluster(scheduler, len(tasks), workers, device) as cluster:
                outcomes = cluster.finished(find_cells, tasks, AdvanceLines())
                for task, outcome in track(outcomes, "slides", len(tasks)):
                    _keep(study, task.failure(outcome.reason) if isinstance(outcome, Lost) else outcome, detected)
    _print_summary(study, detected)
    return detected


def _source(detector: Path | str | DetectorSource | None) -> DetectorSource:
    if detector is None:
        return DetectorFolder()
    return DetectorFolder(Path(detector).resolve()) if isinstance(detector, Path | str) else detector


def _failed_before(study: Study, paths: Sequence[Path]) -> list[Path]:
    failed = [Path(failure.path) for failure in failures(study)]
    if not failed:
        print_line("no slide failed before: nothing to retry")
    return [path for path in failed if path in paths or not paths]


def _cluster(
    scheduler: str | None, slides: int, workers: int | None, device: str | None
) -> AbstractContextManager[Cluster]:
    """Without a scheduler, one worker process per GPU, or one per four cores, but no more than ``slides``."""
    if scheduler is not None:
        return remote_cluster(scheduler, slides)
    gpus = gpu_count() if device in (None, "cuda") else 0  # any other is one specific device
    return local_cluster(min(slides, workers or gpus or max(1, CPU_COUNT // CORES_PER_WORKER)), gpus)


def _keep(study: Study, outcome: Found | Failure, detected: Detected) -> None:
    """Write the result of a slide. Raises ``OrbicyteError`` if it cannot be written: later ones would fail too."""
    if isinstance(outcome, Failure):
        _fail(study, outcome, detected)
        return
    name = outcome.slide.name
    cells, kept = with_reviewed(study, name, outcome.cells, outcome.slide.mpp)
    forget_detection(study, name)
    write_cells(study, name, cells)
    write_record(study, outcome.slide)
    write_detection(study, name, replace(outcome.detection, cells=len(cells)))
    detected.cells[name] = len(cells)
    unchanged = f", {kept} of them unchanged, because they were reviewed" if kept else ""
    if outcome.slide.value_range is not None:
        black, white = outcome.slide.value_range
        print_line(f"{name}: of its values {black:g} is black and {white:g} is white (another: --value-range)")
    print_line(f"{name}: {number_of(len(cells), 'cell')}{unchanged}" if len(cells) else f"{name}: no cells detected")


def _fail(study: Study, failure: Failure, detected: Detected) -> None:
    write_failure(study, failure)
    detected.failed[failure.name] = failure.reason
    print_line(f"{failure.name}: failed")


def _print_summary(study: Study, detected: Detected) -> None:
    if detected.cells:
        total, slides = sum(detected.cells.values()), len(detected.cells)
        print_line(
            f"{number_of(total, 'cell')} on {number_of(slides, 'slide')}: "
            f"review them with 'orbicyte review {study.path}'"
        )
    if detected.skipped:
        print_line(f"already done: {number_of(len(detected.skipped), 'slide')}")
    for name, reason in sorted(detected.failed.items()):
        warn(f"{name} failed: {reason}")
