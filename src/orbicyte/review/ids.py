"""Ids of cells are unique in a study: on which slide each cell is, detected or added."""

from orbicyte.errors import OrbicyteError
from orbicyte.review.events import Event
from orbicyte.study import Study
from orbicyte.study.cells import read_ids
from orbicyte.study.slides import cells_path, slide_names


class CellIds:
    """The slides of the cells of ``study``. Tables of detected cells are read when asked first, and when changed."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self._added: dict[str, str] = {}
        self._detected: dict[str, tuple[int, frozenset[str]]] = {}

    def add(self, event: Event) -> None:
        """Update with the next event."""
        if event.kind == "add":
            self._added[event.cell] = event.slide

    def problem(self, event: Event) -> str | None:
        """Why the next event cannot be used: it adds a cell with the id of one added on another slide. Else None."""
        other = self._added.get(event.cell, event.slide) if event.kind == "add" else event.slide
        return None if other == event.slide else f"it adds a cell that is on {other!r}"

    def elsewhere(self, slide: str, cell: str) -> str | None:
        """The other slide that has the cell ``cell``; None if only ``slide`` can have it."""
        if self._added.get(cell, slide) != slide:
            return self._added[cell]
        return next((name for name in slide_names(self.study) if name != slide and cell in self._ids(name)), None)

    def _ids(self, slide: str) -> frozenset[str]:
        try:
            stamp = cells_path(self.study, slide).stat().st_mtime_ns
            if self._detected.get(slide, (0,))[0] != stamp:
                self._detected[slide] = (stamp, frozenset(read_ids(self.study, slide)))
        except (OSError, OrbicyteError):  # a problem of that slide only
            return frozenset()
        return self._detected[slide][1]
