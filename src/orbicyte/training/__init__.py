"""Training with Lightning: the module, the batches, exact continuation, and the folder a run leaves behind."""
