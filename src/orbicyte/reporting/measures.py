"""All measures as tables: those with a description here, and any other under its own name."""

from collections.abc import Sequence
from dataclasses import dataclass

from orbicyte.reporting.networks import Network
from orbicyte.reporting.section import Section, Table
from orbicyte.reporting.values import Key, Values

DRAWN = ("confusion/",)
"""Measures with a row for each pair of types: they are the confusion figures, not rows of a table."""

PARTS = {
    "linear": "linear classifier",
    "mlp": "shallow network",
    "multiples_of_90": "multiples of 90° only",
    "other_angles": "other angles only",
    "median": "median cell",
}
"""What may stand behind a measure's last slash."""


@dataclass(frozen=True)
class Description:
    """What a measure is, for readers: ``good`` says in which direction."""

    title: str
    good: str = ""


KNOWN = {
    "ssim": Description("Likeness of cell and drawing (SSIM, 0 to 1)", "high"),
    "rotation_kl": Description("Rotation KL (nats)", "low"),
    "rotation_kl/between_cells": Description("KL between different cells (nats)", "high"),
    "rotation_kl/ratio": Description("Rotation KL / KL between different cells", "low"),
    "movement/raw": Description("Movement by turning / spread of cells", "low"),
    "movement/standardised": Description("Movement / spread, each dimension scaled", "low"),
    "movement/dropped_dimensions": Description("Dimensions left out there: nearly constant"),
    "retrieval_accuracy": Description("Rotated cells that are nearest to themselves (share, recall at 1)", "high"),
    "retrieval_accuracy/cells": Description("Cells among which they are searched"),
    "asymmetry/energy": Description("Asymmetry of the drawing / of the cell", "near 1"),
    "asymmetry/explained": Description("Asymmetry of the cell that is redrawn (up to 1)", "high"),
    "pose_consistency/circular_sd_deg": Description("Error of the found direction (circular SD, degrees)", "low"),
    "pose_consistency/below_10_deg": Description("Cells whose direction is found within 10° (share)", "high"),
    "f1": Description("Macro F1 (0 to 1)", "high"),
    "f1_all": Description("Macro F1 on all labelled cells", "high"),
    "every_angle_f1": Description("Macro F1, right only if right at every angle", "high"),
    "one_type": Description("Cells given one type at all angles (share)", "high"),
    "border_f1": Description("Macro F1 from the patch's border alone", "control"),
    "majority_f1": Description("Macro F1 of always naming the most frequent type", "control"),
}

LEAD = (
    "Every number that was measured. “±” is one standard deviation, over training runs where there are several, else "
    "over the folds of the classification; where it is absent it is not known. “nats” are the natural unit of "
    "information, as a bit is of binary digits: 0 means no difference."
)


def describe(measure: str) -> Description:
    """What is known of ``measure``; of one that is not known, its name."""
    name, _, part = measure.rpartition("/")
    if measure not in KNOWN and name in KNOWN and part in PARTS:
        return Description(f"{KNOWN[name].title}: {PARTS[part]}", KNOWN[name].good)
    return KNOWN.get(measure, Description(measure))


def section(values: Values) -> Section:
    """All measures for each network beside the baseline, then those by type and by angle."""
    keys = [key for key in values.measured() if not key.measure.startswith(DRAWN)]
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
    """The weights of each network beside the baseline, so that no table grows wider than a page."""
    baseline = [network for network in networks if network.is_baseline]
    names = dict.fromkeys(network.name for network in networks if not network.is_baseline)
    return [[*baseline, *(n for n in networks if n.name == name)] for name in names] or [baseline]


def _in_reading_order(keys: list[Key]) -> list[Key]:
    order = list(KNOWN)
    names = {key: key.measure if key.measure in KNOWN else key.measure.rpartition("/")[0] for key in keys}
    return sorted(keys, key=lambda key: (order.index(n) if (n := names[key]) in KNOWN else len(order), key.measure))


def _table(values: Values, networks: Sequence[Network], keys: Sequence[Key]) -> Table:
    rows = []
    for key in keys:
        found = [values.get(network, key.measure, key.type, key.angle_deg) for network in networks]
        if any(found):
            rows.append([_heading(key), describe(key.measure).good, *(str(value) if value else "–" for value in found)])
    caption = " and ".join(dict.fromkeys(network.title for network in networks))
    return Table(caption, ["measure", "good is", *(network.label for network in networks)], rows)


def _heading(key: Key) -> str:
    angle = "" if key.angle_deg is None else f"{key.angle_deg:g}°"
    return " · ".join(part for part in (describe(key.measure).title, key.type, angle) if part)
