"""Which device networks run on, and how exactly it computes."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from orbicyte.errors import OrbicyteError


def device_of(name: str | None) -> torch.device:
    """The device ``name``; None: a GPU if there is one. Raises ``OrbicyteError`` if it cannot be used."""
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        line = str(error).splitlines()[0]
        raise OrbicyteError(
            f"cannot use the device {name!r} ({line}): give 'cpu', or 'cuda' if there is a GPU"
        ) from error
    return device


@contextmanager
def exact_float32() -> Iterator[None]:
    """Compute float32 convolutions as exactly on a GPU as on a CPU.

    By default torch lets NVIDIA GPUs round what they multiply to 10 bits (TF32). Representations then differ from
    those of a CPU by some thousandths of their spread, and measures of invariance cannot become smaller than that.
    """
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before
