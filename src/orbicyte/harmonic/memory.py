"""Passes over a tensor in blocks: several passes over a block read memory once, and write to memory that is kept.

On a CPU elementwise passes are limited by memory, and the first write to new memory takes several times as long as
later ones.
"""

import threading
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

BLOCK = 2**18
"""Numbers of a block for each thread."""

_kept = threading.local()


def blocks(x: Tensor) -> list[slice]:
    """Slices of the batch of ``x`` (B, ...) such that what is computed from one stays in the cache of a CPU.

    One slice on other devices.
    """
    if x.device.type != "cpu":
        return [slice(0, len(x))]
    count = max(1, BLOCK * torch.get_num_threads() * len(x) // max(1, x.numel()))
    return [slice(start, min(start + count, len(x))) for start in range(0, len(x), count)]


def scratch(x: Tensor, channels: Sequence[int]) -> list[Tensor]:
    """Memory for a block of ``x`` (B, C, ...): a tensor for each of ``channels``, (B, channels, ...) in the layout of
    ``x``, float32 or wider, with undefined content. On a CPU it is the same memory at the next call in this thread.
    """
    dtype = torch.promote_types(x.dtype, torch.float32)
    places = x.numel() // max(1, x.shape[1])
    flat = _flat(places * sum(channels), dtype, x.device)
    parts = flat.split([places * count for count in channels])  # type: ignore[no-untyped-call]
    is_last = x.ndim == 4 and x.is_contiguous(memory_format=torch.channels_last)
    shape = (x.shape[0], *x.shape[2:], -1) if is_last else None
    return [
        part.view(shape).permute(0, 3, 1, 2) if shape else part.view(x.shape[0], count, *x.shape[2:])
        for part, count in zip(parts, channels, strict=True)
    ]


def _flat(count: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    if device.type != "cpu":
        return torch.empty(count, dtype=dtype, device=device)
    kept: dict[Any, Tensor] = _kept.__dict__
    if dtype not in kept or len(kept[dtype]) < count:
        with torch.inference_mode(False):  # it is used in other modes later
            kept[dtype] = torch.empty(count, dtype=dtype)
    return kept[dtype][:count]
