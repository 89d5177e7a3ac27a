"""Rows that are networks, trained without labels."""

from dataclasses import dataclass
from pathlib import Path

from benchmarks.invariance.budgets import Workplace
from benchmarks.invariance.result import Cells, Result, Training, overall

from orbicyte.stages.evaluate import evaluate
from orbicyte.stages.train import train
from orbicyte.study.runs import RunFolder
from orbicyte.study.scores import read_evaluation, read_scores


@dataclass(frozen=True)
class Trained:
    """A network of the package with changed settings, in the study ``name``."""

    name: str
    network: str
    changes: tuple[str, ...] = ()

    def run(self, place: Workplace, seed: int) -> Path:
        """The run folder of the trained network."""
        return train(place.study(self.name), self.network, settings=place.settings(seed, self.changes))

    def measure(self, place: Workplace, seed: int) -> Result:
        """Train and evaluate the network with one seed."""
        run = RunFolder(self.run(place, seed))
        evaluate(place.study(self.name), run.path)
        record = run.record()
        return Result(
            measures=overall(read_scores([run.score_table])),
            cells=Cells.of(read_evaluation(run.evaluation)),
            parameters=record.parameters,
            training=Training.of(record),
            settings=list(self.changes),
        )
