"""The files of a classifier: ``classifier.json`` and ``weights.safetensors``, whose digest the former holds.

Formats 1 and 2 had no ``confusion`` in the card; in format 1 the limit ``variance_unexplained`` was ``unexplained``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, TypeAdapter

from orbicyte.study.files import check_format, validated
from orbicyte.study.values import Count, NotNegative
from orbicyte.study.weights import Shapes, compare, read_weights

FORMAT = 3
CLASSIFIER, WEIGHTS = "classifier.json", "weights.safetensors"
TENSORS = ("centre", "scale", "weight1", "bias1", "weight2", "bias2", "mean", "precision")
ADVICE = "fit it again"

Name = Annotated[str, Field(min_length=1, max_length=1000)]
Tensors = Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True)
class LimitsRecord:
    """The limits of the distribution; see ``orbicyte.classification.classifier``."""

    distance: NotNegative
    variance_unexplained: NotNegative


@dataclass(frozen=True)
class ClassifierRecord:
    """The content of ``classifier.json``; ``weights_sha256``: the digest of the weights."""

    classes: Annotated[list[Name], Field(min_length=2, max_length=1000)]
    temperature: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    limits: LimitsRecord
    card: dict[str, Any]
    weights_sha256: str

    def __post_init__(self) -> None:
        if len(set(self.classes)) < len(self.classes):
            raise ValueError("a class occurs twice")
        if "confusion" in self.card:
            rows = _COUNTS.validate_python(self.card["confusion"])
            if {len(rows), *map(len, rows)} != {len(self.classes)}:
                raise ValueError(f"card.confusion has no row and column for each of {len(self.classes)} classes")


_COUNTS = TypeAdapter(list[list[Count]])
_RECORD = TypeAdapter(ClassifierRecord)


def read_classifier(folder: Path) -> tuple[ClassifierRecord, dict[str, NDArray[np.float64]]]:
    """The record of the classifier in ``folder``, and its tensors. Raises ``OrbicyteError`` if it is damaged."""
    path = folder / CLASSIFIER
    content = check_format(path, FORMAT, ADVICE)
    limits = content.get("limits")
    if isinstance(limits, dict) and "unexplained" in limits:
        content["limits"] = {"distance": limits.get("distance"), "variance_unexplained": limits["unexplained"]}
    record = validated(_RECORD, content, path, ADVICE)
    tensors = read_weights(folder / WEIGHTS, ADVICE, record.weights_sha256)
    found: Shapes = {name: (value.shape, str(value.dtype)) for name, value in tensors.items()}
    compare(found, _expected(tensors, record.classes), folder / WEIGHTS, ADVICE)
    return record, tensors


def _expected(tensors: Tensors, classes: Sequence[str]) -> Shapes:
    """The shapes of the tensors of a classifier of as many dimensions and hidden units as ``tensors`` have."""
    size, hidden = (tensors[name].size if name in tensors else 0 for name in ("centre", "bias1"))
    outputs = len(classes) if len(classes) > 2 else 1
    shapes: dict[str, tuple[int, ...]] = {
        **dict.fromkeys(("centre", "scale", "mean"), (size,)),
        "precision": (size, size),
        "weight1": (size, hidden),
        "bias1": (hidden,),
        "weight2": (hidden, outputs),
        "bias2": (outputs,),
    }
    return {name: (shapes[name], "float64") for name in TENSORS}
