"""Weights of networks in the safetensors format: never unpickled, and compared with what is expected before use."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load

from orbicyte.errors import OrbicyteError
from orbicyte.study.reading import MIB, read_bytes, sha256

LARGEST_BYTES = 1024 * MIB
"""Of a file of weights; those of the preset ``paper`` have 60 MB."""

Shapes = Mapping[str, tuple[tuple[int, ...], str]]
"""Shape and type of each tensor, by its name."""


def read_weights(path: Path, advice: str, digest: str | None = None) -> dict[str, NDArray[Any]]:
    """The tensors in ``path``, by name. ``digest``: SHA-256 of the file, None if it is not known.

    Raises ``OrbicyteError`` with ``advice`` for a file that is damaged, too large, or has numbers that are not finite.
    """
    try:
        content = read_bytes(path, LARGEST_BYTES)
        if digest is not None and digest != sha256(content):
            raise ValueError("it does not match its digest")
        tensors: dict[str, NDArray[Any]] = load(content)
        for name, values in tensors.items():
            if not np.isfinite(values).all():
                raise ValueError(f"{name} has numbers that are not finite")
    except OrbicyteError as error:
        raise _unreadable(path, str(error).removeprefix(f"cannot read {path}: "), advice) from error
    except (SafetensorError, ValueError, KeyError, TypeError, MemoryError) as error:
        raise _unreadable(path, f"it is damaged: {str(error) or type(error).__name__}", advice) from error
    return tensors


def compare(found: Shapes, expected: Shapes, path: Path, advice: str) -> None:
    """Raise ``OrbicyteError`` with ``advice`` if the tensors ``found`` in ``path`` are not the ``expected`` ones."""
    for name in [*expected, *found]:
        if found.get(name) != expected.get(name):
            is_, other = _described(found.get(name)), _described(expected.get(name))
            raise _unreadable(path, f"it is of another network: {name} is {is_}, expected {other}", advice)


def _described(tensor: tuple[tuple[int, ...], str] | None) -> str:
    return "absent" if tensor is None else f"{tensor[1]} of {' x '.join(map(str, tensor[0])) or 'one number'}"


def _unreadable(path: Path, reason: str, advice: str) -> OrbicyteError:
    return OrbicyteError(f"cannot read the weights {path}: {' '.join(reason.split())[:300]}; {advice}")
