"""Representations of single cells that do not depend on the cell's orientation.

Each command is a function here: ``detect``, ``cut``, ``import_``, ``train``, ``embed``, ``evaluate``, ``report``,
``run`` for all of them in sequence, ``experiment`` for many networks and folds, and so on; ``slides check`` is
``check_slides``, ``export onnx`` is ``export_onnx``. ``load(run).embed(images)`` uses a trained network.
``orbicyte.review.serving.serve`` serves the page of ``orbicyte review``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    __version__: str
    from orbicyte.embedding import load
    from orbicyte.slides.check import check_slides
    from orbicyte.stages.agreement import agreement
    from orbicyte.stages.audit import audit
    from orbicyte.stages.classify import classify
    from orbicyte.stages.classify_fit import classify_fit
    from orbicyte.stages.classify_study import classify_study
    from orbicyte.stages.count import count
    from orbicyte.stages.cut import cut
    from orbicyte.stages.demo import demo
    from orbicyte.stages.detect import detect
    from orbicyte.stages.embed import embed
    from orbicyte.stages.embed_images import embed_images
    from orbicyte.stages.evaluate import evaluate
    from orbicyte.stages.experiment import experiment
    from orbicyte.stages.export_coco import export_coco
    from orbicyte.stages.export_csv import export_csv
    from orbicyte.stages.export_geojson import export_geojson
    from orbicyte.stages.export_onnx import export_onnx
    from orbicyte.stages.import_ import import_
    from orbicyte.stages.import_cells import import_cells
    from orbicyte.stages.rename_type import rename_type
    from orbicyte.stages.report import report
    from orbicyte.stages.run import run
    from orbicyte.stages.train import train
    from orbicyte.stages.train_detector import train_detector
    from orbicyte.study.dropped import drop_slides
    from orbicyte.synthetic.slide_file import draw_slides

__all__ = [
    "__version__",
    "agreement",
    "audit",
    "check_slides",
    "classify",
    "classify_fit",
    "classify_study",
    "count",
    "cut",
    "demo",
    "detect",
    "draw_slides",
    "drop_slides",
    "embed",
    "embed_images",
    "evaluate",
    "experiment",
    "export_coco",
    "export_csv",
    "export_geojson",
    "export_onnx",
    "import_",
    "import_cells",
    "load",
    "rename_type",
    "report",
    "run",
    "train",
    "train_detector",
]

_NOT_STAGES = {
    "check_slides": "orbicyte.slides.check",
    "draw_slides": "orbicyte.synthetic.slide_file",
    "drop_slides": "orbicyte.study.dropped",
    "load": "orbicyte.embedding",
}


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("orbicyte")
    # Imported on first use: torch alone takes seconds, which `orbicyte --help` does not need.
    if name not in __all__:
        raise AttributeError(f"module 'orbicyte' has no attribute {name!r}")
    return getattr(import_module(_NOT_STAGES.get(name, f"orbicyte.stages.{name}")), name)
