"""Whether what an event sets is on its slide: everything that reads the log relies on it."""

from orbicyte.review.events import Fields
from orbicyte.slides.outline_check import outline_problem
from orbicyte.study.slides import SlideRecord


def misplaced(after: Fields, record: SlideRecord) -> str | None:
    """Why the fields that an event sets cannot be those of a cell on this slide, as a predicate; None if they can."""
    x_px, y_px = after.get("x_px", 0.0), after.get("y_px", 0.0)
    size = f"{record.width_px} x {record.height_px} px"
    if not (0 <= x_px <= record.width_px and 0 <= y_px <= record.height_px):
        return f"is at ({x_px:.0f}, {y_px:.0f}), which is not on {record.name}, {size}"
    if after.get("diameter_px", 0.0) > max(record.width_px, record.height_px):
        return f"has a diameter of {after['diameter_px']:.0f} px, which is larger than {record.name}, {size}"
    if (outline_px := after.get("outline_px")) is not None:
        return outline_problem(outline_px, record.width_px, record.height_px)
    return None
