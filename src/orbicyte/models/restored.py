"""Networks from files: the weights are compared with the network before they replace anything."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from orbicyte.study.weights import compare, read_weights

Network = TypeVar("Network", bound=nn.Module)


def restored(make: Callable[[], Network], weights: Path, advice: str, digest: str | None = None) -> Network:
    """The network that ``make`` builds, with the ``weights`` of a file, in evaluation mode on the CPU.

    The file is read and checked before the network is built; what ``make`` may build is limited by the settings.
    ``digest``: SHA-256 of the file, if known. Raises ``OrbicyteError`` with ``advice`` if the weights are damaged, of
    another network, or not finite.
    """
    tensors = read_weights(weights, advice, digest)
    network = make()
    expected = {name: (tuple(value.shape), str(value.dtype)) for name, value in network.state_dict().items()}
    state = {name: torch.tensor(values) for name, values in tensors.items()}
    compare({name: (tuple(value.shape), str(value.dtype)) for name, value in state.items()}, expected, weights, advice)
    network.load_state_dict(state)
    return network.eval()
