"""Orientation tags of image files (EXIF 274): most programs rotate a picture as they say, orbicyte reads it as stored.

1 is as stored; 2 to 4 are mirrored or rotated by a half turn; 5 to 8 have width and height exchanged.
"""

from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from orbicyte.arrays import Points
from orbicyte.progress import warn
from orbicyte.study.slides import SlideRecord

TAG = 274
PLAIN = ("image", "generic-tiff")
"""Formats whose files other programs open as plain images."""


def orientation_of(record: SlideRecord) -> int:
    """The tag of the slide's file; 1, with a warning, if the file of a plain image is missing."""
    if record.vendor not in PLAIN:
        return 1
    try:
        with Image.open(Path(record.path)) as image:
            found = image.getexif().get(TAG, 1)
    except FileNotFoundError:
        warn(f"{record.path} does not exist: its orientation tag is unknown, positions are those in the stored picture")
        return 1
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError, ValueError, SyntaxError):
        return 1
    return found if found in range(1, 9) else 1


def turned_size(width_px: int, height_px: int, orientation: int) -> tuple[int, int]:
    """Width and height of the displayed picture."""
    return (height_px, width_px) if orientation >= 5 else (width_px, height_px)


def turned_points(points: Points, width_px: int, height_px: int, orientation: int) -> Points:
    """``points`` (N, 2) of a stored picture of this size, in the displayed one."""
    x, y = points.T
    left, up = width_px - x, height_px - y
    places = {2: (left, y), 3: (left, up), 4: (x, up), 5: (y, x), 6: (up, x), 7: (up, left), 8: (y, left)}
    return np.stack(places.get(orientation, (x, y)), axis=1)
