"""The audit of a study: copies of cells, contradictory and doubtful labels, confounders, class balance."""
