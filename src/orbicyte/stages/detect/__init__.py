"""detect: detect the cells on slides. The command, its plan, its Dask tasks, and how reviewed cells are kept."""

from orbicyte.stages.detect.stage import Detected, detect

__all__ = ["Detected", "detect"]
