"""Files of other programs, damaged or made to harm: GeoJSON, label images, tables of labels and of µm per pixel.

``python hostile_exchange.py FOLDER STUDY`` gives each to the command that reads it (see ``limited``).
"""

import gzip
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import Image
from tests.adversarial.limited import each
from typer.testing import CliRunner

from orbicyte import cli

DEEP = 10**5
SQUARE = [[90, 90], [110, 90], [110, 110], [90, 110], [90, 90]]
SIZE = (800, 1000)
"""Height and width of the slide."""


def feature(coordinates: Any, kind: str = "Polygon", **more: Any) -> dict[str, Any]:
    geometry = {"type": kind, "coordinates": coordinates}
    return {"type": "Feature", "geometry": geometry, "properties": {"objectType": "cell"}, **more}


def _geojson() -> dict[str, Any]:
    """The contents of GeoJSON files that are no text."""
    endless: Any = feature([SQUARE])
    for _ in range(300):
        endless = feature([SQUARE], properties={"objectType": "cell", "childObjects": [endless]})
    return {
        "infinite": [feature([[[1e308, 0], [1e308, 1e308], [0, 1e308], [1e308, 0]]])],
        "nan": [feature([[[float("nan"), 0], [9, 9], [0, 9], [float("nan"), 0]]])],
        "long integers": [feature([[[10**4000, 0], [9, 9], [0, 9], [10**4000, 0]]])],
        "one point": [feature([[[9, 9]] * 4])],
        "a line": [feature([[[0, 0], [20, 20], [40, 40], [0, 0]]])],
        "crossing": [feature([[[0, 0], [100, 0], [100, 60], [40, 60], [40, -30], [20, -30], [0, 0]]])],
        "texts": [feature([[["a", "b"], ["c", "d"], ["e", "f"], ["a", "b"]]])],
        "no rings": [feature([])],
        "ring of nothing": [feature([[]])],
        "null": [feature(None)],
        "number": [feature(7)],
        "other geometry": [feature(SQUARE, "Circle")],
        "collection in collection": [feature([], "GeometryCollection")],
        "no geometry": [{"type": "Feature", "geometry": None, "properties": {"objectType": "cell"}}],
        "properties": [{**feature([SQUARE]), "properties": [1]}, {"type": "Feature", "properties": 3}],
        "label of numbers": [feature([SQUARE], properties={"classification": {"name": [1, 2]}})],
        "label of lists": [feature([SQUARE], properties={"classification": [[]]})],
        "unknown label": [feature([SQUARE], properties={"classification": {"name": "x" * 10**6}})],
        "id twice": [feature([SQUARE], id="b0e5ff5c-6a5e-4d3b-8b60-000000000000")] * 2
        + [feature([[[x + 300, y] for x, y in SQUARE]], id="b0e5ff5c-6a5e-4d3b-8b60-000000000000")],
        "many points": [feature([[*[[100 + i % 2, 100 + i / 1000] for i in range(30_000)], [100, 100]]])],
        "children": [{**endless, "geometry": None}],
        "children of themselves": [feature([SQUARE], properties={"childObjects": [7]})],
        "other json": {"cells": 3},
        "texts in a list": ["cell"],
    }


def _texts() -> dict[str, bytes]:
    """The contents of other files, by name."""
    zeros = gzip.compress(bytes(2**28), 9, mtime=0)
    return {
        "lists.geojson": b"[" * DEEP,
        "objects.geojson": b'{"a":' * DEEP,
        "pairs.geojson": b"[" + b"[]," * 10**7 + b"[]]",
        "empty.geojson": b"",
        "bytes.geojson": bytes(range(256)),
        "surrogate.geojson": b'[{"type": "Feature", "id": "\\ud800", "geometry": 1}]',
        "cut.geojson": json.dumps([feature([SQUARE])]).encode()[:-9],
        "zeros.geojson.gz": zeros,
        "pairs.geojson.gz": gzip.compress(b"[" + b"[]," * 10**7 + b"[]]", 9, mtime=0),
        "cut.geojson.gz": zeros[:-9],
        "twice.geojson.gz": gzip.compress(zeros, mtime=0),
        "empty.csv": b"",
        "zeros.csv": bytes(1000),
        "binary.csv": b"file,mpp\n\xff\xfe\x81\x8d\n",
        "quote.csv": b'file,mpp\na.png,"0.25\n',
        "infinite.csv": b"file,mpp\na.png,inf\n",
        "exponent.csv": b"file,mpp\na.png,1e999\n",
        "field.csv": b"file,mpp\n" + b"x" * 10**6 + b",0.25,1\n",
        "columns.csv": b"," * 10**6 + b"\n",
        "other.csv": b"a,b\n1,2\n",
        "twice.csv": b"file,mpp\na.png,0.25\na.png,0.5\n",
    }


def _masks(folder: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 2**16, SIZE, dtype=np.uint16)
    tifffile.imwrite(folder / "noise.tif", noise)
    tifffile.imwrite(folder / "colour.tif", np.zeros((*SIZE, 3), np.uint8), photometric="rgb")
    tifffile.imwrite(folder / "floats.tif", np.zeros(SIZE, np.float32))
    tifffile.imwrite(folder / "pages.tif", np.zeros((3, *SIZE), np.uint8), photometric="minisblack")
    tifffile.imwrite(folder / "jpeg.tif", np.zeros(SIZE, np.uint8), compression="jpeg")
    tifffile.imwrite(folder / "inverted.tif", np.full(SIZE, 65535, np.uint16))
    tifffile.imwrite(folder / "claims.tif", np.zeros((80, 100), np.uint8), compression="zlib")
    with tifffile.TiffFile(folder / "claims.tif", mode="r+") as tiff:
        for tag, side in (("ImageLength", SIZE[0]), ("ImageWidth", SIZE[1])):
            tiff.pages.first.tags[tag].overwrite(side)
    file = io.BytesIO()
    Image.fromarray(np.zeros((6000, 6000), np.uint8)).save(file, "PNG")
    (folder / "large.png").write_bytes(file.getvalue())
    (folder / "cut.png").write_bytes(file.getvalue()[:2000])
    (folder / "text.png").write_text("mask")
    (folder / "empty.tif").write_bytes(b"")


def make(folder: Path) -> None:
    """Write all files, and pipes and devices in place of files."""
    for name, content in _geojson().items():
        (folder / f"{name}.geojson").write_text(json.dumps(content), encoding="utf-8")
    for name, raw in _texts().items():
        (folder / name).write_bytes(raw)
    _masks(folder)
    for suffix in ("geojson", "csv", "tif", "png"):
        os.mkfifo(folder / f"pipe.{suffix}")
        (folder / f"endless.{suffix}").symlink_to("/dev/zero")


def _outcome(path: Path, study: str) -> str:
    if path.suffix == ".csv":
        words = ["slides", "check", study, "--mpp-csv", str(path)]
    else:
        words = ["import-cells", study, str(path), "--slide", "a", "--delete"]
    result = CliRunner().invoke(cli.app, words)
    if not (result.exception is None or isinstance(result.exception, SystemExit)):
        return f"traceback: {result.exception!r}"
    return f"{result.exit_code}\t{result.stderr.count(chr(10))}\t{result.stderr.strip()[:1000]}".replace("\n", " | ")


if __name__ == "__main__":
    each(Path(sys.argv[1]), lambda path: _outcome(path, sys.argv[2]))
