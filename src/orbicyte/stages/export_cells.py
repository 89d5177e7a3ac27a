"""Export: the cells of a study, as people left them, for other programs. Rejected ones are left out."""

from pathlib import Path

import pandas as pd

from orbicyte.errors import OrbicyteError
from orbicyte.exchange.coco import write_coco
from orbicyte.exchange.geojson import write_geojson
from orbicyte.exchange.table import write_csv
from orbicyte.progress import say, track
from orbicyte.review.cells import reviewed_cells
from orbicyte.review.classes import chosen_classes
from orbicyte.slides.registry import read_record, slide_names
from orbicyte.study import Study


def export_geojson(
    study: Study | Path | str, out: Path | str | None = None, *, compressed: bool = False, annotations: bool = False
) -> list[Path]:
    """One file a slide, as QuPath reads it, in ``out`` (default: ``geojson`` in the study).

    ``annotations``: as annotations, which QuPath lets people edit, instead of detections.
    """
    study = Study.of(study)
    folder = study.path / "geojson" if out is None else Path(out)
    classes = chosen_classes(study)
    written = []
    for slide in track(_slides(study), "slides"):
        path = folder / f"{slide}.geojson{'.gz' if compressed else ''}"
        cells = _cells(study, [slide])
        write_geojson(path, cells, read_record(study, slide).mpp, classes, annotations=annotations)
        written.append(path)
    return written


def export_coco(study: Study | Path | str, out: Path | str) -> Path:
    """All slides' cells as one COCO file."""
    study = Study.of(study)
    slides = _slides(study)
    cells = _cells(study, slides)
    write_coco(Path(out), cells, {name: read_record(study, name) for name in slides}, chosen_classes(study))
    say(f"{len(cells)} cells of {len(slides)} slides")
    return Path(out)


def export_csv(study: Study | Path | str, out: Path | str) -> Path:
    """All slides' cells as one table."""
    study = Study.of(study)
    slides = _slides(study)
    cells = _cells(study, slides)
    write_csv(Path(out), cells)
    say(f"{len(cells)} cells of {len(slides)} slides")
    return Path(out)


def _slides(study: Study) -> list[str]:
    slides = slide_names(study)
    if not slides:
        raise OrbicyteError(f"{study.path} has no slides: run 'orbicyte detect SLIDES --out {study.path}'")
    return slides


def _cells(study: Study, slides: list[str]) -> pd.DataFrame:
    cells = reviewed_cells(study, slides)
    return cells[cells["status"] != "rejected"]
