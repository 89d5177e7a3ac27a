"""Training with Lightning: the module, the batches, exact continuation, and the run folder."""
