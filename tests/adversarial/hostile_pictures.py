"""Pictures and slides that are made to harm whoever reads them: small files that claim, or become, large ones.

``python hostile_pictures.py FOLDER`` reads all of them as images and as slides (see ``limited``).
"""

import io
import os
import struct
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path

import imagecodecs
import numpy as np
from PIL import Image
from tests.adversarial.limited import each

from orbicyte.data.conversion import UnreadableImage
from orbicyte.data.images import read_patch
from orbicyte.data.reading import value_ranges
from orbicyte.errors import OrbicyteError
from orbicyte.slides.check import check_slide

DEFLATE, JPEG, LZMA, JPEG_2000, WEBP, ZSTD = 8, 7, 34925, 34712, 34927, 50000
ZEROS = zlib.compress(bytes(2**28), 9)
ACCEPTED = (
    *("strip of zeros.tif", "tile of zeros.tif", "entities.tif", "chunks.png"),
    *("ring of directories.tif", "ring of sub-directories.tif"),
)
"""Those of which the picture itself is small and complete, and is read."""


def png(width: int, height: int, bits: int = 8, colours: int = 2, more: bytes = b"") -> bytes:
    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colours, 0, 0, 0))
    rows = chunk(b"IDAT", zlib.compress(bytes(64 * (1 + 64 * 3))))
    return b"\x89PNG\r\n\x1a\n" + header + more + rows + chunk(b"IEND", b"")


def text_chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def jpeg(side_px: int, **options: bool) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (side_px, side_px), (128, 128, 128)).save(file, "JPEG", quality=10, **options)
    return file.getvalue()


def claiming(content: bytes, side_px: int) -> bytes:
    """A JPEG whose header has another size."""
    at = content.index(b"\xff\xc0") + 5
    return content[:at] + struct.pack(">HH", side_px, side_px) + content[at + 4 :]


Tag = tuple[int, int, Sequence[int] | bytes]
"""Number, type (2 text, 3 and 4 numbers) and values."""


def tiff(
    width: int, height: int, data: bytes, compression: int = 1, more: Sequence[Tag] = (), following: int = 0
) -> bytes:
    """A TIFF of one strip, or of the tiles that ``more`` states; where a value is -1, the position of ``data``."""
    tags: dict[int, Tag] = {
        name: (name, 4, [value])
        for name, value in ((256, width), (257, height), (273, -1), (278, height), (279, len(data)))
    }
    tags |= {name: (name, 3, values) for name, values in ((258, [8] * 3), (259, [compression]), (262, [2]), (277, [3]))}
    tags |= {tag[0]: tag for tag in more}
    sizes = {2: 1, 3: 2, 4: 4}
    start = 8 + 2 + 12 * len(tags) + 4
    lengths = [len(tag[2]) * sizes[tag[1]] for tag in tags.values()]
    position = start + sum(length for length in lengths if length > 4)
    entries, outside = b"", b""
    for name, kind, values in sorted(tags.values()):
        if isinstance(values, bytes):
            content = values
        else:
            placed = np.array(values, np.int64)
            content = np.where(placed == -1, position, placed).astype({3: "<u2", 4: "<u4"}[kind]).tobytes()
        entries += struct.pack("<HHI", name, kind, len(values))
        entries += content.ljust(4, b"\0") if len(content) <= 4 else struct.pack("<I", start + len(outside))
        outside += content if len(content) > 4 else b""
    return struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + entries + struct.pack("<I", following) + outside + data


def tiles(side_px: int, count: int, length: int, position: int = -1) -> list[Tag]:
    return [(322, 4, [side_px]), (323, 4, [side_px]), (324, 4, [position] * count), (325, 4, [length] * count)]


def made() -> dict[str, bytes]:
    """The files by name."""
    small, plain, large = jpeg(64), bytes(64 * 64 * 3), np.zeros((5000, 5000, 3), np.uint8)
    progressive = jpeg(4000, progressive=True)
    scan = progressive[progressive.rindex(b"\xff\xda") : -2]
    entities = b"".join(b'<!ENTITY %c "%s">' % (98 + i, b"&%c;" % (97 + i) * 50) for i in range(6))
    laughs = b'<?xml version="1.0"?><!DOCTYPE OME [<!ENTITY a "aaaa">' + entities + b"]><OME>&g;</OME>\0"
    million = [(330, 4, list(range(8, 10**6 + 8)))]
    return {
        "claims 65535.png": png(65535, 65535),
        "claims 8000.png": png(8000, 8000),
        "claims 16 bits.png": png(8000, 6000, 16, 6),
        "profile.png": png(64, 64, more=text_chunk(b"iCCP", b"x\0\0" + ZEROS)),
        "text.png": png(64, 64, more=text_chunk(b"zTXt", b"x\0\0" + ZEROS)),
        "chunks.png": png(64, 64, more=text_chunk(b"tEXt", b"a\0b") * 20_000),
        "claims 65535.jpg": claiming(small, 65535),
        "claims 6000.jpg": claiming(small, 6000),
        "scans.jpg": progressive[:-2] + scan * 500 + b"\xff\xd9",
        "strip of zeros.tif": tiff(64, 64, ZEROS, DEFLATE),
        "too many zeros.tif": tiff(64, 64, bytes(imagecodecs.zstd_encode(bytes(2**28))), ZSTD),
        "64 bits.tif": tiff(8000, 8000, ZEROS, DEFLATE, [(258, 3, [64] * 3), (339, 3, [3] * 3)]),
        "claims 8000.tif": tiff(8000, 8000, ZEROS[:1000], DEFLATE),
        "large jpeg.tif": tiff(64, 64, jpeg(9000), JPEG, [(262, 3, [6])]),
        "large jpeg 2000.tif": tiff(64, 64, bytes(imagecodecs.jpeg2k_encode(large, level=1)), JPEG_2000),
        "large webp.tif": tiff(64, 64, bytes(imagecodecs.webp_encode(large, level=1)), WEBP),
        "strips.tif": tiff(64, 64, plain, more=[(278, 4, [1]), (273, 4, [8] * 10**6), (279, 4, [192] * 10**6)]),
        "channels.tif": tiff(64, 64, plain, more=[(277, 3, [65535])]),
        "large tiles.tif": tiff(64, 64, ZEROS, DEFLATE, tiles(40_000, 1, len(ZEROS))),
        "endless tiles.tif": tiff(64, 64, ZEROS, DEFLATE, tiles(2**31, 1, len(ZEROS))),
        "tile of zeros.tif": tiff(64, 64, ZEROS, DEFLATE, tiles(64, 1, len(ZEROS))),
        "many tiles.tif": tiff(32_768, 32_768, b"", DEFLATE, tiles(16, 2048**2, 64, 8)),
        "empty tiles.tif": tiff(65_535, 65_535, b"", DEFLATE, tiles(256, 256**2, 0, 0)),
        "few tiles.tif": tiff(65_535, 65_535, zlib.compress(plain), DEFLATE, tiles(64, 1, len(zlib.compress(plain)))),
        "ring of directories.tif": tiff(64, 64, plain, following=8),
        "ring of sub-directories.tif": tiff(64, 64, plain, more=[(330, 4, [8])]),
        "sub-directories.tif": tiff(64, 64, plain, more=million),
        "entities.tif": tiff(64, 64, plain, more=[(270, 2, laughs)]),
        "nested text.tif": tiff(64, 64, plain, more=[(270, 2, b'{"shape": ' + b"[" * 10**5 + b"]" * 10**5 + b"}\0")]),
        "shape.tif": tiff(64, 64, plain, more=[(270, 2, b'{"shape": [999999999, 999999999, 64, 64, 3]}\0')]),
        "images.tif": tiff(64, 64, plain, more=[(270, 2, b"ImageJ=1.53\nimages=1000000000\n\0")]),
        "empty.svs": b"",
        "text.ndpi": b"a slide",
        "levels.mrxs": b"x",
        "images.vms": b"[Virtual Microscope Specimen]\n" + b"x=y\n" * 10**6,
    }


def make(folder: Path) -> None:
    """Write all files, and pipes and devices with names of pictures and slides."""
    for name, content in made().items():
        (folder / name).write_bytes(content)
    for suffix in ("png", "tif", "svs", "mrxs", "vms"):
        os.mkfifo(folder / f"pipe.{suffix}")
        (folder / f"endless.{suffix}").symlink_to("/dev/zero")
    (folder / "levels").mkdir()
    os.mkfifo(folder / "levels" / "Slidedat.ini")
    (folder / "loop.png").symlink_to("loop.png")


def _image(path: Path) -> str:
    try:
        return f"image {read_patch(path, value_ranges([path])).shape}"
    except (UnreadableImage, OrbicyteError) as error:
        return f"refused: {error}"


def _slide(path: Path) -> str:
    problem = check_slide(path, 0.25).problem
    return "slide" if problem is None else f"refused: {problem}"


if __name__ == "__main__":
    each(Path(sys.argv[1]), lambda path: f"{_image(path)}\t{_slide(path)}")
