"""µm per pixel: from files that tell it plainly, and from a table for those that do not."""

import json
import math
from pathlib import Path
from xml.etree import ElementTree

import tifffile
from PIL import Image

from orbicyte.data.labels import FILE, find_column, mpp_value, read_rows
from orbicyte.errors import OrbicyteError
from orbicyte.slides.listing import list_slides as list_slides

LEAST, MOST = 0.02, 5.0
"""What a microscope's camera can have. 72 or 300 dots per inch are 353 and 85 µm: nothing was measured there."""
SQUARE_WITHIN = 0.02
UM_PER = {"µm": 1.0, "um": 1.0, "micron": 1.0, "microns": 1.0, "nm": 1e-3, "mm": 1e3, "cm": 1e4, "inch": 25400.0}
TIFF_UNITS = {2: "inch", 3: "cm"}
COLUMNS = ("slide", "slide_id", *FILE)


def mean_mpp(x: float | str | None, y: float | str | None) -> float | None:
    """µm per pixel where both are plausible and pixels are square to 2 %, else None."""
    try:
        across, down = float(x or 0), float(y or 0)
    except ValueError:
        return None
    plausible = LEAST <= across <= MOST and LEAST <= down <= MOST
    return (across + down) / 2 if plausible and abs(across / down - 1) <= SQUARE_WITHIN else None


def image_mpp(path: Path) -> float | None:
    """µm per pixel from a plain image's resolution, or from what ImageJ or OME-TIFF wrote; None where there is none."""
    try:
        if path.suffix.lower() in (".tif", ".tiff"):
            with tifffile.TiffFile(path) as tiff:
                return _ome_mpp(tiff) or _tiff_mpp(tiff)
        with Image.open(path) as image:
            across, down = image.info.get("dpi", (0, 0))
            return mean_mpp(*(25400.0 / float(dots) if dots else 0 for dots in (across, down)))
    except Exception:  # a scale that cannot be read is none; damage shows when pixels are read
        return None


def _ome_mpp(tiff: tifffile.TiffFile) -> float | None:
    if not tiff.ome_metadata:
        return None
    pixels = next((e for e in ElementTree.fromstring(tiff.ome_metadata).iter() if e.tag.endswith("}Pixels")), None)
    if pixels is None:
        return None
    return mean_mpp(*(_um(pixels.get(f"PhysicalSize{a}"), pixels.get(f"PhysicalSize{a}Unit", "µm")) for a in "XY"))


def _tiff_mpp(tiff: tifffile.TiffFile) -> float | None:
    page = tiff.pages.first
    unit = (tiff.imagej_metadata or {}).get("unit") or TIFF_UNITS.get(int(page.tags.valueof("ResolutionUnit", 2)))
    dots = [page.tags.valueof(f"{axis}Resolution") for axis in "XY"]
    return mean_mpp(*(_um(below / above, unit) if above else 0 for above, below in filter(None, dots)))


def _um(value: float | str | None, unit: str | None) -> float:
    unit = (unit or "").encode().decode("unicode_escape") if "\\" in (unit or "") else unit  # ImageJ writes \u00B5m
    return float(value or 0) * UM_PER.get((unit or "").replace("μ", "µ"), 0)


def read_mpp_csv(path: Path | str) -> dict[str, float]:
    """The columns file (a path, a name, or a name without its suffix) and mpp of a table.

    Raises ``OrbicyteError`` naming the columns found, or the line at fault.
    """
    path = Path(path)
    header, rows = read_rows(path)
    file_at, mpp_at = find_column(header, COLUMNS), find_column(header, ("mpp",))
    if file_at is None or mpp_at is None:
        raise OrbicyteError(f"{path} needs the columns file and mpp: found {', '.join(map(repr, header))}")
    table: dict[str, float] = {}
    for line, row in rows:
        value = mpp_value(path, line, row[mpp_at])
        if not row[file_at] or math.isnan(value):
            raise OrbicyteError(f"{path} line {line}: expected a file and its µm per pixel, got {json.dumps(row)}")
        if table.setdefault(row[file_at], value) != value:
            raise OrbicyteError(f"{path} line {line}: {row[file_at]} has {table[row[file_at]]:g} above, {value:g} here")
    return table


def table_mpp(table: dict[str, float], slide: Path) -> float | None:
    """What ``table`` says of ``slide``, by its path, else its name, else its name without the suffix."""
    keys = (str(slide), slide.as_posix(), str(slide.absolute()), slide.name, slide.stem)
    return next((table[key] for key in keys if key in table), None)
