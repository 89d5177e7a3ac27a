"""The slides of a study.

::

    STUDY/slides/<name>/
      slide.json        format, path of the file, its fingerprint, size, µm per pixel
      cells.parquet     the cells detected on it (see ``orbicyte.study.cells``)
      detection.json    the detector; written last: if it exists, the other two are complete
      failed.json       if the last attempt failed: the path and the reason
"""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter

from orbicyte.errors import OrbicyteError
from orbicyte.study import Study
from orbicyte.study.files import discard, read_checked, write_json
from orbicyte.study.reading import check_digest, sha256_of
from orbicyte.study.values import Count, Finite, Mpp, Side, Start, Text

FORMAT = 1
SLIDE_FILE, CELLS_FILE, DETECTION_FILE, FAILURE_FILE = "slide.json", "cells.parquet", "detection.json", "failed.json"


@dataclass(frozen=True)
class SlideRecord:
    """One slide. ``path``: absolute; ``fingerprint``: of the file's content; ``mpp``: µm per level-0 pixel.

    ``value_range``: the numbers that are black and white, None for slides of 8 bits; ``bounds_px``: x, y, width and
    height of the scanned area, of the whole slide if the file states none; None in studies of earlier versions.
    """

    name: Text
    path: Text
    vendor: str
    width_px: Side
    height_px: Side
    mpp: Mpp
    fingerprint: str
    value_range: tuple[Finite, Finite] | None = None
    bounds_px: tuple[Start, Start, Side, Side] | None = None


@dataclass(frozen=True)
class DetectionRecord:
    """How cells were detected. ``detector``: its fingerprint; ``given_mpp``: from the user, if the file has none.

    ``digests``: of the table of cells, by name of the file; older releases wrote none.
    """

    detector: Text
    given_mpp: Mpp | None
    cells: Count
    digests: dict[str, str] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class Failure:
    """Why a slide could not be processed. ``path``: absolute; ``traceback``: of an unexpected error."""

    name: Text
    path: Text
    reason: str
    traceback: str | None = None


Record = TypeVar("Record", SlideRecord, DetectionRecord, Failure)
_SLIDE, _DETECTION, _FAILURE = TypeAdapter(SlideRecord), TypeAdapter(DetectionRecord), TypeAdapter(Failure)


def slide_folder(study: Study, name: str) -> Path:
    """The folder of the slide ``name``. Raises ``OrbicyteError`` if the name cannot be a folder name."""
    size = len(name.encode("utf-8", "surrogatepass"))
    if not 0 < size <= 255 or name.startswith(".") or re.search(r"[/\\\0\ud800-\udfff]", name):
        raise OrbicyteError(f"{name!r} cannot be the name of a slide: rename the file")
    return study.slides / name


def cells_path(study: Study, name: str) -> Path:
    """The table of the cells detected on the slide ``name`` (see ``orbicyte.study.cells``)."""
    return slide_folder(study, name) / CELLS_FILE


def write_record(study: Study, record: SlideRecord) -> None:
    """Store ``record``, completely or not at all."""
    write_json(slide_folder(study, record.name) / SLIDE_FILE, {"format": FORMAT, **asdict(record)})


def read_record(study: Study, name: str) -> SlideRecord:
    """The slide ``name``. Raises ``OrbicyteError`` if the study has no such slide or its file is damaged."""
    path = slide_folder(study, name) / SLIDE_FILE
    if not path.exists():
        raise OrbicyteError(
            f"{study.path} has no slide {name!r}; its slides: {', '.join(slide_names(study)) or 'none'}"
        )
    return _read(path, _SLIDE)


def slide_names(study: Study) -> list[str]:
    """Names of the slides on which cells were detected, sorted."""
    return sorted(path.parent.name for path in study.slides.glob(f"*/{SLIDE_FILE}"))


def has_slides(study: Study) -> bool:
    """Whether the study's patches are cut from slides."""
    return bool(slide_names(study))


def write_detection(study: Study, name: str, record: DetectionRecord) -> None:
    """Store how the cells of the slide ``name`` were detected: written last, it marks the slide as done."""
    path = cells_path(study, name)
    signed = replace(record, digests={path.name: sha256_of(path)} if path.exists() else {})
    write_json(slide_folder(study, name) / DETECTION_FILE, {"format": FORMAT, **asdict(signed)})
    forget_failure(study, name)


def read_detection(study: Study, name: str) -> DetectionRecord | None:
    """How the cells of the slide ``name`` were detected; None while it is not done."""
    folder = slide_folder(study, name)
    if not all((folder / file).exists() for file in (SLIDE_FILE, CELLS_FILE, DETECTION_FILE)):
        return None
    return _read(folder / DETECTION_FILE, _DETECTION)


def check_cells_digest(study: Study, name: str, advice: str) -> None:
    """Raise ``OrbicyteError`` with ``advice`` if the table of cells is not the one that the detection wrote."""
    record = read_detection(study, name)
    if record is not None:
        check_digest(cells_path(study, name), record.digests, DETECTION_FILE, advice)


def forget_detection(study: Study, name: str) -> None:
    """Mark the slide ``name`` as not done, before its files are replaced."""
    discard(slide_folder(study, name) / DETECTION_FILE)


def write_failure(study: Study, failure: Failure) -> None:
    """Store why a slide failed. Cells that were detected on it before are kept."""
    write_json(slide_folder(study, failure.name) / FAILURE_FILE, {"format": FORMAT, **asdict(failure)})


def forget_failure(study: Study, name: str) -> None:
    """Remove the record of a failure of the slide ``name``."""
    discard(slide_folder(study, name) / FAILURE_FILE)


def failures(study: Study) -> list[Failure]:
    """The slides whose last attempt failed, sorted by name."""
    return [_read(path, _FAILURE) for path in sorted(study.slides.glob(f"*/{FAILURE_FILE}"))]


def new_names(paths: Sequence[Path], taken: Collection[str]) -> list[str]:
    """A name for each of ``paths``, all different and none of them in ``taken``.

    The file's name without its ending; where it is not unique, with its folder before it, then also with the ending,
    then with the whole path. Raises ``OrbicyteError`` if that is taken too.
    """
    names: dict[Path, str] = {}
    for name in (_stem, _folder_and_stem, _folder_and_file, _whole):
        left = [path for path in paths if path not in names]
        count = Counter(name(path) for path in left)
        used = {*taken, *names.values()}
        names.update({path: name(path) for path in left if count[name(path)] == 1 and name(path) not in used})
    if len(names) < len(set(paths)):
        missing = next(path for path in paths if path not in names)
        raise OrbicyteError(f"{missing}: the study already has another slide of this name: rename the file")
    return [names[path] for path in paths]


def _stem(path: Path) -> str:
    return _plain(path.stem)


def _folder_and_stem(path: Path) -> str:
    return _plain(f"{path.parent.name}_{path.stem}")


def _folder_and_file(path: Path) -> str:
    return _plain(f"{path.parent.name}_{path.name}")


def _whole(path: Path) -> str:
    return _plain("_".join(path.parts[1:]))


def _plain(name: str) -> str:
    return name.replace("\\", "_").replace("\0", "_").lstrip(".") or "slide"


def _read(path: Path, expected: TypeAdapter[Record]) -> Record:
    return read_checked(path, FORMAT, expected, "delete it and run 'orbicyte detect' again")
