"""Which device networks run on."""

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
