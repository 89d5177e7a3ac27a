"""Provenance of the numbers: warnings, settings and versions."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from orbicyte.reporting.inputs import ReportInputs, TrainedRun
from orbicyte.reporting.networks import Network
from orbicyte.reporting.section import Table

LISTED = 8
"""More names of runs than this are not listed."""


def warnings(inputs: ReportInputs) -> list[str]:
    """All warnings of import, training and the report, without repetition."""
    found = list(inputs.store.warnings)
    copies = sum(len(group.dropped) for group in inputs.store.duplicates)
    left_out = {"Files that could not be read": len(inputs.store.skipped), "Exact copies of other files": copies}
    for what, count in left_out.items():
        if count:
            found.append(f"{what}, left out: {count:,}. They are listed in patches/store.json.")
    runs_by_warning: dict[str, list[str]] = defaultdict(list)
    for run in inputs.runs:
        for warning in run.record.warnings:
            runs_by_warning[warning].append(run.name)
    for warning, names in runs_by_warning.items():
        found.append(f"{'All runs' if len(names) == len(inputs.runs) else _listed(names)}: {warning}")
    found += [sentence[0].upper() + sentence[1:] + "." for sentence in inputs.mixed_versions()]
    found += _mixed_settings(inputs.runs)
    if inputs.unscored:
        found.append(f"Not in this report, because they were not evaluated: {_listed(inputs.unscored)}.")
    compared = inputs.compared()
    others = [run.name for run in inputs.runs if run not in compared]
    if others:
        found.append(
            "Not in the comparison of networks, because they have other patches, another number of folds or other "
            f"settings of the evaluation than most runs: {_listed(others)}."
        )
    scored = {run.name for run in inputs.runs}
    for name, reason in inputs.failed.items():
        shown = "this report shows what it had before" if name in scored else "it is not in this report"
        found.append(f"{name} failed, {shown}: {reason}")
    return list(dict.fromkeys(found))


def _mixed_settings(runs: Sequence[TrainedRun]) -> Iterator[str]:
    """A sentence for each network that was trained with different settings, apart from the seed."""
    by_network: dict[Network, list[dict[str, str]]] = defaultdict(list)
    for run in runs:
        content = run.record.settings.model_dump(mode="json", exclude={"evaluation", "seed"})
        by_network[run.network].append(dict(_flat(content)))
    for network, found in by_network.items():
        changed = sorted(name for name in found[0] if len({settings.get(name) for settings in found}) > 1)
        if changed:
            yield f"The runs of {network.label} were trained with different settings: {', '.join(changed)}."


def settings(inputs: ReportInputs) -> Table:
    """All settings; where runs differ, the value of each run."""
    records = {run: dict(_flat(run.record.settings.model_dump(mode="json"))) for run in inputs.runs}
    return Table("Settings", ["setting", "value"], _merged(records))


def versions(inputs: ReportInputs) -> Table:
    """Versions of the software that each run was trained with, and the fingerprint of its data."""
    records = {run: run.record.versions | {"data fingerprint": run.record.data.fingerprint} for run in inputs.runs}
    return Table("Versions", ["software or data", "version"], _merged(records))


def _listed(names: list[str]) -> str:
    """The names, or of many the first and how many others."""
    return ", ".join(names) if len(names) <= LISTED else f"{names[0]} and {len(names) - 1} other runs"


def _flat(content: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in content.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _merged(records: Mapping[TrainedRun, Mapping[str, str]]) -> list[list[str]]:
    rows = []
    for name in dict.fromkeys(name for record in records.values() for name in record):
        runs_by_value: dict[str, list[str]] = defaultdict(list)
        for run, record in records.items():
            runs_by_value[record.get(name, "–")].append(run.name)
        same = len(runs_by_value) == 1
        text = "; ".join(value if same else f"{value} ({_listed(runs)})" for value, runs in runs_by_value.items())
        rows.append([name, text])
    return rows
