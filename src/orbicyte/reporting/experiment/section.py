"""The section of the page that compares the networks, and judges the paper's findings."""

from collections.abc import Sequence

from orbicyte.reporting.experiment.findings import findings
from orbicyte.reporting.experiment.results import Experiment
from orbicyte.reporting.experiment.tables import comparison_table
from orbicyte.reporting.section import Section, Table

FIRST = ("rotation_kl", "f1/{probe}")
COLLAPSED = (
    "ssim", "asymmetry/explained", "movement/raw", "retrieval_accuracy", "pose_consistency/circular_sd_deg",
    "f1/{other}", "every_angle_f1/{probe}", "one_type/{probe}",
)  # fmt: skip

LEAD = (
    "{described} Intervals of F1 are a paired bootstrap: labelled cells ({groups}) and trainings are resampled, the "
    "same for all networks. Those of other measures, and all p, are the corrected resampled t over trainings (test / "
    "train = {ratio:.2f}; p corrected by Holm for the networks in the table). P(equal) is the probability that the "
    "difference does not matter. The smallest detectable difference is one that this design would have found with a "
    "power of 80 %: smaller ones cannot be excluded by a large p."
)
VERDICTS = (
    "A finding is reproduced if the 95 % intervals of all its comparisons agree with it, contradicted if one disagrees "
    "even when it is widened for the number of comparisons, else undecided."
)


def probe_of(experiment: Experiment) -> str:
    """The probe whose F1 is reported first: the shallow network where it was measured."""
    return "mlp" if "f1/mlp" in experiment.measures else "linear"


def section(experiment: Experiment) -> Section:
    """Findings of the paper, judged without networks that learned almost nothing, and comparisons with the baseline."""
    probe = probe_of(experiment)
    lead = LEAD.format(described=described(experiment), groups=_groups(experiment), ratio=experiment.ratio)
    if experiment.nothing:
        labels = ", ".join(network.label for network in experiment.nothing)
        lead += f" Not in the findings, because they learned almost nothing: {labels}."
    return Section(
        "experiment",
        "Do the paper's findings hold?",
        lead,
        tables=[*_findings(experiment.usable(), probe), *comparison_tables(experiment, FIRST)],
        more_title="The same for other measures",
        more_tables=comparison_tables(experiment, COLLAPSED),
    )


def comparison_tables(experiment: Experiment, measures: Sequence[str] = (*FIRST, *COLLAPSED)) -> list[Table]:
    """A table for each of the ``measures`` that was measured, by default all that the page shows."""
    probe = probe_of(experiment)
    other = "linear" if probe == "mlp" else "mlp"
    names = [measure.format(probe=probe, other=other) for measure in measures]
    return [comparison_table(experiment, name) for name in names if name in experiment.measures]


def described(experiment: Experiment) -> str:
    """How many networks were trained how often, as one sentence."""
    trainings = experiment.rows[["fold", "seed"]].drop_duplicates()
    folds, seeds = trainings["fold"].nunique(), trainings["seed"].nunique()
    text = f"{len(experiment.networks)} networks, each trained on up to {folds} of {experiment.folds} folds"
    return text + (f" from {seeds} seeds." if seeds > 1 else " from one seed.")


def _groups(experiment: Experiment) -> str:
    table = experiment.predictions
    if table.empty or table["group"].nunique() == table["cell"].nunique():
        return "each by itself, as slides and patients are not known"
    return f"in {table['group'].nunique():,} whole slides or patients"


def _findings(experiment: Experiment, probe: str) -> list[Table]:
    rows = [[finding.text, finding.verdict, finding.evidence] for finding in findings(experiment, probe)]
    caption = f"Findings of the paper. {VERDICTS}"
    return [Table(caption, ["finding", "here", "comparisons [95 % interval]"], rows)] if rows else []
