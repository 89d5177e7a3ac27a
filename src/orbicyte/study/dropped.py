"""Slides that a user took out of a study: ``STUDY/dropped/<name>/``, with all files that they had in ``slides/``."""

from collections.abc import Sequence
from pathlib import Path

from orbicyte.errors import OrbicyteError
from orbicyte.study.folder import Study
from orbicyte.study.slides import SLIDE_FILE, slide_folder


def drop_slides(study: Study | Path | str, names: Sequence[str], *, back: bool = False) -> None:
    """Take the slides ``names`` out of ``study``, or put dropped ones ``back``; their files and decisions are kept.

    Raises ``OrbicyteError``, before anything is moved, for a name that is not there, or is at the other place too.
    """
    study = Study.of(study)
    with study.lock():
        moves = [_places(study, name)[:: -1 if back else 1] for name in dict.fromkeys(names)]
        for source, target in moves:
            _check(source, target, back)
        for source, target in moves:
            target.parent.mkdir(exist_ok=True)
            source.rename(target)


def dropped(study: Study) -> list[str]:
    """Names of the dropped slides, sorted."""
    return sorted(path.parent.name for path in (study.path / "dropped").glob(f"*/{SLIDE_FILE}"))


def _places(study: Study, name: str) -> tuple[Path, Path]:
    """The folder of a slide in the study, and where it is when it is dropped."""
    folder = slide_folder(study, name)
    return folder, study.path / "dropped" / folder.name


def _check(source: Path, target: Path, back: bool) -> None:
    if not (source / SLIDE_FILE).exists():
        there = sorted(path.parent.name for path in source.parent.glob(f"*/{SLIDE_FILE}"))
        what = "dropped slide" if back else "slide"
        raise OrbicyteError(f"no {what} {source.name!r} in {source.parent}: there are {', '.join(there) or 'none'}")
    if target.exists():
        raise OrbicyteError(f"{target} exists: move it away, or keep the one in {source.parent}")
