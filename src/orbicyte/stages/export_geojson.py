"""export geojson: the accepted cells of a study in QuPath's format, one file per slide."""

from pathlib import Path

from orbicyte.exchange.geojson import write_geojson
from orbicyte.exchange.picture import cropped, whole
from orbicyte.progress import track
from orbicyte.review.accepted import exported_cells, require_slides
from orbicyte.study import Study
from orbicyte.study.classes import chosen_classes
from orbicyte.study.slides import read_record


def export_geojson(
    study: Study | Path | str,
    out: Path | str | None = None,
    *,
    compressed: bool = False,
    annotations: bool = False,
    crop: bool = True,
) -> list[Path]:
    """Write one file per slide in QuPath's format to ``out`` (default: ``geojson`` in the study); return the files.

    ``compressed``: as .geojson.gz. ``annotations``: as annotations, which can be edited in QuPath, instead of
    detections. ``crop``: coordinates begin at the corner of the scanned area, where QuPath's do, if the slide states
    one; False: at the slide's corner, for slides that were opened with QuPath's ``--no-crop``. Raises ``OrbicyteError``
    for a study without slides.
    """
    study = Study.of(study)
    folder = study.path / "geojson" if out is None else Path(out)
    classes = chosen_classes(study)
    written = []
    for slide in track(require_slides(study), "slides"):
        path = folder / f"{slide}.geojson{'.gz' if compressed else ''}"
        cells = exported_cells(study, [slide])
        record = read_record(study, slide)
        picture = cropped(record) if crop else whole(record)
        write_geojson(path, picture.of_slide(cells), record.mpp, classes, annotations=annotations)
        written.append(path)
    return written
