"""The list of slides in the files and folders that a user gives."""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from orbicyte.data.images import is_system_folder
from orbicyte.errors import OrbicyteError
from orbicyte.slides.dicom import SUFFIXES as DICOM
from orbicyte.slides.dicom import may_be_dicom, read_instance
from orbicyte.study import is_study

SLIDES = (".svs", ".ndpi", ".mrxs", ".vms", ".vmu", ".scn", ".bif", ".svslide", ".tif", ".tiff", *DICOM)
IMAGES = (".png", ".jpg", ".jpeg", ".bmp")
MASKS = (".mask.tif", ".mask.tiff", ".mask.png")
"""Label images next to slides; synthetic slides have them."""


def list_slides(paths: Sequence[Path]) -> list[Path]:
    """The files in ``paths``, and all slides and images in its folders and their sub-folders; sorted, without repeats.

    Links to files and folders are followed; paths are those of the links. A DICOM slide of several files is listed
    once. In folders, these are skipped: hidden files, system folders such as ``@eaDir``, studies, label images
    (``MASKS``), and files that belong to an .mrxs or .vms. Raises ``OrbicyteError`` for a path that does not exist,
    cannot be listed or is not UTF-8, and for a folder without slides.
    """
    found: dict[Path | tuple[Path, str], Path] = {}
    for path in paths:
        for file in _slides_of(Path(path)):
            _check_name(file.absolute())
            found.setdefault(_identity(file), file)
    return sorted(found.values())


def absolute(path: Path) -> Path:
    """``path`` from the root of the file system, with links as they are and without ``..``."""
    return path.resolve() if ".." in path.parts else path.absolute()


def _identity(path: Path) -> Path | tuple[Path, str]:
    """Equal for paths of the same file, and for files of the same DICOM slide."""
    real = path.resolve()
    with suppress(OSError):
        instance = read_instance(real) if real.is_file() and may_be_dicom(path.name) else None
        if instance is not None:
            return path.parent.resolve(), instance.series
    return real


def _check_name(path: Path) -> None:
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise OrbicyteError(f"{os.fsencode(path)!r} is not a path in UTF-8: rename the file or its folder") from error


def _slides_of(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise OrbicyteError(f"{path} does not exist: give slides, or folders of slides")
    files = list(_walk(path))
    if not files:
        raise OrbicyteError(f"{path} has no slides: looked for {', '.join(SLIDES + IMAGES)}")
    return files


def _walk(folder: Path) -> Iterator[Path]:
    seen = {_place(folder)}
    for parent, folders, files in os.walk(folder, onerror=_refuse, followlinks=True):
        lower = {name.lower() for name in files}
        folders[:] = [name for name in sorted(folders) if not _is_skipped(Path(parent, name), lower, seen)]
        known = SLIDES if any(name.endswith((".vms", ".vmu")) for name in lower) else SLIDES + IMAGES
        for name in sorted(files):
            if not name.startswith(".") and not name.lower().endswith(MASKS) and _is_slide(Path(parent, name), known):
                yield Path(parent, name)


def _is_slide(path: Path, known: Sequence[str]) -> bool:
    if path.name.lower().endswith(tuple(known)):
        return True
    with suppress(OSError):
        return path.is_file() and may_be_dicom(path.name) and read_instance(path) is not None
    return False


def _is_skipped(folder: Path, files_next_to_it: set[str], seen: set[tuple[int, int]]) -> bool:
    """Whether it is a system folder, a study, part of an .mrxs, or was reached before, in another way or by a link."""
    system_or_study = is_system_folder(folder.name) or is_study(folder)
    if system_or_study or f"{folder.name.lower()}.mrxs" in files_next_to_it or _place(folder) in seen:
        return True
    seen.add(_place(folder))
    return False


def _place(folder: Path) -> tuple[int, int]:
    try:
        status = folder.stat()
    except OSError as error:
        _refuse(error)
    return status.st_dev, status.st_ino


def _refuse(error: OSError) -> NoReturn:
    raise OrbicyteError(f"cannot list the folder {error.filename}: {error.strerror}") from error
