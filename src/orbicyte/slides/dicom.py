"""Which files are one DICOM slide: those of a folder with the same series UID, usually one file for each level."""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

SUFFIXES = (".dcm", ".dicom")
WHOLE_SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"
IMPLICIT, DEFLATED, BIG_ENDIAN = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"
CLASS, SYNTAX, INSTANCE, SERIES = 0x00020002, 0x00020010, 0x00080018, 0x0020000E
DELIMITERS, ITEM, ITEM_END, SEQUENCE_END = 0xFFFE, 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
LONG = (b"OB", b"OW", b"OF", b"OD", b"OL", b"OV", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV")
"""Types of values whose length has four bytes."""
UNDEFINED = 0xFFFFFFFF
MOST_ELEMENTS, LONGEST_UID = 10_000, 64


@dataclass(frozen=True, order=True)
class Instance:
    """One file of a slide. ``series``: UID that all files of the slide have; ``instance``: UID of this file."""

    series: str
    instance: str


def may_be_dicom(name: str) -> bool:
    """Whether a file of this name may be DICOM: with its suffix, or named by a UID or a number, as archives do."""
    suffix = Path(name).suffix.lower()
    return suffix in SUFFIXES or not suffix or suffix[1:].isdigit()


def read_instance(path: Path) -> Instance | None:
    """The UIDs of a file of a whole-slide image; None for any other file. Raises ``OSError``."""
    with path.open("rb") as file:
        if file.read(132)[128:] != b"DICM":
            return None
        try:
            return _instance(file)
        except (struct.error, UnicodeDecodeError):
            return None


def files_of(path: Path) -> list[Path]:
    """All files of the slide that ``path`` is a file of, in the order of their UIDs; ``path`` alone if it is none.

    Raises ``OSError``.
    """
    own = read_instance(path)
    if own is None:
        return [path]
    found = {path: own}
    for file in path.parent.iterdir():
        if file.name != path.name and may_be_dicom(file.name) and file.is_file():
            instance = read_instance(file)
            if instance is not None and instance.series == own.series:
                found[file] = instance
    return sorted(found, key=lambda file: (found[file], file.name))


def _instance(file: BinaryIO) -> Instance | None:
    """The UIDs that follow; elements are sorted by tag, so the series comes long before any pixels."""
    found: dict[int, str] = {}
    depth = 0
    for _ in range(MOST_ELEMENTS):
        tag, length, is_sequence = _element(file, is_implicit=found.get(SYNTAX) == IMPLICIT)
        if tag >> 16 == DELIMITERS or (is_sequence and length == UNDEFINED):
            depth += {ITEM_END: -1, SEQUENCE_END: -1}.get(tag, int(length == UNDEFINED))
            if tag == ITEM and length != UNDEFINED:
                file.seek(length, 1)
        elif depth or tag not in (CLASS, SYNTAX, INSTANCE, SERIES):
            if length == UNDEFINED or (not depth and tag > SERIES):
                return None
            file.seek(length, 1)
        else:
            found[tag] = file.read(min(length, LONGEST_UID)).decode("ascii").strip("\0 ")
            if found.get(CLASS, WHOLE_SLIDE) != WHOLE_SLIDE or found.get(SYNTAX) in (DEFLATED, BIG_ENDIAN):
                return None
            if tag == SERIES:
                return Instance(found[SERIES], found.get(INSTANCE, "")) if CLASS in found else None
    return None


def _element(file: BinaryIO, *, is_implicit: bool) -> tuple[int, int, bool]:
    """Tag and length of the next element, and whether it is a sequence; the file is then at its value."""
    group, number, kind, short = struct.unpack("<HH2sH", head := file.read(8))
    tag = group << 16 | number
    if group == DELIMITERS or (is_implicit and group > 2):
        length = struct.unpack_from("<I", head, 4)[0]
        return tag, length, group != DELIMITERS and length == UNDEFINED
    if kind in LONG:
        return tag, struct.unpack("<I", file.read(4))[0], kind in (b"SQ", b"UN")
    return tag, short, False
