"""detect: find the cells on slides. The command, its plan, its Dask tasks, and the treatment of reviewed cells."""

from orbicyte.stages.detect.stage import Detected, detect

__all__ = ["Detected", "detect"]
