"""All measures as tables: those described here by their description, others by their name."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from orbicyte.reporting.networks import Network
from orbicyte.reporting.section import Section, Table
from orbicyte.reporting.values import Key, Values

PLOTTED = ("confusion/",)
"""Measures with a row per pair of types: they are shown as confusion matrices, not in tables."""

PARTS = {
    "linear": "linear classifier",
    "mlp": "shallow network",
    "multiples_of_90": "multiples of 90° only",
    "other_angles": "other angles only",
    "median": "median cell",
}
"""Possible last parts of a measure's name, after the last slash."""


@dataclass(frozen=True)
class Description:
    """A measure as readers see it.

    ``better``: the direction in which it is good; ``margin``: the largest difference that does not matter, None where
    that is not known; ``is_ratio``: networks are compared by their ratio, and ``margin`` is of its logarithm.
    """

    title: str
    better: str = ""
    margin: float | None = 0.01
    is_ratio: bool = False


KNOWN = {
    "ssim": Description("Similarity of cell and reconstruction (SSIM, up to 1)", "higher"),
    "rotation_kl": Description("Rotation KL (nats)", "lower", is_ratio=True),
    "rotation_kl/between_cells": Description("KL between different cells (nats)", "higher", is_ratio=True),
    "rotation_kl/ratio": Description("Rotation KL / KL between different cells", "lower", is_ratio=True),
    "movement/raw": Description("Change under rotation / spread of cells", "lower"),
    "movement/standardised": Description("Change under rotation / spread, each dimension standardised", "lower"),
    "movement/dropped_dimensions": Description("Dimensions left out of the row above (nearly constant)", margin=None),
    "retrieval_accuracy": Description("Retrieval accuracy of rotated cells (recall at 1)", "higher"),
    "retrieval_accuracy/cells": Description("Cells among which they are retrieved", margin=None),
    "asymmetry/energy": Description("Asymmetry of reconstruction / of cell (energy)", "near 1"),
    "asymmetry/explained": Description("Asymmetry explained by the reconstruction (up to 1)", "higher"),
    "pose_consistency/circular_sd_deg": Description(
        "Error of the estimated orientation (circular SD, degrees)", "lower", margin=1.0
    ),
    "pose_consistency/below_10_deg": Description("Cells with an error of the orientation below 10° (share)", "higher"),
    "f1": Description("Macro F1 (0 to 1)", "higher"),
    "f1_all": Description("Macro F1 on all labelled cells", "higher"),
    "every_angle_f1": Description("Macro F1, correct only if correct at every angle", "higher"),
    "one_type": Description("Cells with one predicted type at all angles (share)", "higher"),
    "border_f1": Description("Macro F1 from the patch's border alone", "control"),
    "majority_f1": Description("Macro F1 of always predicting the most frequent type", "control"),
}

LEAD = (
    "“±” is one standard deviation: over training runs if there are several, otherwise over the folds "
    "of the cross-validation of the classifier; where it is missing, it is not known. A nat is the unit of "
    "information of the natural logarithm (1.44 bits); 0 nats means no difference."
)


def describe(measure: str) -> Description:
    """The description of ``measure``; for an unknown one, its name."""
    if measure in KNOWN:
        return KNOWN[measure]
    name, _, part = measure.rpartition("/")
    whole = describe(name) if part in PARTS else Description(name, margin=None)
    if whole.title == name:
        return Description(measure, margin=None)
    separator = ", " if ": " in whole.title else ": "
    return replace(whole, title=f"{whole.title}{separator}{PARTS[part]}")


def section(values: Values) -> Section:
    """All measures for each network next to the baseline, then those by type and by angle."""
    keys = [key for key in values.measured() if not key.measure.startswith(PLOTTED)]
    overall = _in_reading_order([key for key in keys if not key.type and key.angle_deg is None])
    by_type = [key for key in keys if key.type]
    by_angle = [key for key in keys if key.angle_deg is not None and not key.type]
    groups = _groups(values.networks)
    first, *others = (_table(values, group, overall) for group in groups)
    more = [_table(values, group, part) for part in (by_type, by_angle) if part for group in groups]
    title = "By cell type and by angle"
    if others:
        title = f"The other networks, and all {title.lower()}"
    return Section("measures", "All measures", LEAD, tables=[first], more_title=title, more_tables=[*others, *more])


def _groups(networks: Sequence[Network]) -> list[list[Network]]:
    """The weights of each network with the baseline, so that no table is wider than the page."""
    baseline = [network for network in networks if network.is_baseline]
    names = dict.fromkeys(network.name for network in networks if not network.is_baseline)
    return [[*baseline, *(n for n in networks if n.name == name)] for name in names] or [baseline]


def _in_reading_order(keys: list[Key]) -> list[Key]:
    order = list(KNOWN)
    return sorted(keys, key=lambda key: (order.index(n) if (n := _known(key.measure)) else len(order), key.measure))


def _known(measure: str) -> str:
    """The longest beginning of the name ``measure`` that is described, empty if there is none."""
    while measure and measure not in KNOWN:
        measure = measure.rpartition("/")[0]
    return measure


def _table(values: Values, networks: Sequence[Network], keys: Sequence[Key]) -> Table:
    rows = []
    for key in keys:
        found = [values.get(network, key.measure, key.type, key.angle_deg) for network in networks]
        if any(found):
            rows.append(
                [_heading(key), describe(key.measure).better, *(str(value) if value else "–" for value in found)]
            )
    caption = " and ".join(dict.fromkeys(network.title for network in networks))
    return Table(caption, ["measure", "better", *(network.label for network in networks)], rows)


def _heading(key: Key) -> str:
    angle = "" if key.angle_deg is None else f"{key.angle_deg:g}°"
    title = describe(key.measure).title
    if key.type:
        title = title.removeprefix("Macro ")  # of one type
    return " · ".join(part for part in (title, key.type, angle) if part)
