"""A slide's fingerprint: depends on the content, not on the name; fast even for a file of ten gigabytes."""

import errno
import hashlib
import os
import stat
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
    require_regular(path)
    if may_be_dicom(path.name):
        return files_of(path)
    return [path, *sorted({file for file in _beside(path) if file.is_file() and file != path})]


def require_regular(path: Path) -> None:
    """Raise ``OSError`` if a file that OpenSlide opens is a pipe or a device: reading would wait, or never end."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "not a regular file")
    others = path.parent.iterdir() if may_be_dicom(path.name) else set(_beside(path))
    for file in others:
        if file.is_fifo() or file.is_char_device() or file.is_block_device():
            raise OSError(errno.EINVAL, f"{file.name}, which is opened with it, is a pipe or a device")


def _beside(path: Path) -> list[Path]:
    """The files that a slide consists of apart from ``path``, DICOM excluded: not all need to exist."""
    suffix = path.suffix.lower()
    if suffix == ".mrxs":
        return list(path.with_suffix("").glob("*"))
    if suffix in (".vms", ".vmu") and path.is_file():
        with path.open("rb") as file:
            lines = file.read(END_BYTES).decode("latin-1").splitlines()
        return [path.parent / Path(line.partition("=")[2].strip()).name for line in lines if "=" in line]
    return []


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
