"""Rank of this process in a distributed training."""

import os


def first_process() -> bool:
    """False in all processes of a distributed training but the first: they only train."""
    return all(os.environ.get(name, "0") == "0" for name in ("RANK", "LOCAL_RANK", "NODE_RANK", "SLURM_PROCID"))


def is_first_on_node() -> bool:
    """False in processes of a distributed training whose messages would repeat those of another."""
    return os.environ.get("LOCAL_RANK", "0") == "0"
