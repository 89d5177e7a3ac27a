"""Rank of this process in a distributed training."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

RANKS = ("RANK", "LOCAL_RANK", "NODE_RANK", "SLURM_PROCID")
TASKS = ("SLURM_NTASKS", "SLURM_NTASKS_PER_NODE")
"""Where Slurm states how many processes ``srun`` started, which Lightning takes for those of one training."""


def first_process() -> bool:
    """False in all processes of a distributed training but the first: they only train."""
    return all(os.environ.get(name, "0") == "0" for name in RANKS)


def is_first_on_node() -> bool:
    """False in processes of a distributed training whose messages would repeat those of another."""
    return os.environ.get("LOCAL_RANK", "0") == "0"


@contextmanager
def as_single_process() -> Iterator[None]:
    """In the block, this process and those that it starts are not part of a distributed training.

    For trainings of one process each, although all processes were started together, such as by ``srun``.
    """
    before = {name: os.environ.pop(name) for name in (*RANKS, *TASKS) if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(before)
