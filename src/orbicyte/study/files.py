"""Files written completely or not at all, and JSON files with a format number and a digest of themselves."""

import errno
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from orbicyte.errors import OrbicyteError
from orbicyte.study.reading import RECORD_BYTES, parse_json, read_bytes, sha256

DIGEST = "sha256"
"""The entry of a JSON file with the digest of all others: a changed file is not taken for the one that was written."""
RESTORE = "restore it from a copy"

T = TypeVar("T")


def check_format(path: Path, known: int, advice: str = RESTORE, at_most: int = RECORD_BYTES) -> dict[str, Any]:
    """The JSON object in ``path``, without its digest.

    Raises ``OrbicyteError`` if it is damaged, with ``advice``, has more than ``at_most`` bytes, or is of a format newer
    than ``known``.
    """
    content = _object(path, advice, at_most)
    version = content.get("format")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise OrbicyteError(f"{path} has no format number: it was not written by orbicyte")
    check_version(path, version, known)
    return _undamaged(content, path, advice)


def check_version(path: Path, version: int, known: int) -> None:
    """Raise ``OrbicyteError`` if ``version``, the format number of the file in ``path``, is newer than ``known``."""
    if version > known:
        raise OrbicyteError(f"{path} has format {version}, this orbicyte reads up to {known}: install a newer orbicyte")


def read_json(path: Path, advice: str = RESTORE) -> dict[str, Any]:
    """The JSON object in ``path``, for files without a format number. Raises as ``check_format``."""
    return _undamaged(_object(path, advice, RECORD_BYTES), path, advice)


def read_checked(path: Path, known: int, kind: TypeAdapter[T], advice: str = RESTORE, at_most: int = RECORD_BYTES) -> T:
    """The record in ``path``, of a format up to ``known``. Raises as ``check_format``, and for wrong values."""
    return validated(kind, check_format(path, known, advice, at_most), path, advice)


def validated(kind: TypeAdapter[T], content: Any, path: Path, advice: str = RESTORE) -> T:
    """``content`` of the file ``path`` as a record of this ``kind``. Raises ``OrbicyteError`` with ``advice``."""
    try:
        return kind.validate_python(content)
    except ValidationError as error:
        mistake = error.errors(include_url=False)[0]
        name = ".".join(map(str, mistake["loc"])) or "content"
        raise OrbicyteError(f"{path} is damaged: {name}: {mistake['msg']}; {advice}") from None


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write ``content`` to ``path``, completely or not at all, with a digest of itself (``DIGEST``)."""
    with replacing(path) as temporary:
        signed = {**content, DIGEST: _digest(content)}
        text = json.dumps(signed, indent=2, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def _object(path: Path, advice: str, at_most: int) -> dict[str, Any]:
    raw = read_bytes(path, at_most)
    try:
        content = parse_json(raw, path)
    except OrbicyteError as error:
        raise OrbicyteError(f"{error}; {advice}") from None
    if not isinstance(content, dict):
        raise OrbicyteError(f"expected a JSON object in {path}, got {type(content).__name__}; {advice}")
    return content


def _undamaged(content: dict[str, Any], path: Path, advice: str) -> dict[str, Any]:
    """``content`` without its digest; files of older releases have none."""
    rest = {name: value for name, value in content.items() if name != DIGEST}
    if DIGEST in content and content[DIGEST] != _digest(rest):
        raise OrbicyteError(
            f"{path} is damaged: it does not match its own digest; {advice}; if you edited it yourself, remove its "
            f'entry "{DIGEST}"'
        )
    return rest


def _digest(content: dict[str, Any]) -> str:
    return sha256(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass"))


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path next to ``path``, which it replaces when the block ends without an error.

    If the block raises, the temporary file or folder is removed and ``path`` is unchanged. A folder replaces another
    only where that is empty or absent. Raises ``OrbicyteError`` if it cannot be written.
    """
    if not path.name:
        raise _is_folder(path)
    temporary = temporary_of(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        discard(temporary)
        yield temporary
        _sync(temporary)
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        _clear(temporary)
        raise _cannot_write(path, error) from error
    except BaseException:
        _clear(temporary)
        raise


def check_writable(path: Path, ending: str = "") -> None:
    """Raise ``OrbicyteError`` if a file cannot be written to ``path``, or its name has another ``ending``.

    For use before long work. Its folder is made if there is none; nothing else is written.
    """
    if path.is_dir():
        raise _is_folder(path)
    if not path.name.lower().endswith(ending):
        raise OrbicyteError(f"cannot write {path}: expected a name that ends in {ending}, such as {path.stem}{ending}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise _cannot_write(path, error) from error


def temporary_of(path: Path) -> Path:
    """Where ``replacing`` writes; remains of a killed process are overwritten by the next one."""
    return path.with_name(f".{path.name}.writing")


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


def _sync(path: Path) -> None:
    """Wait until a file, or a folder with all that is in it, is on the disk."""
    if path.is_dir():
        for entry in path.iterdir():
            _sync(entry)
        sync_folder(path)
    elif path.is_file():
        with path.open("rb") as file:
            os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Wait until the names of the files in a folder are on the disk, where the system can do that."""
    with suppress(OSError):
        number = os.open(path, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def discard(path: Path) -> None:
    """Remove a file or folder, if it exists."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
