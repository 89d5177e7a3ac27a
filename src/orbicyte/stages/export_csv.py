"""export csv: the accepted cells of all slides of a study as one table."""

from pathlib import Path

from orbicyte.exchange.table import write_csv
from orbicyte.progress import print_line
from orbicyte.review.accepted import exported_cells, require_slides
from orbicyte.study import Study
from orbicyte.text import number_of


def export_csv(study: Study | Path | str, out: Path | str) -> Path:
    """Write the cells of all slides, without outlines, as one table ``out``; return it.

    Raises ``OrbicyteError`` for a study without slides.
    """
    study = Study.of(study)
    slides = require_slides(study)
    cells = exported_cells(study, slides)
    write_csv(Path(out), cells)
    print_line(f"{number_of(len(cells), 'cell')} of {number_of(len(slides), 'slide')}")
    return Path(out)
