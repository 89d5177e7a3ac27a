"""Which slides to process: those that are not done; cells detected on another slide are never overwritten."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from orbicyte.progress import print_line
from orbicyte.review.store import ReviewStore
from orbicyte.slides.fingerprint import fingerprint
from orbicyte.slides.mpp import table_mpp
from orbicyte.stages.detect.tasks import DetectorSource, SlideTask
from orbicyte.study import Study
from orbicyte.study.files import describe_error
from orbicyte.study.slides import (
    Failure,
    SlideRecord,
    failures,
    forget_failure,
    new_names,
    read_detection,
    read_record,
    slide_names,
    write_record,
)


@dataclass(frozen=True)
class Wanted:
    """The user's request.

    ``detector``, ``fingerprint``: where workers load the detector from, and its fingerprint; ``device``: on which it
    runs; ``default_mpp``: µm per pixel of slides whose file has none; ``mpp``: by slide, overrides the file's;
    ``again``, ``replace``, ``value_range``: as in ``detect``.
    """

    detector: DetectorSource
    fingerprint: str
    device: str | None = None
    default_mpp: float | None = None
    mpp: Mapping[str, float] = field(default_factory=dict)
    again: bool = False
    replace: bool = False
    value_range: tuple[float, float] | None = None


@dataclass(frozen=True)
class Plan:
    """The slides to process, the names of those already done, and those that cannot be processed."""

    to_do: list[SlideTask] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)


def plan(study: Study, paths: Sequence[Path], wanted: Wanted) -> Plan:
    """Decide which of ``paths`` are to be processed, and print why others are not.

    A slide of the study is recognised by its content at any path, and by its path with any content. A new one gets the
    file's name, made unique.
    """
    made = Plan()
    contents, unreadable = _contents(paths)
    names = _names(study, [*contents, *unreadable], contents)
    made.failed.extend(Failure(names[path], str(path), reason) for path, reason in unreadable.items())
    records = {name: read_record(study, name) for name in slide_names(study)}
    reviewed = _reviewed_slides(study) if records else set()
    first: dict[str, Path] = {}
    for path, content in contents.items():
        name = names[path]
        if first.setdefault(content, path) != path:
            print_line(f"{path} is the same as {first[content]}: left out")
            continue
        record = records.get(name)
        if record and record.fingerprint != content:
            refusal = _refusal(record, name in reviewed, wanted.replace)
            if refusal:
                made.failed.append(Failure(name, str(path), refusal))
                continue
        mpp = table_mpp(dict(wanted.mpp), path)
        if record and record.fingerprint == content and _is_done(study, record, mpp, wanted):
            made.done.append(name)
            forget_failure(study, name)
            if record.path != str(path) and not Path(record.path).exists():
                write_record(study, replace(record, path=str(path)))
        else:
            made.to_do.append(_task(name, path, content, mpp, wanted))
    return made


def _task(name: str, path: Path, content: str, mpp: float | None, wanted: Wanted) -> SlideTask:
    return SlideTask(
        name=name,
        path=str(path),
        fingerprint=content,
        table_mpp=mpp,
        default_mpp=wanted.default_mpp,
        detector=wanted.detector,
        detector_fingerprint=wanted.fingerprint,
        device=wanted.device,
        value_range=wanted.value_range,
    )


def _contents(paths: Sequence[Path]) -> tuple[dict[Path, str], dict[Path, str]]:
    """The fingerprints of files, and the reasons why others cannot be read."""
    contents, unreadable = {}, {}
    for path in paths:
        try:
            contents[path] = fingerprint(path)
        except OSError as error:
            unreadable[path] = f"{path}: {describe_error(error)}"
    return contents, unreadable


def _names(study: Study, paths: Sequence[Path], contents: Mapping[Path, str]) -> dict[Path, str]:
    records = [read_record(study, name) for name in slide_names(study)]
    by_path = {failure.path: failure.name for failure in failures(study)}
    by_path |= {record.path: record.name for record in records}
    by_content = {record.fingerprint: record.name for record in records}
    known = {path: by_content.get(contents.get(path, ""), by_path.get(str(path))) for path in paths}
    new = [path for path in paths if known[path] is None]
    names = dict(zip(new, new_names(new, set(by_path.values())), strict=True))
    return {path: known[path] or names[path] for path in paths}


def _refusal(record: SlideRecord, reviewed: bool, replace: bool) -> str | None:
    """Why the file that is now at the path of ``record`` cannot replace its slide; None if it can."""
    another = f"{record.path} is not the slide whose cells were detected under this name"
    if reviewed:
        return f"{another}, and those cells were reviewed: rename the new file, to add it as a separate slide"
    if not replace:
        return f"{another}: rename the new file, or give --replace to delete its detected cells"
    return None


def _is_done(study: Study, record: SlideRecord, mpp: float | None, wanted: Wanted) -> bool:
    detection = read_detection(study, record.name)
    if detection is None:
        return False
    other = []
    if detection.detector != wanted.fingerprint:
        other.append("another detector")
    now = mpp if mpp is not None else wanted.default_mpp if detection.given_mpp is not None else None
    if now is not None and not math.isclose(now, record.mpp, rel_tol=1e-6):
        other.append(f"{record.mpp:g} µm per pixel, not {now:g}")
    stated, used = wanted.value_range, record.value_range
    if stated is not None and used is not None and stated != used:
        other.append(f"{used[0]:g} as black and {used[1]:g} as white")
    if not other:
        return True
    if not wanted.again:
        print_line(
            f"{record.name}: its cells were detected with {' and '.join(other)}; they are kept (--again: detect again)"
        )
    return not wanted.again


def _reviewed_slides(study: Study) -> set[str]:
    with ReviewStore.open(study) as store:
        return {event.slide for event in store.events()}
