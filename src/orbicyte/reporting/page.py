"""The page: all sections in one HTML file that can be read offline."""

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from orbicyte.reporting import (
    cells,
    counts,
    embedding_map,
    measures,
    provenance,
    reconstruction,
    rotation,
    summary,
    training,
    typing_score,
)
from orbicyte.reporting.collapse import collapsed
from orbicyte.reporting.experiment import section as comparison
from orbicyte.reporting.experiment.tables import comparisons_csv
from orbicyte.reporting.figures import report_style
from orbicyte.reporting.inputs import ReportInputs
from orbicyte.reporting.section import Illustration
from orbicyte.reporting.values import Values

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Page:
    """The HTML text and all figures on it; ``comparisons``: all measures, where networks were trained several times."""

    html: str
    figures: list[Illustration]
    comparisons: str | None


def render(inputs: ReportInputs) -> Page:
    """The page for ``inputs``; the same inputs give the same bytes."""
    values = Values(inputs.rows)
    nothing = collapsed(inputs.runs, values)
    experiment = inputs.experiment(nothing)
    with report_style():
        sections = [
            *([comparison.section(experiment)] if experiment else []),
            cells.section(inputs),
            rotation.section(inputs, values, experiment, nothing),
            reconstruction.section(inputs, experiment),
            typing_score.section(inputs, values, experiment, nothing),
            *([counted] if (counted := counts.section(inputs.counts)) else []),
            embedding_map.section(inputs, nothing),
            measures.section(values),
            training.section(inputs),
        ]
    template = environment().get_template("page.html")
    html = template.render(
        title=inputs.title,
        version=version("orbicyte"),
        style=(FOLDER / "style.css").read_text(encoding="utf-8"),
        findings=summary.findings(values, experiment, nothing),
        glance=summary.at_a_glance(values, nothing),
        warnings=provenance.warnings(inputs),
        sections=sections,
        settings=[provenance.settings(inputs), provenance.versions(inputs)],
    )
    figures = [figure for section in sections for figure in (*section.figures, *section.more)]
    return Page(html, figures, comparisons_csv(experiment) if experiment else None)


def environment(*folders: Path) -> Environment:
    """Where templates are found: in ``folders``, then in that of the report.

    Text from files (labels, names, warnings) is escaped; only our own style sheet is not.
    """
    return Environment(
        loader=FileSystemLoader([*folders, FOLDER]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
