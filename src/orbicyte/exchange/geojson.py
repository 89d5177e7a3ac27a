"""QuPath's GeoJSON: a FeatureCollection, one feature per cell, coordinates in level-0 pixels.

Written in the form of QuPath 0.4 and later. Read in the form of any version: a collection, a list of features or one
feature; children within their parents; labels as ``classification.name`` or ``names``, colours in either form or none;
measurements in either form; ids that are not UUIDs (until 0.3: the object's type) or missing. Files of other programs
have no ``classification``, but their labels in another property, or the classification as text: see ``labels``.
"""

import gzip
import json
import os
import uuid
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pandas as pd

from orbicyte.arrays import Points
from orbicyte.errors import OrbicyteError
from orbicyte.exchange.labels import Labels, labels
from orbicyte.exchange.shapes import Shape, centroid_and_diameter, corners
from orbicyte.slides.outline_check import LARGEST_PX
from orbicyte.study.files import replacing
from orbicyte.study.reading import opened
from orbicyte.text import decode

DIAMETER = "diameter µm"
DECIMALS = 2
MOST_BYTES = 1 << 29
LEAST_BYTES, MOST_RATIO = 1 << 25, 12
"""A compressed file may become this large, or so many times its size: GeoJSON shrinks to a third or a tenth."""
LEAST_PARTS, BYTES_PER_PART = 1_000_000, 8
"""So many lists and objects are always read, and one for so many bytes: a point of an outline takes 10 or more."""
NO_CELLS = ("root", "tile", "tmaCore", "tma_core", "PathRootObject", "PathTileObject", "TMACoreObject")
LINES = ("LineString", "MultiLineString")
CELLS = ("detection", "cell", "PathDetectionObject", "PathCellObject")
COLOURS = [
    (31, 119, 180), (255, 127, 14), (44, 160, 44), (214, 39, 40), (148, 103, 189),
    (140, 86, 75), (227, 119, 194), (127, 127, 127), (188, 189, 34), (23, 190, 207),
]  # fmt: skip


def write_geojson(
    path: Path, cells: pd.DataFrame, mpp: float, classes: Sequence[str], *, annotations: bool = False
) -> None:
    """Write ``cells`` (the columns of ``orbicyte.review.cells``) of one slide; on an error the old file is kept.

    Compressed if ``path`` ends in ``.gz``. ``mpp``: µm per level-0 pixel; ``classes``: their order sets the colours;
    ``annotations``: as annotations, which can be edited in QuPath, instead of detections, of which it can show more.
    Raises ``OrbicyteError`` for a full disk.
    """
    kind = "annotation" if annotations else "detection"
    colours = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(classes)}
    lines = (json.dumps(feature, ensure_ascii=False) for feature in _features(cells, mpp, colours, kind))
    text = '{"type": "FeatureCollection", "features": [\n' + ",\n".join(lines) + "\n]}\n"
    content = text.encode()
    with replacing(path) as temporary:
        temporary.write_bytes(gzip.compress(content, 6, mtime=0) if path.suffix == ".gz" else content)


def _features(
    cells: pd.DataFrame, mpp: float, colours: Mapping[str, tuple[int, int, int]], kind: str
) -> Iterator[dict[str, Any]]:
    columns = ["id", "x_px", "y_px", "diameter_um", "score", "outline_px", "label"]
    for id_, x_px, y_px, diameter_um, score, outline_px, label in zip(*(cells[c] for c in columns), strict=True):
        ring = np.round(corners(outline_px, x_px, y_px, diameter_um / mpp), DECIMALS).tolist()
        properties: dict[str, Any] = {"objectType": kind}
        if label is not None:
            properties["classification"] = {"name": label, "color": colours.get(label, (128, 128, 128))}
        properties["measurements"] = {DIAMETER: round(float(diameter_um), 3)}
        if not np.isnan(score):
            properties["measurements"]["score"] = round(float(score), 4)
        geometry = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
        yield {"type": "Feature", "id": id_, "geometry": geometry, "properties": properties}


def read_geojson(
    path: Path, classes: Sequence[str] = (), label_property: str | None = None, encoding: str | None = None
) -> list[Shape]:
    """The cells in ``path``, in its order. Raises ``OrbicyteError`` with the file and the feature's number.

    ``classes``: the labels of the study, by which they are recognised in other properties than ``classification``;
    ``label_property``: the property that they are in; ``encoding``: see ``orbicyte.text.decode``.
    """
    features = list(_flat(_load(path, encoding), path))
    found = labels([feature["properties"] for feature in features], path, classes, label_property)
    numbered = enumerate(features, 1)
    return [shape for number, one in numbered for shape in _shapes(one, f"{path}, feature {number}", found)]


def _load(path: Path, encoding: str | None) -> list[Any]:
    try:
        data = json.loads(decode(_content(path), path, encoding))
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise OrbicyteError(f"{path} is truncated or damaged ({error}): export it again") from error
    except RecursionError as error:
        raise OrbicyteError(f"{path} is nested too deeply for GeoJSON from QuPath") from error
    except OSError as error:
        raise OrbicyteError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise OrbicyteError(f"{path} is not GeoJSON, or truncated ({error}): export it from QuPath again") from error
    if isinstance(data, dict) and data.get("type") == "FeatureCollection":
        data = data.get("features")
    features = [data] if isinstance(data, dict) and data.get("type") == "Feature" else data
    if not isinstance(features, list):
        raise OrbicyteError(f"{path} is JSON, but not GeoJSON: expected a FeatureCollection or Features")
    return features


def _content(path: Path) -> bytes:
    """The bytes of the file, decompressed if it is compressed; never more than ``MOST_BYTES``."""
    with opened(path, MOST_BYTES) as file:
        size = os.fstat(file.fileno()).st_size
        is_compressed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        if not is_compressed:
            most, content = MOST_BYTES, file.read(size)
        else:
            most = min(MOST_BYTES, max(LEAST_BYTES, MOST_RATIO * size))
            with gzip.GzipFile(fileobj=file) as unpacked:
                content = unpacked.read(most + 1)
    if len(content) > most:
        raise OrbicyteError(
            f"{path}: {size:,} bytes that become more than {most:,}: expected the cells of one slide; damaged, or "
            "too large: export fewer cells"
        )
    if content.count(b"[") + content.count(b"{") > max(LEAST_PARTS, len(content) // BYTES_PER_PART):
        raise OrbicyteError(f"{path} has more lists and objects than numbers: expected the cells of one slide; damaged")
    return content


def _flat(features: Sequence[Any], path: Path) -> Iterator[dict[str, Any]]:
    """The features and, each after its parent, the features that QuPath nests in them."""
    waiting = list(reversed(features))
    while waiting:
        feature = waiting.pop()
        if not isinstance(feature, dict) or feature.get("type") != "Feature":
            raise OrbicyteError(f"{path}: expected features, got {json.dumps(feature)[:60]}")
        properties = feature.get("properties")
        feature["properties"] = properties if isinstance(properties, dict) else {}
        yield feature
        children = feature["properties"].get("childObjects") or feature["properties"].get("children")
        if isinstance(children, list):
            waiting += reversed(children)


def _shapes(feature: Mapping[str, Any], where: str, found: Labels) -> Iterator[Shape]:
    """The cells of a feature: one for each polygon and point of its geometry.

    The largest polygon has the feature's id. Others, and points, have ids that are the same at every import.
    """
    properties, geometry = feature["properties"], feature.get("geometry")
    kind = properties.get("objectType") or properties.get("object_type") or properties.get("type") or feature.get("id")
    if kind in NO_CELLS:
        return
    if not isinstance(geometry, dict):
        _refuse(where, "has no geometry")
    id_, label, is_region = _id(feature.get("id")), _label(properties, where, found), kind not in CELLS
    places = _places(geometry, where, is_region)
    sizes_px = [place[2] or 0.0 for place in places]
    largest = sizes_px.index(max(sizes_px))
    for i, (x_px, y_px, diameter_px, outline_px) in enumerate(places):
        keeps_id = id_ is None or len(places) == 1 or (i == largest and outline_px is not None)
        own = id_ if keeps_id else str(uuid.uuid5(uuid.UUID(id_), str(i)))
        yield Shape(where, own, x_px, y_px, diameter_px, label, is_region, outline_px, len(places), max(sizes_px))


Place = tuple[float, float, float | None, tuple[float, ...] | None]


def _places(geometry: Mapping[str, Any], where: str, is_region: bool) -> list[Place]:
    """Centre, diameter and outline of every point, and of the outer ring of every polygon of a geometry.

    An annotation may have no area, such as a line that measures something: its diameter is 0.
    """
    parts = [geometry]
    if geometry.get("type") == "GeometryCollection":
        given = geometry.get("geometries")
        parts = given if isinstance(given, list) and all(isinstance(part, dict) for part in given) else []
    places: list[Place] = [place for part in parts for place in _places_of_part(part, where, is_region)]
    if not places and not is_region:
        _refuse(where, f"is a {geometry.get('type')} without a polygon or a point")
    if not is_region and all(place[2] == 0 for place in places):
        _refuse(where, "has an outline that encloses nothing")
    return places or [(0.0, 0.0, 0.0, None)]


def _places_of_part(geometry: Mapping[str, Any], where: str, is_region: bool) -> Iterator[Place]:
    kind, coordinates = geometry.get("type"), geometry.get("coordinates")
    if kind in ("Point", "MultiPoint"):
        for x_px, y_px in _points([coordinates] if kind == "Point" else coordinates, where).tolist():
            yield x_px, y_px, None, None
        return
    if is_region and kind in LINES:
        return
    if kind not in ("Polygon", "MultiPolygon"):
        _refuse(where, f"is a {kind}: expected Polygon, MultiPolygon, Point or MultiPoint")
    polygons = [coordinates] if kind == "Polygon" else coordinates
    if (
        not isinstance(polygons, list)
        or not polygons
        or not all(isinstance(rings, list) and rings for rings in polygons)
    ):
        _refuse(where, f"is a {kind} without a ring")
    for rings in polygons:
        outer = _ring(rings[0], where)
        yield *centroid_and_diameter(outer), tuple(outer.ravel().tolist())


def _ring(coordinates: Any, where: str) -> Points:
    points = _points(coordinates, where)
    if len(points) < 4:
        _refuse(where, f"has a ring of {len(points)} points: expected 4 or more, the last as the first")
    if not np.array_equal(points[0], points[-1]):
        _refuse(where, f"has a ring that does not close: it begins at {_at(points[0])} and ends at {_at(points[-1])}")
    return points[:-1]


def _points(coordinates: Any, where: str) -> Points:
    try:
        points = np.array([point[:2] for point in coordinates], np.float64)
    except (TypeError, ValueError, OverflowError):
        points = np.empty(0)
    if points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points).all():
        _refuse(where, "has coordinates that are not pairs of numbers")
    if (np.abs(points) > LARGEST_PX).any():
        _refuse(where, "has coordinates beyond any slide: they must be in pixels of the full resolution")
    return points


def _at(point: Points) -> str:
    return f"({point[0]:g}, {point[1]:g})"


def _id(given: Any) -> str | None:
    try:
        return str(uuid.UUID(given))
    except (ValueError, AttributeError, TypeError):
        return None


def _label(properties: Mapping[str, Any], where: str, found: Labels) -> str | None:
    try:
        return found.of(properties)
    except ValueError as error:
        return _refuse(where, str(error))


def _refuse(where: str, reason: str) -> NoReturn:
    raise OrbicyteError(f"{where} {reason}; nothing was imported")
