"""Representations of single cells that do not depend on how the cell happens to lie.

The stages are functions of the same names as the commands: ``detect``, ``cut``, ``import_``, ``train``, ``embed``,
``evaluate``, ``report``, ``count``, and ``run`` for all from the patches on; ``load(run).embed(images)`` for a trained
network.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orbicyte.embedding import load
    from orbicyte.stages.classify import classify, classify_fit
    from orbicyte.stages.count import count
    from orbicyte.stages.cut import cut
    from orbicyte.stages.demo import demo
    from orbicyte.stages.detect import detect
    from orbicyte.stages.detector import train_detector
    from orbicyte.stages.embed import embed
    from orbicyte.stages.evaluate import evaluate
    from orbicyte.stages.export import export_onnx
    from orbicyte.stages.import_ import import_
    from orbicyte.stages.report import report
    from orbicyte.stages.run import run
    from orbicyte.stages.train import train
    from orbicyte.stages.types import classify_study

__all__ = [
    "classify",
    "classify_fit",
    "classify_study",
    "count",
    "cut",
    "demo",
    "detect",
    "embed",
    "evaluate",
    "export_onnx",
    "import_",
    "load",
    "report",
    "run",
    "train",
    "train_detector",
]

_ELSEWHERE = {
    "load": "orbicyte.embedding",
    "classify_fit": "orbicyte.stages.classify",
    "classify_study": "orbicyte.stages.types",
    "export_onnx": "orbicyte.stages.export",
    "train_detector": "orbicyte.stages.detector",
}


def __getattr__(name: str) -> Any:
    # Loaded when asked for: torch alone takes seconds, which `orbicyte --help` need not.
    if name not in __all__:
        raise AttributeError(f"module 'orbicyte' has no attribute {name!r}")
    return getattr(import_module(_ELSEWHERE.get(name, f"orbicyte.stages.{name}")), name)
