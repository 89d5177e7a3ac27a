"""The results of all trainings of an experiment, and contrasts of its networks."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd

from orbicyte.arrays import Doubles
from orbicyte.errors import OrbicyteError
from orbicyte.reporting.experiment.estimates import Estimate
from orbicyte.reporting.measures import describe
from orbicyte.reporting.networks import Network, ordered
from orbicyte.reporting.values import SD
from orbicyte.statistics.bootstrap import CELLS, Bootstrapped, resampled_weights
from orbicyte.statistics.corrected_t import CorrectedT, held_out_ratio
from orbicyte.statistics.holm import holm
from orbicyte.statistics.macro_f1 import macro_f1

PROBES = ("linear", "mlp")
TRAINING = ["fold", "seed"]
"""The columns that distinguish trainings of one network."""

Contrast = Mapping[Network, float]
"""A factor for each network; the contrast of their values v is the sum of factor times v."""


@dataclass(frozen=True, eq=False)
class Experiment:
    """Networks that were trained several times, on other folds or from other seeds.

    ``rows``: their scores (``orbicyte.study.scores.COLUMNS``); ``predictions``: their predicted types
    (``orbicyte.study.predictions.COLUMNS``), which may lack runs; ``folds``: the number of folds of the unlabelled
    cells, also where not all were trained; ``nothing``: networks that learned almost nothing, with the reason.
    """

    rows: pd.DataFrame
    predictions: pd.DataFrame
    folds: int
    nothing: Mapping[Network, str] = field(default_factory=dict)

    @cached_property
    def networks(self) -> list[Network]:
        """Networks and weights, in the report's order."""
        return ordered(networks_of(self.rows))

    @property
    def baseline(self) -> Network | None:
        """The network with which the others are compared; None if it learned nothing."""
        return next((network for network in self.networks if network.is_baseline and network not in self.nothing), None)

    @cached_property
    def is_repeated(self) -> bool:
        """Whether any network was trained more than once."""
        trainings = self.rows[["network", "rotation_weight", *TRAINING]].drop_duplicates()
        return bool(trainings.duplicated(["network", "rotation_weight"]).any())

    def usable(self) -> "Experiment":
        """The same without networks that learned nothing; itself if there are none, with what it has calculated."""
        if not self.nothing:
            return self
        rows, predictions = (
            table[[network not in self.nothing for network in networks_of(table)]]
            for table in (self.rows, self.predictions)
        )
        return replace(self, rows=rows, predictions=predictions, nothing={})

    @property
    def ratio(self) -> float:
        """Size of a fold's test set, as a fraction of the other cells."""
        return held_out_ratio(self.folds)

    @property
    def measures(self) -> list[str]:
        """All measures with one value per training."""
        return list(self._values)

    def measured(self, measure: str) -> list[Network]:
        """The networks that have values of ``measure``, in the report's order."""
        return [network for network in self.networks if network in self.values(measure)]

    def values(self, measure: str) -> pd.DataFrame:
        """A row per training, a column per network; NaN where there is no value; empty if it was not measured.

        Raises ``OrbicyteError`` if a training has two values.
        """
        return self._values.get(measure, pd.DataFrame())

    def mean(self, measure: str, network: Network) -> Estimate | None:
        """The mean of ``network``, geometric for a measure that is compared by ratios; None for one training."""
        return self.contrast(measure, {network: 1.0})

    def against_baseline(self, measure: str) -> dict[Network, Estimate]:
        """Each other network minus (or divided by) the baseline, where both have values of the same trainings."""
        if self.baseline is None:
            return {}
        others = [network for network in self.networks if network != self.baseline]
        found = {network: self.contrast(measure, {network: 1.0, self.baseline: -1.0}) for network in others}
        return {network: estimate for network, estimate in found.items() if estimate}

    def contrast(self, measure: str, contrast: Contrast) -> Estimate | None:
        """The mean contrast over the trainings that all its networks have; None for fewer than two of them."""
        values = self.values(measure).reindex(columns=pd.Index(list(contrast), dtype=object)).dropna()
        if len(values) < 2:
            return None
        known = describe(measure)
        is_ratio = known.is_ratio and bool((values > 0).all(axis=None))
        scaled = np.log(values) if is_ratio else values
        t = CorrectedT.of((scaled * pd.Series(contrast)).sum(axis=1).to_numpy(), self.ratio)
        margin = None if known.is_ratio and not is_ratio else known.margin
        return Estimate(t, self._bootstrapped(measure, contrast, values.index, t.mean), is_ratio, margin)

    def _bootstrapped(
        self, measure: str, contrast: Contrast, trainings: pd.Index, estimate: float
    ) -> Bootstrapped | None:
        """The contrast in resamples of cells and trainings; None for another measure, or if predictions are missing."""
        name, _, probe = measure.rpartition("/")
        keys = [(network, *training) for training in trainings for network in contrast]
        if name != "f1" or not all((probe, *key) in self._resampled_f1 for key in keys):
            return None
        factors = list(contrast.values())
        f1 = np.array([self._resampled_f1[(probe, *key)] for key in keys]).reshape(len(trainings), len(factors), -1)
        return Bootstrapped.over(estimate, np.tensordot(factors, f1, (0, 1)))

    @cached_property
    def _values(self) -> dict[str, pd.DataFrame]:
        rows = self.rows.dropna(subset="value")
        is_overall = (rows["type"] == "") & rows["angle_deg"].isna() & ~rows["measure"].str.endswith(SD)
        return {str(measure): _by_training(of_measure) for measure, of_measure in rows[is_overall].groupby("measure")}

    @cached_property
    def _resampled_f1(self) -> dict[tuple[str, Network, int, int], Doubles]:
        """Macro F1 in each resample of the cells: (B,), by probe, network, fold and seed."""
        table = self.predictions
        if table.empty:
            return {}
        types = np.unique(table[["type", *PROBES]].to_numpy().astype(str))
        codes = {name: np.searchsorted(types, table[name].to_numpy().astype(str)) for name in ("type", *PROBES)}
        group, names = pd.factorize(table["group"])
        weights = resampled_weights(len(names), CELLS)
        fold = table["probe_fold"].to_numpy()
        found = {}
        runs = table.reset_index(drop=True).groupby(["network", "rotation_weight", *TRAINING], dropna=False)
        for _, rows in runs:
            cells, fold_and_seed = rows.index.to_numpy(), rows[TRAINING].iloc[0]
            of_cells = weights[group[cells]]
            for probe in PROBES:
                key = probe, networks_of(rows.iloc[:1])[0], int(fold_and_seed["fold"]), int(fold_and_seed["seed"])
                found[key] = macro_f1(codes["type"][cells], codes[probe][cells], fold[cells], of_cells)
        return found


def holm_corrected(estimates: Mapping[Network, Estimate]) -> dict[Network, float]:
    """Holm's p over the networks compared."""
    corrected = holm(np.array([estimate.t.p for estimate in estimates.values()]))
    return dict(zip(estimates, corrected.tolist(), strict=True))


def _by_training(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of one measure with a row per training, a column per network."""
    twice = rows[rows.duplicated(["network", "rotation_weight", *TRAINING])]
    if len(twice):
        run = twice.iloc[0]
        raise OrbicyteError(
            f"{run['network']} has two values of {run['measure']} for fold {run['fold']}, seed {run['seed']}: give the "
            "results of each run once"
        )
    column = pd.Series(networks_of(rows), rows.index, dtype=object)
    indexed = rows.set_index(TRAINING)["value"]
    return pd.DataFrame({network: indexed[(column == network).to_numpy()] for network in ordered(column)})


def networks_of(table: pd.DataFrame) -> list[Network]:
    """The network of each row of scores or predictions."""
    pairs = table[["network", "rotation_weight"]].itertuples(index=False)
    return [Network(name, None if pd.isna(weight) else float(weight)) for name, weight in pairs]
