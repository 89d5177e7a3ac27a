"""DICOM slides that tests write themselves: one file for each level, JPEG tiles, as OpenSlide reads them."""

import io
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

WHOLE_SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"
JPEG, EXPLICIT = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.1"
LONG = (b"OB", b"SQ", b"UN", b"OW")
TILE_PX = 64
UNDEFINED = 0xFFFFFFFF


def element(tag: int, kind: str, value: bytes | str | int | float) -> bytes:
    """One data element with an explicit type, little-endian."""
    if isinstance(value, int):
        content = struct.pack("<I" if kind == "UL" else "<H", value)
    else:
        content = value.encode() if isinstance(value, str) else value if isinstance(value, bytes) else b"%g" % value
    content += (b"\0" if kind in ("UI", "OB") else b" ") * (len(content) % 2)
    vr = kind.encode()
    length = struct.pack("<HI", 0, len(content)) if vr in LONG else struct.pack("<H", len(content))
    return struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr + length + content


def item(content: bytes) -> bytes:
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(content)) + content


def open_sequence(tag: int, content: bytes) -> bytes:
    """A sequence of one item, both without a stated length."""
    head = struct.pack("<HH2sHI", tag >> 16, tag & 0xFFFF, b"SQ", 0, UNDEFINED)
    inner = struct.pack("<HHI", 0xFFFE, 0xE000, UNDEFINED) + content + struct.pack("<HHI", 0xFFFE, 0xE00D, 0)
    return head + inner + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)


def write_dicom(path: Path, pixels: NDArray[np.uint8], series: str, mpp: float, level: int = 0) -> Path:
    """One level of a slide; ``series``: a UID that the levels have in common."""
    height, width = pixels.shape[:2]
    tiles = []
    for y in range(0, height, TILE_PX):
        for x in range(0, width, TILE_PX):
            tile = np.full((TILE_PX, TILE_PX, 3), 255, np.uint8)
            part = pixels[y : y + TILE_PX, x : x + TILE_PX]
            tile[: part.shape[0], : part.shape[1]] = part
            buffer = io.BytesIO()
            Image.fromarray(tile).save(buffer, "jpeg", quality=95)
            tiles.append(buffer.getvalue() + b"\0" * (len(buffer.getvalue()) % 2))
    instance = f"{series}.{level + 1}"
    spacing = f"{mpp * 2**level / 1000:.6f}\\{mpp * 2**level / 1000:.6f}"
    measures = element(0x00280030, "DS", spacing)
    groups = element(0x52009229, "SQ", item(element(0x00289110, "SQ", item(measures))))
    meta = b"".join(
        [
            element(0x00020001, "OB", b"\0\1"),
            element(0x00020002, "UI", WHOLE_SLIDE),
            element(0x00020003, "UI", instance),
            element(0x00020010, "UI", JPEG),
            element(0x00020012, "UI", "1.2.3.4"),
        ]
    )
    kind = "ORIGINAL\\PRIMARY\\VOLUME\\NONE" if level == 0 else "DERIVED\\PRIMARY\\VOLUME\\RESAMPLED"
    dataset = b"".join(
        [
            element(0x00080008, "CS", kind),
            element(0x00080016, "UI", WHOLE_SLIDE),
            element(0x00080018, "UI", instance),
            element(0x00080060, "CS", "SM"),
            open_sequence(0x00081140, element(0x00081150, "UI", WHOLE_SLIDE)),
            element(0x0020000D, "UI", "1.2.3.9"),
            element(0x0020000E, "UI", series),
            element(0x00209311, "CS", "TILED_FULL"),
            element(0x00280002, "US", 3),
            element(0x00280004, "CS", "YBR_FULL_422"),
            element(0x00280006, "US", 0),
            element(0x00280008, "IS", str(len(tiles))),
            element(0x00280010, "US", TILE_PX),
            element(0x00280011, "US", TILE_PX),
            element(0x00280100, "US", 8),
            element(0x00280101, "US", 8),
            element(0x00280102, "US", 7),
            element(0x00280103, "US", 0),
            element(0x00480006, "UL", width),
            element(0x00480007, "UL", height),
            element(0x00480303, "UL", 1),
            groups,
            struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OB", 0, UNDEFINED),
            item(struct.pack(f"<{len(tiles)}I", *np.cumsum([0, *(len(tile) + 8 for tile in tiles[:-1])]))),
            *map(item, tiles),
            struct.pack("<HHI", 0xFFFE, 0xE0DD, 0),
        ]
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(128) + b"DICM" + element(0x00020000, "UL", len(meta)) + meta + dataset)
    return path
