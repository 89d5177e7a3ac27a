"""experiment: many networks, weights, folds and seeds, on one machine or many."""

from orbicyte.stages.experiment.stage import experiment

__all__ = ["experiment"]
