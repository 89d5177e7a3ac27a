"""What a study knows of its slides.

::

    STUDY/slides/<name>/
      slide.json        format, where the file lies, its fingerprint, size, µm per pixel
      cells.parquet     the cells found on it (see ``orbicyte.slides.cells``)
      failed.json       instead of both, when the slide could not be worked on: the path and the reason
"""

from dataclasses import asdict, dataclass, fields
from pathlib import Path

from orbicyte.errors import OrbicyteError
from orbicyte.study import Study, check_format, write_json

FORMAT = 1


@dataclass(frozen=True)
class SlideRecord:
    """One slide. ``path``: absolute; ``fingerprint``: of the file's content; ``mpp``: µm per level-0 pixel."""

    name: str
    path: str
    vendor: str
    width_px: int
    height_px: int
    mpp: float
    fingerprint: str


def slide_folder(study: Study, name: str) -> Path:
    """Where everything about the slide ``name`` lies. Raises ``OrbicyteError`` for a name that is no folder's."""
    if not name or name.startswith(".") or "/" in name or "\\" in name or "\0" in name:
        raise OrbicyteError(f"{name!r} cannot be the name of a slide: rename the file")
    return study.slides / name


def write_record(study: Study, record: SlideRecord) -> None:
    """Keep ``record``, whole or not at all."""
    write_json(slide_folder(study, record.name) / "slide.json", {"format": FORMAT, **asdict(record)})


def read_record(study: Study, name: str) -> SlideRecord:
    """The slide ``name``. Raises ``OrbicyteError`` if the study has none of that name or it is damaged."""
    path = slide_folder(study, name) / "slide.json"
    if not path.exists():
        raise OrbicyteError(f"{study.path} has no slide {name!r}: it has {', '.join(slide_names(study)) or 'none'}")
    content = check_format(path, FORMAT)
    try:
        return SlideRecord(**{field.name: content[field.name] for field in fields(SlideRecord)})
    except KeyError as error:
        raise OrbicyteError(f"{path} is damaged: it has no {error}") from error


def slide_names(study: Study) -> list[str]:
    """Names of the slides on which cells were looked for, sorted."""
    return sorted(path.parent.name for path in study.slides.glob("*/slide.json"))
