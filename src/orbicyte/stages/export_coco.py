"""export coco: the accepted cells of all slides of a study as one COCO file."""

from pathlib import Path

from orbicyte.exchange.coco import write_coco
from orbicyte.progress import print_line
from orbicyte.review.accepted import exported_cells, require_slides
from orbicyte.study import Study
from orbicyte.study.classes import chosen_classes
from orbicyte.study.slides import read_record
from orbicyte.text import number_of


def export_coco(study: Study | Path | str, out: Path | str) -> Path:
    """Write the cells of all slides as one COCO file ``out``; return it.

    Raises ``OrbicyteError`` for a study without slides.
    """
    study = Study.of(study)
    slides = require_slides(study)
    cells = exported_cells(study, slides)
    write_coco(Path(out), cells, {name: read_record(study, name) for name in slides}, chosen_classes(study))
    print_line(f"{number_of(len(cells), 'cell')} of {number_of(len(slides), 'slide')}")
    return Path(out)
