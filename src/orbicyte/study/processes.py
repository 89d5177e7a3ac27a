"""Which process of a distributed training this is."""

import os


def first_process() -> bool:
    """False in the further processes of a distributed training, which take part in training alone."""
    return all(os.environ.get(name, "0") == "0" for name in ("RANK", "LOCAL_RANK", "NODE_RANK", "SLURM_PROCID"))


def is_first_on_node() -> bool:
    """False in the processes of a distributed training whose messages would only repeat another's."""
    return os.environ.get("LOCAL_RANK", "0") == "0"
