"""A slide's fingerprint: depends on the content, not on the name; fast even for a file of ten gigabytes."""

import hashlib
import os
from pathlib import Path

from orbicyte.slides.dicom import files_of, may_be_dicom

SEVERAL_FILES = (".mrxs", ".vms", ".vmu")
END_BYTES = 1 << 20
BLOCK_BYTES = 1 << 16
BLOCKS = 16


def fingerprint(path: Path) -> str:
    """SHA-256 of the size, the first and last MiB and 16 blocks in between, of every file the slide consists of.

    64 hexadecimal digits. It always changes with the length, header, directories or metadata; it may not change with a
    few pixels in the middle of a large file. Raises ``OSError``.
    """
    digest = hashlib.sha256()
    for file in slide_files(path):
        _add(digest, file)
    return digest.hexdigest()


def slide_files(path: Path) -> list[Path]:
    """The file itself and those it needs: the folder of an .mrxs, the images that a .vms or .vmu lists, DICOM's levels.

    Raises ``OSError``.
    """
    path = with_its_files(path)
    suffix = path.suffix.lower()
    if may_be_dicom(path.name):
        return files_of(path)
    if suffix == ".mrxs":
        return [path, *sorted(file for file in path.with_suffix("").glob("*") if file.is_file())]
    if suffix in (".vms", ".vmu"):
        words = path.read_text(encoding="latin-1").splitlines()
        named = [path.parent / Path(line.partition("=")[2].strip()).name for line in words if "=" in line]
        return [path, *sorted({file for file in named if file.is_file() and file != path})]
    return [path]


def with_its_files(path: Path) -> Path:
    """``path``; the target of a link for formats of several files, of which the link is only one."""
    return path.resolve() if path.suffix.lower() in SEVERAL_FILES and path.is_symlink() else path


def _add(digest: "hashlib._Hash", path: Path) -> None:
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        digest.update(f"{size}\n".encode())
        digest.update(file.read(END_BYTES))
        between = range(END_BYTES, max(END_BYTES, size - END_BYTES), max(BLOCK_BYTES, size // (BLOCKS + 1)))
        for offset in [*between, max(END_BYTES, size - END_BYTES)]:
            file.seek(offset)
            digest.update(file.read(BLOCK_BYTES if offset < size - END_BYTES else END_BYTES))
