"""Tables, figures and findings of an experiment as files, from results that were put together from several places."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from orbicyte.errors import OrbicyteError
from orbicyte.reporting.experiment.figures import f1_figure, reconstruction_figure, rotation_figure
from orbicyte.reporting.experiment.findings import Finding, findings
from orbicyte.reporting.experiment.results import Experiment
from orbicyte.reporting.experiment.section import comparison_tables, described, probe_of
from orbicyte.reporting.experiment.tables import as_csv, comparisons_csv
from orbicyte.reporting.figures import report_style
from orbicyte.reporting.rotation import angle_figure
from orbicyte.reporting.section import Illustration, Table
from orbicyte.reporting.values import Values
from orbicyte.study.files import replacing


def write_tables(folder: Path | str, experiment: Experiment) -> None:
    """Write ``findings`` and ``comparisons``, each as CSV and as Markdown, and ``*.svg`` into ``folder``.

    Networks that learned almost nothing are in no finding, but named. The same results give the same bytes. Raises
    ``OrbicyteError`` if no network was trained more than once.
    """
    folder = Path(folder)
    if not experiment.is_repeated:
        raise OrbicyteError("nothing to compare: every network was trained once; train several folds or seeds")
    found = findings(experiment.usable(), probe_of(experiment))
    _write_text(folder / "comparisons.csv", comparisons_csv(experiment))
    _write_text(folder / "findings.csv", as_csv(pd.DataFrame([vars(finding) for finding in found])))
    _write_text(folder / "findings.md", _markdown(experiment, found))
    _write_text(folder / "comparisons.md", "\n".join(map(_captioned, comparison_tables(experiment))))
    with report_style():
        for figure in _figures(experiment):
            _write_text(folder / f"{figure.name}.svg", figure.svg)


def _figures(experiment: Experiment) -> list[Illustration]:
    made: list[Illustration | None] = [reconstruction_figure(experiment)]
    if "rotation_kl" in experiment.measures:
        made += [rotation_figure(experiment), angle_figure(Values(experiment.rows))]
    if f"f1/{probe_of(experiment)}" in experiment.measures:
        made.append(f1_figure(experiment, probe_of(experiment)))
    return [figure for figure in made if figure]


def _markdown(experiment: Experiment, found: list[Finding]) -> str:
    header = ["the paper's finding", "here", "comparisons [95 % interval]"]
    table = table_lines(header, [[finding.text, finding.verdict, finding.evidence] for finding in found])
    nothing = experiment.nothing.items()
    left_out = [f"Left out of the findings: {network.label}. {reason}" for network, reason in nothing]
    return "\n".join([described(experiment), "", *table, *([""] if left_out else []), *left_out]) + "\n"


def _captioned(table: Table) -> str:
    return "\n".join([f"**{table.caption}**", "", *table_lines(table.header, table.rows), ""])


def table_lines(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table in Markdown."""
    lines = [f"| {' | '.join(cells)} |" for cells in (header, *rows)]
    return [lines[0], "|---" * len(header) + "|", *lines[1:]]


def _write_text(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
