"""Cell types: the labelled cells, shallow classifiers of representations, counts, and agreement of readers."""
