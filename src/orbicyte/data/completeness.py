"""Whether the compressed pixels of a file are complete: decoders fill what is missing with grey or black.

libjpeg and zlib report this as warnings, which Pillow and libtiff do not pass on.
"""

import io
import math
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import tifffile
from PIL import Image

GREY, NEAR_GREY = 128, 8
"""libjpeg's value for missing pixels, and how far others may be from it to be checked."""
PROBE = bytes(range(1, 97))
"""Bits that a decoder reads only if it needs more than the file has."""
PROGRESSIVE, FRAMES = 0xC2, (0xC0, 0xC1, 0xC2)
START_OF_SCAN, END_OF_IMAGE, RESTART_INTERVAL, RESTARTS = 0xDA, 0xD9, 0xDD, range(0xD0, 0xD8)
DEFLATE = (tifffile.COMPRESSION.ADOBE_DEFLATE, tifffile.COMPRESSION.DEFLATE)
PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""First column and row, and steps between them, of the seven passes of an interlaced PNG."""
CHUNK = 1 << 20
JPEG_REASON = "pixels are missing at its end: truncated, or a header with another height"


def problem_of(path: Path, image: Image.Image) -> str | None:
    """What is missing in the file ``path`` of the decoded ``image``; None if nothing is. Raises ``OSError``."""
    if image.format in ("JPEG", "MPO"):
        last = image.getpixel((image.width - 1, image.height - 1))
        return JPEG_REASON if _is_starved(path.read_bytes(), last) else None
    if image.format == "PNG" and not any(_bands(image.getpixel((image.width - 1, image.height - 1)))):
        return _png_problem(path)
    return tiff_problem(path) if image.format == "TIFF" else None


def tiff_problem(path: Path) -> str | None:
    """What is missing in a TIFF compressed with Deflate or JPEG; None for others. Raises the errors of ``tifffile``."""
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages.first
        if page.compression not in (*DEFLATE, tifffile.COMPRESSION.JPEG) or page.fillorder != 1:
            return None
        for index, (offset, count) in enumerate(zip(page.dataoffsets, page.databytecounts, strict=True)):
            tiff.filehandle.seek(offset)
            data = tiff.filehandle.read(count)
            is_complete = is_deflated(data) if page.compression in DEFLATE else _is_jpeg_segment(page, data, index)
            if count and not is_complete:
                return f"its strip or tile {index + 1} is damaged or incomplete"
    return None


def is_deflated(content: bytes) -> bool:
    """Whether ``content`` is complete in zlib's format, and its checksum is right."""
    inflate = zlib.decompressobj()
    try:
        left = content
        while not inflate.eof:
            read = inflate.decompress(left, CHUNK)
            left = inflate.unconsumed_tail
            if not read and not left:
                break
    except zlib.error:
        return False
    return inflate.eof


def _is_jpeg_segment(page: tifffile.TiffPage, data: bytes, index: int) -> bool:
    """Whether a strip or tile has the rows that the page says, and all of their pixels."""
    jpeg = data if not page.jpegtables else page.jpegtables[:-2] + data[2:]
    rows = page.tilelength if page.is_tiled else min(page.rowsperstrip, page.imagelength - index * page.rowsperstrip)
    with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as image:
        image.load()
        return image.height >= rows and not _is_starved(jpeg, image.getpixel((image.width - 1, image.height - 1)))


def _is_starved(content: bytes, last: object) -> bool:
    """Whether a JPEG needs more bits than it has. ``last``: its last pixel, which is grey then, if it has one scan.

    Bits are added to its last scan: if pixels change, the decoder had made up what was missing.
    """
    kind, end, restart = _last_scan(content)
    bands = _bands(last)
    if kind != PROGRESSIVE and len(bands) != 4 and any(abs(band - GREY) > NEAR_GREY for band in bands):
        return False
    added = PROBE if restart is None else PROBE + bytes((0xFF, restart)) + PROBE
    return _decoded(content) != _decoded(content[:end] + added + content[end:])


def _last_scan(content: bytes) -> tuple[int, int, int | None]:
    """The kind of the frame, where its last scan ends, and the restart marker that could follow, if it has any.

    Nothing is raised for a damaged file.
    """
    kind, end, at = 0, len(content), 2
    restart, has_restarts = None, False
    while at + 4 <= len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker == END_OF_IMAGE:
            break
        kind = marker if marker in FRAMES else kind
        has_restarts = has_restarts or marker == RESTART_INTERVAL
        at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")
        if marker == START_OF_SCAN:
            start, at = at, _end_of_scan(content, at)
            markers = sum(content.count(bytes((0xFF, marker)), start, at) for marker in RESTARTS)
            end, restart = at, RESTARTS[markers % len(RESTARTS)] if has_restarts else None
    return kind, end, restart


def _end_of_scan(content: bytes, at: int) -> int:
    while 0 <= (at := content.find(b"\xff", at)) < len(content) - 1:
        if content[at + 1] not in (0, *RESTARTS):
            return at
        at += 2
    return len(content)


def _decoded(content: bytes) -> bytes:
    with Image.open(io.BytesIO(content), formats=("JPEG",)) as image:
        return image.tobytes()


def _bands(pixel: object) -> tuple[float, ...]:
    return tuple(pixel) if isinstance(pixel, tuple) else (pixel,)  # type: ignore[return-value]


def _png_problem(path: Path) -> str | None:
    """Whether the compressed data have as many bytes as the header's size needs."""
    inflate, found, expected = zlib.decompressobj(), 0, math.inf
    with path.open("rb") as file:
        file.seek(8)
        for name, content in _png_chunks(file):
            if name == b"IHDR":
                expected = _png_bytes(content)
            elif name == b"IDAT":
                found += len(inflate.decompress(content, CHUNK))
                while inflate.unconsumed_tail and found < expected:
                    found += len(inflate.decompress(inflate.unconsumed_tail, CHUNK))
    return None if found >= expected else "rows are missing at its end"


def _png_chunks(file: io.BufferedReader) -> Iterator[tuple[bytes, bytes]]:
    while len(head := file.read(8)) == 8:
        length, name = struct.unpack(">I4s", head)
        yield name, file.read(length)
        file.seek(4, io.SEEK_CUR)


def _png_bytes(header: bytes) -> int:
    """The bytes of the rows of a PNG, each with its filter, by its header."""
    width, height, bits, colours, _, _, interlaced = struct.unpack(">IIBBBBB", header)
    bits *= PNG_CHANNELS[colours]
    passes = PASSES if interlaced else ((0, 0, 1, 1),)
    total = 0
    for column, row, across, down in passes:
        columns, rows = -(-(width - column) // across), -(-(height - row) // down)
        if columns > 0 and rows > 0:
            total += rows * (1 + -(-columns * bits // 8))
    return total
