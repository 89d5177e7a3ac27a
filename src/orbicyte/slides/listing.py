"""The list of slides in the files and folders that a user gives."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from orbicyte.data.images import is_system_folder
from orbicyte.errors import OrbicyteError
from orbicyte.study import is_study

SLIDES = (".svs", ".ndpi", ".mrxs", ".vms", ".vmu", ".scn", ".bif", ".svslide", ".tif", ".tiff")
IMAGES = (".png", ".jpg", ".jpeg", ".bmp")
MASKS = (".mask.tif", ".mask.tiff", ".mask.png")
"""Label images next to slides; synthetic slides have them."""


def list_slides(paths: Sequence[Path]) -> list[Path]:
    """The files in ``paths``, and all slides and images in its folders and their sub-folders; sorted, without repeats.

    In folders, these are skipped: hidden files, system folders such as ``@eaDir``, studies, label images (``MASKS``),
    and files that belong to an .mrxs or .vms. Raises ``OrbicyteError`` for a path that does not exist, cannot be listed
    or is not UTF-8, and for a folder without slides.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        for file in _slides_of(Path(path)):
            _check_name(file.resolve())
            found.setdefault(file.resolve(), file)
    return sorted(found.values())


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
    for parent, folders, files in os.walk(folder, onerror=_refuse):
        lower = {name.lower() for name in files}
        folders[:] = [name for name in folders if not _is_skipped(Path(parent, name), lower)]
        known = SLIDES if any(name.endswith((".vms", ".vmu")) for name in lower) else SLIDES + IMAGES
        for name in files:
            if name.lower().endswith(known) and not name.startswith(".") and not name.lower().endswith(MASKS):
                yield Path(parent, name)


def _is_skipped(folder: Path, files_next_to_it: set[str]) -> bool:
    system_or_study = is_system_folder(folder.name) or is_study(folder)
    return system_or_study or f"{folder.name.lower()}.mrxs" in files_next_to_it


def _refuse(error: OSError) -> None:
    raise OrbicyteError(f"cannot list the folder {error.filename}: {error.strerror}") from error
