"""Random numbers from (seed, epoch, step): no random state has to be saved to continue exactly.

All are generated on the CPU, so a seed gives the same shuffles, angles and noise on every device. On the CPU, with
the same number of threads, training is then bitwise reproducible. On a GPU it is not: the backward pass of torch's
bilinear sampling adds in no fixed order there, so runs agree to rounding initially, and then diverge.
"""

import hashlib

import torch


def generator(seed: int, *path: int | str) -> torch.Generator:
    """A separate CPU generator for each purpose and step, such as ``(seed, "train", epoch, step, rank)``."""
    digest = hashlib.sha256(repr((seed, *path)).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)
