"""Files written completely or not at all, and JSON files with a format number."""

import errno
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

from orbicyte.errors import OrbicyteError

if TYPE_CHECKING:
    from pydantic import ValidationError


def check_format(path: Path, known: int) -> dict[str, Any]:
    """The JSON object in ``path``. Raises ``OrbicyteError`` if it is damaged or its format is newer than ``known``."""
    content = read_json(path)
    if not isinstance(content.get("format"), int):
        raise OrbicyteError(f"{path} has no format number: it was not written by orbicyte")
    check_version(path, content["format"], known)
    return content


def check_version(path: Path, version: int, known: int) -> None:
    """Raise ``OrbicyteError`` if ``version``, the format number of the file in ``path``, is newer than ``known``."""
    if version > known:
        raise OrbicyteError(f"{path} has format {version}, this orbicyte reads up to {known}: install a newer orbicyte")


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in ``path``. Raises ``OrbicyteError`` if it is not one."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise OrbicyteError(f"cannot read {path}: {error}") from error
    if not isinstance(content, dict):
        raise OrbicyteError(f"expected a JSON object in {path}, got {type(content).__name__}")
    return content


def damaged(path: Path, error: "ValidationError", advice: str = "") -> OrbicyteError:
    """The error of a record in ``path`` with wrong values: the first wrong field, then ``advice``, if any."""
    mistake = error.errors(include_url=False)[0]
    name = ".".join(map(str, mistake["loc"]))
    return OrbicyteError(f"{path} is damaged: {name}: {mistake['msg']}" + (f"; {advice}" if advice else ""))


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write ``content`` to ``path``, completely or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path next to ``path``, which it replaces when the block ends without an error.

    If the block raises, the temporary file or folder is removed and ``path`` is unchanged. A folder replaces another
    only where that is empty or absent. Raises ``OrbicyteError`` if it cannot be written.
    """
    if not path.name:
        raise _is_folder(path)
    temporary = path.with_name(f".{path.name}.writing")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        discard(temporary)
        yield temporary
        if temporary.is_file():
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        _clear(temporary)
        raise _cannot_write(path, error) from error
    except BaseException:
        _clear(temporary)
        raise


def check_writable(path: Path) -> None:
    """Raise ``OrbicyteError`` if a file cannot be written to ``path``: for use before long work.

    Its folder is made if there is none; nothing else is written.
    """
    if path.is_dir():
        raise _is_folder(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise _cannot_write(path, error) from error


def describe_error(error: OSError) -> str:
    """The reason for ``error`` in words, with advice if the disk is full."""
    reason = os.strerror(error.errno) if error.errno else str(error)
    return reason + ("; free some disk space and run again" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "")


def _is_folder(path: Path) -> OrbicyteError:
    return OrbicyteError(f"cannot write {path}: it is a folder; give the name of a file in it")


def _cannot_write(path: Path, error: OSError) -> OrbicyteError:
    return OrbicyteError(f"cannot write {path}: {describe_error(error)}")


def _clear(temporary: Path) -> None:
    """Remove ``temporary`` if possible: where writing fails, removing often fails too."""
    with suppress(OSError):
        discard(temporary)


def discard(path: Path) -> None:
    """Remove a file or folder, if it exists."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
