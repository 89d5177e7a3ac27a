"""µm per pixel from the metadata of a file, if it is plausible for a microscope."""

from pathlib import Path
from xml.etree import ElementTree

import tifffile
from PIL import Image

LEAST, MOST = 0.02, 5.0
"""Plausible values for a microscope's camera. 72 or 300 dots per inch, 353 or 85 µm, are defaults, not measured."""
SQUARE_WITHIN = 0.02
UM_PER = {"µm": 1.0, "um": 1.0, "micron": 1.0, "microns": 1.0, "nm": 1e-3, "mm": 1e3, "cm": 1e4, "inch": 25400.0}
TIFF_UNITS = {2: "inch", 3: "cm"}


def mean_mpp(x: float | str | None, y: float | str | None) -> float | None:
    """Mean µm per pixel if both are plausible and pixels are square to within 2 %, else None."""
    try:
        across, down = float(x or 0), float(y or 0)
    except ValueError:
        return None
    plausible = LEAST <= across <= MOST and LEAST <= down <= MOST
    return (across + down) / 2 if plausible and abs(across / down - 1) <= SQUARE_WITHIN else None


def image_mpp(path: Path) -> float | None:
    """µm per pixel from a plain image's resolution, or from ImageJ's or OME-TIFF's metadata; None if there is none."""
    try:
        if path.suffix.lower() in (".tif", ".tiff"):
            with tifffile.TiffFile(path) as tiff:
                return _ome_mpp(tiff) or _tiff_mpp(tiff)
        with Image.open(path) as image:
            across, down = image.info.get("dpi", (0, 0))
            return mean_mpp(*(25400.0 / float(dots) if dots else 0 for dots in (across, down)))
    except Exception:  # no scale can be read; damage is detected when pixels are read
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
