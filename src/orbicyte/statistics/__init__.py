"""Statistics of an experiment: intervals and comparisons from numbers alone (``docs/statistics.md``). No torch."""
