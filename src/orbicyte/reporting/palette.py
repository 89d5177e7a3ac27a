"""Colours of cell types."""

COLOURS = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#222222", "#b3a100", "#7f5fbf", "#8c564b")
