"""Random sampling of cells so that every type keeps its share."""

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from orbicyte.errors import OrbicyteError


def stratified_sample(labels: Sequence[Hashable], count: int, seed: int) -> NDArray[np.intp]:
    """Sorted indices of ``count`` random cells (all, if there are fewer), each label with its share: (n,).

    ``labels``: (N,), one per cell; None is a label. Shares are rounded by largest remainder, so that they add up to
    ``count``, with at least one cell per label. Raises ``OrbicyteError`` if ``count`` is less than the number of
    labels.
    """
    members: dict[Hashable, list[int]] = {}
    for index, label in enumerate(labels):
        members.setdefault(label, []).append(index)
    if count < len(members):
        raise OrbicyteError(f"--max-cells {count} is less than one cell for each of {len(members)} types")
    if count >= len(labels):
        return np.arange(len(labels))
    rng = np.random.default_rng(seed)
    order = sorted(members, key=lambda label: (label is None, str(label)))
    shares = apportion([len(members[label]) for label in order], count)
    sampled = [rng.choice(members[label], share, replace=False) for label, share in zip(order, shares, strict=True)]
    return np.sort(np.concatenate(sampled))


def apportion(sizes: Sequence[int], count: int) -> NDArray[np.intp]:
    """``count`` divided in proportion to ``sizes`` (N,): (N,), each from 1 to its size; for len <= count <= sum."""
    size = np.asarray(sizes)
    quota = count * size / size.sum()
    shares: NDArray[np.intp] = np.maximum(np.floor(quota).astype(np.intp), 1)
    while shares.sum() < count:
        shares[np.argmax(np.where(shares < size, quota - shares, -np.inf))] += 1
    while shares.sum() > count:
        shares[np.argmin(np.where(shares > 1, quota - shares, np.inf))] -= 1
    return shares
