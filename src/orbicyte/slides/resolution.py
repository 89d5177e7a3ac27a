"""µm per pixel from the metadata of a file, if it is plausible for a microscope."""

import math
from pathlib import Path
from xml.etree import ElementTree

import tifffile
from PIL import Image

LEAST, MOST = 0.02, 5.0
"""Plausible values for a microscope's camera. 72 or 300 dots per inch, 353 or 85 µm, are defaults, not measured."""
SQUARE_WITHIN = 0.02
UM_PER = {"µm": 1.0, "um": 1.0, "micron": 1.0, "microns": 1.0, "nm": 1e-3, "mm": 1e3, "cm": 1e4, "inch": 25400.0}
TIFF_UNITS = {2: "inch", 3: "cm"}


Pair = tuple[float | str | None, float | str | None]
"""µm per pixel across and down, as a file states them."""


def mean_mpp(x: float | str | None, y: float | str | None) -> float | None:
    """Mean µm per pixel if both are plausible and pixels are square to within 2 %, else None."""
    across, down = _number(x), _number(y)
    return (across + down) / 2 if _is_plausible(across, down) and _is_square(across, down) else None


def why_no_mpp(x: float | str | None, y: float | str | None) -> str | None:
    """Why ``mean_mpp`` is None although the file states something; None if it is not, or the file states nothing."""
    across, down = _number(x), _number(y)
    if not (0 < across < math.inf and 0 < down < math.inf) or mean_mpp(x, y) is not None:
        return None
    if not _is_plausible(across, down):
        return f"the file states {across:.4g} µm, which no microscope has"
    return f"its pixels are not square, {across:.4g} x {down:.4g} µm"


def image_mpp(path: Path) -> float | None:
    """µm per pixel from a plain image's resolution, or from ImageJ's or OME-TIFF's metadata; None if there is none."""
    return mean_mpp(*stated_um(path))


def stated_um(path: Path) -> Pair:
    """µm per pixel across and down as a plain image states them, plausible or not; 0 or None for those it does not."""
    try:
        if path.suffix.lower() in (".tif", ".tiff"):
            with tifffile.TiffFile(path) as tiff:
                ome = _ome_um(tiff)
                return ome if mean_mpp(*ome) is not None else _tiff_um(tiff)
        with Image.open(path) as image:
            across, down = (25400.0 / float(dots) if dots else 0.0 for dots in image.info.get("dpi", (0, 0)))
            return across, down
    except Exception:  # no scale can be read; damage is detected when pixels are read
        return None, None


def _number(value: float | str | None) -> float:
    try:
        return float(value or 0)
    except ValueError:
        return 0.0


def _is_plausible(across: float, down: float) -> bool:
    return LEAST <= across <= MOST and LEAST <= down <= MOST


def _is_square(across: float, down: float) -> bool:
    return abs(across / down - 1) <= SQUARE_WITHIN


def _ome_um(tiff: tifffile.TiffFile) -> Pair:
    if not tiff.ome_metadata:
        return None, None
    pixels = next((e for e in ElementTree.fromstring(tiff.ome_metadata).iter() if e.tag.endswith("}Pixels")), None)
    if pixels is None:
        return None, None
    across, down = (_um(pixels.get(f"PhysicalSize{a}"), pixels.get(f"PhysicalSize{a}Unit", "µm")) for a in "XY")
    return across, down


def _tiff_um(tiff: tifffile.TiffFile) -> Pair:
    page = tiff.pages.first
    unit = (tiff.imagej_metadata or {}).get("unit") or TIFF_UNITS.get(int(page.tags.valueof("ResolutionUnit", 2)))
    dots = [page.tags.valueof(f"{axis}Resolution") for axis in "XY"]
    if None in dots:
        return None, None
    across, down = (_um(below / above, unit) if above else 0.0 for above, below in dots)
    return across, down


def _um(value: float | str | None, unit: str | None) -> float:
    unit = (unit or "").encode().decode("unicode_escape") if "\\" in (unit or "") else unit  # ImageJ writes \u00B5m
    return float(value or 0) * UM_PER.get((unit or "").replace("μ", "µ"), 0)
