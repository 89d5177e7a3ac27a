"""Whether the compressed pixels of a file are complete: decoders fill what is missing with grey or black.

libjpeg and zlib report this as warnings, which Pillow and libtiff do not pass on.
"""

import hashlib
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
PICTURES = (7, 33003, 33004, 33005, 34712, 34927, 34933, 50001)
"""Compressions of TIFF whose strips and tiles are pictures with sizes of their own: JPEG, JPEG 2000, WebP, PNG."""
SPARE_PX = 64
"""Rows that a strip may have in addition, such as those that complete its blocks."""
MOST_WORK = 2_000_000_000
"""Pixels of a JPEG times its scans; a progressive one has about ten scans."""
PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""First column and row, and steps between them, of the seven passes of an interlaced PNG."""
CHUNK = 1 << 20
JPEG_REASON = "pixels are missing at its end: truncated, or a header with another height"


def problem_before(path: Path, image: Image.Image) -> str | None:
    """Why the file ``path`` of the ``image``, of which only the header was read, should not be decoded.

    A TIFF with parts that are incomplete or larger than it states, a JPEG that takes long. Raises the errors of
    ``tifffile``, and ``OSError``.
    """
    if image.format in ("JPEG", "MPO"):
        return _work_problem(path.read_bytes(), image)
    return tiff_problem(path) if image.format == "TIFF" else None


def problem_of(path: Path, image: Image.Image) -> str | None:
    """What is missing in a PNG or JPEG ``path``, decoded as ``image``; None if nothing is. Raises ``OSError``."""
    if image.format in ("JPEG", "MPO"):
        last = image.getpixel((image.width - 1, image.height - 1))
        return JPEG_REASON if _is_starved(path.read_bytes(), last) else None
    if image.format == "PNG" and not any(_bands(image.getpixel((image.width - 1, image.height - 1)))):
        return _png_problem(path)
    return None


def tiff_problem(path: Path) -> str | None:
    """What is wrong with the strips or tiles of a TIFF: damaged, incomplete, or larger than the page states.

    Found in Deflate and JPEG; of JPEG 2000, WebP and PNG, only the sizes are compared. None for other compressions,
    whose decoders check by themselves. Raises the errors of ``tifffile``.
    """
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages.first
        if page.compression not in (*DEFLATE, *PICTURES) or page.fillorder != 1:
            return None
        size = (page.tilewidth, page.tilelength) if page.is_tiled else (page.imagewidth, page.rowsperstrip)
        for index, (offset, count) in enumerate(zip(page.dataoffsets, page.databytecounts, strict=True)):
            tiff.filehandle.seek(offset)
            data = tiff.filehandle.read(count)
            problem = _segment_problem(page, data, size[0], min(size[1], _rows(page, index))) if count else None
            if problem:
                return f"its strip or tile {index + 1} {problem}"
    return None


def _rows(page: tifffile.TiffPage, index: int) -> int:
    """How many rows a strip or tile has: the last strip of each plane may have fewer."""
    if page.is_tiled:
        return int(page.tilelength)
    strips = -(-page.imagelength // page.rowsperstrip)
    return int(page.imagelength - index % strips * page.rowsperstrip)


def _segment_problem(page: tifffile.TiffPage, data: bytes, width: int, rows: int) -> str | None:
    if page.compression in DEFLATE:
        most = width * rows * max(1, page.samplesperpixel * page.bitspersample // 8)
        return None if is_deflated(data, most) else "is damaged or incomplete"
    return _picture_problem(page, data, width, rows)


def is_deflated(content: bytes, most: float = math.inf) -> bool:
    """Whether ``content`` is complete in zlib's format, and its checksum is right; or has more than ``most`` bytes."""
    inflate, found = zlib.decompressobj(), 0
    try:
        left = content
        while not inflate.eof and found <= most:
            read = inflate.decompress(left, CHUNK)
            found += len(read)
            left = inflate.unconsumed_tail
            if not read and not left:
                break
    except zlib.error:
        return False
    return inflate.eof or found > most


def _picture_problem(page: tifffile.TiffPage, data: bytes, width: int, rows: int) -> str | None:
    """Why a strip or tile is not a picture of this size; of JPEG also, why it is incomplete."""
    is_jpeg = page.compression == tifffile.COMPRESSION.JPEG
    content = page.jpegtables[:-2] + data[2:] if is_jpeg and page.jpegtables else data
    with Image.open(io.BytesIO(content), formats=("JPEG",) if is_jpeg else ("JPEG2000", "WEBP", "PNG")) as image:
        if not (width <= image.width <= width + SPARE_PX and image.height <= rows + SPARE_PX):
            return f"is a picture of {image.width} x {image.height} px, expected {width} x {rows} px"
        if not is_jpeg:
            return None
        if problem := _work_problem(content, image):
            return problem
        image.load()
        last = image.getpixel((image.width - 1, image.height - 1))
    return "is damaged or incomplete" if image.height < rows or _is_starved(content, last) else None


def _work_problem(content: bytes, image: Image.Image) -> str | None:
    scans = content.count(bytes((0xFF, START_OF_SCAN)))
    if scans * image.width * image.height > MOST_WORK:
        return f"is a JPEG of {image.width} x {image.height} px in {scans:,} scans: save it without them"
    return None


def _is_starved(content: bytes, last: object) -> bool:
    """Whether a JPEG needs more bits than it has. ``last``: its last pixel, which is grey then, if it has one scan.

    Bits are added to its last scan: if pixels change, the decoder had made up what was missing.
    """
    kind, end, restart = _last_scan(content)
    bands = _bands(last)
    if kind != PROGRESSIVE and len(bands) != 4 and any(abs(band - GREY) > NEAR_GREY for band in bands):
        return False
    added = PROBE if restart is None else PROBE + bytes((0xFF, restart)) + PROBE
    return _digest(content) != _digest(content[:end] + added + content[end:])


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


def _digest(content: bytes) -> bytes:
    """Of the pixels of a JPEG."""
    with Image.open(io.BytesIO(content), formats=("JPEG",)) as image:
        return hashlib.sha256(image.tobytes()).digest()


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
