"""The result of an audit, and its findings in words."""

from dataclasses import dataclass

import pandas as pd

from orbicyte.auditing.confounders import BORDER
from orbicyte.data.patches import PatchStore

LEAKS = {
    "across_probe_folds": "both labelled, in different parts or folds: they make F1 too high",
    "across_training_folds": "in different folds of the cells that networks learn from",
    "between_sets": "one labelled, one not: networks may learn from a copy of a test cell",
}
"""What it means that a pair has this flag."""


@dataclass(frozen=True)
class Audit:
    """Tables as in ``orbicyte.auditing.tables`` and ``confounders``; ``rejected`` is None without predictions.

    ``notes``: what could not be checked, and what to do.
    """

    title: str
    store: PatchStore
    pairs: pd.DataFrame
    contradictions: pd.DataFrame
    rejected: pd.DataFrame | None
    probes: pd.DataFrame
    balance: pd.DataFrame
    folds: pd.DataFrame
    notes: list[str]

    def findings(self) -> list[str]:
        """One line each, for the page and the command line."""
        found = [f"{len(self.store):,} cells, {len(self.store.labelled):,} of them labelled", *self._of_pairs()]
        several = self.contradictions["group"].nunique()
        found.append(f"cells with copies whose labels contradict each other: {several:,}")
        if self.rejected is not None:
            one = " (with one network only, many of these are right)" if (self.rejected["networks"] == 1).any() else ""
            found.append(f"labels that the probes of all networks reject: {len(self.rejected):,}{one}")
        for row in self.probes.to_dict("records"):
            source = f"the {BORDER}" if row["from"] == BORDER else f"the representation of {row['from']}"
            found.append(
                f"{row['predicts']} predicted from {source} alone: macro F1 {row['f1']:.3f}; without information, it "
                f"would be {row['majority_f1']:.3f}"
            )
        return found

    def _of_pairs(self) -> list[str]:
        exact = int(self.pairs["exact"].sum())
        dropped = sum(len(group.dropped) for group in self.store.duplicates)
        left_out = f"; {dropped:,} exact copies were left out by import" if dropped else ""
        found = [
            f"pairs of patches that show the same cell: {len(self.pairs):,} ({exact:,} with equal pixels), in "
            f"{self.pairs['group'].nunique():,} groups{left_out}",
        ]
        if self.pairs.empty:
            return found
        return found + [f"{int(self.pairs[flag].sum()):,} of these pairs: {what}" for flag, what in LEAKS.items()]
