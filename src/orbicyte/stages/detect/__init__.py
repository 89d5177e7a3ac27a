"""detect: find the cells on slides. The command, its plan, its Dask tasks, and what it does about reviewed cells."""

from orbicyte.stages.detect.stage import Detected, detect

__all__ = ["Detected", "detect"]
