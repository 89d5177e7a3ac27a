"""Random numbers from (seed, epoch, step): nothing about them need be saved to continue exactly.

All are drawn on the CPU, so a seed gives the same shuffles, angles and noise on every device. On the CPU, at the
same number of threads, training is then equal to the bit. On a GPU it is not: the backward pass of torch's bilinear
sampling adds in no fixed order there, so runs agree to rounding at first and drift apart.
"""

import hashlib

import torch


def generator(seed: int, *path: int | str) -> torch.Generator:
    """A CPU generator of its own for each place in the work, such as ``(seed, "view", epoch, step, rank)``."""
    digest = hashlib.sha256(repr((seed, *path)).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)
