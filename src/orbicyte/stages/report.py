"""report: from scores and arrays to figures and one page."""

from collections.abc import Sequence
from pathlib import Path

from orbicyte.progress import warn
from orbicyte.reporting.inputs import read
from orbicyte.reporting.page import render
from orbicyte.study import Study
from orbicyte.study.files import discard, replacing
from orbicyte.study.runs import RunFolder


def report(study: Study | Path | str, elsewhere: Sequence[RunFolder] = ()) -> Path:
    """Write ``figures/*`` (SVG, PDF and PNG) and ``report.html`` of a study; returns the page's path.

    Also ``comparisons.csv``, where networks were trained on several folds or from several seeds.

    ``elsewhere``: results of the same study that are kept in other folders, without weights and pictures. The page can
    be read offline. Warns where runs were made with different versions of packages. Raises ``OrbicyteError`` if there
    are no scores yet, or a run is of a newer format. Locks only the report, and waits for other processes that write
    it.
    """
    study = Study.of(study)
    with study.lock_report():
        inputs = read(study, elsewhere)
        page = render(inputs)
        for figure in page.figures:
            for ending, content in (("svg", figure.svg.encode()), ("pdf", figure.pdf), ("png", figure.png)):
                with replacing(study.figures / f"{figure.name}.{ending}") as temporary:
                    temporary.write_bytes(content)
        if page.comparisons is None:
            discard(study.comparisons)
        else:
            with replacing(study.comparisons) as temporary:
                temporary.write_text(page.comparisons, encoding="utf-8")
        with replacing(study.report) as temporary:
            temporary.write_text(page.html, encoding="utf-8")
    for sentence in inputs.mixed_versions():
        warn(sentence)
    return study.report
