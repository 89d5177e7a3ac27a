"""Text from outside: the one way in which names, labels and tables of other programs are decoded and compared."""

import codecs
import re
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

from orbicyte.errors import OrbicyteError
from orbicyte.progress import print_line, warn

MISSING = frozenset(
    {"", "na", "n/a", "n.a.", "#n/a", "<na>", "nan", "nat", "none", "null", "nil", "undefined", "(null)", "(none)"}
    | {"n.a", "#nv", "#n/d", "(blank)", "#null!", "\\n", "-", "--", "–", "—", "?"}
)
"""Words for a missing value, in lower case, that R, pandas, spreadsheets (also German and French ones) and databases
write."""
INVISIBLE = dict.fromkeys(map(ord, "\u200b\u2060\ufeff\u00ad"))
FALLBACK = "cp1252"
WESTERN = re.compile(r"[\x00-\x7fÀ-ÖØ-öø-ÿµ°²³±·\u00a0–’‘“”„…€]*")
"""Characters that are likely in a table of cp1252; other encodings read as cp1252 also give others."""
GARBLED = re.compile(r"[ÂÃ][^\x00-\x7f]|[À-ÖØ-öø-ÿ]{3}|[²³±][^\W\d_]")
"""UTF-8 read as cp1252; runs of accented letters (Cyrillic, Chinese read as cp1252); signs in words (Polish)."""


def clean(text: str) -> str:
    """The text in Unicode's form NFC, without invisible characters, with single spaces and none at its ends."""
    return " ".join(unicodedata.normalize("NFC", text).translate(INVISIBLE).split())


def given(text: str | None) -> str | None:
    """``clean(text)``; None for a word that stands for a missing value (``MISSING``, in any case)."""
    found = clean(text or "")
    return None if unicodedata.normalize("NFKC", found).casefold() in MISSING else found


def comparable(text: str) -> str:
    """The same for texts that differ only in case, form, hyphens and underscores, or as ``1`` and ``1.0``."""
    plain = unicodedata.normalize("NFKC", clean(text)).casefold()
    number = re.fullmatch(r"0*(\d+)([.,]0+)?", plain)
    return number[1] if number else " ".join(re.sub("[-_]", " ", plain).split())


def file_name(text: str) -> str:
    """A file's name or path in the form NFC; file systems and spreadsheets encode accented letters differently."""
    return unicodedata.normalize("NFC", text.strip())


def natural(name: str) -> tuple[list[str | int], str]:
    """A key to sort names by, in which the numbers in them count as numbers: D2 is before D10."""
    parts = re.split(r"(\d+)", name.casefold())
    return [int(part) if part.isdecimal() else part for part in parts], name


def warn_of_similar(names: Iterable[str], what: str) -> None:
    """A warning for each group of ``names`` that differ only in case or form; ``what`` they are, in the plural."""
    groups: dict[str, list[str]] = {}
    for name in sorted(set(names)):
        groups.setdefault(comparable(name), []).append(name)
    for group in groups.values():
        if len(group) > 1:
            some = ", ".join(map(repr, group))
            warn(f"{some} are different {what}, although they differ only in case or form: if not, correct them")


def decode(raw: bytes, path: Path, encoding: str | None = None) -> str:
    """The text in ``raw``, the content of ``path``: in ``encoding``, or in UTF-8 or UTF-16, else cp1252, if likely.

    It is printed if cp1252 is used. Raises ``OrbicyteError`` if it is not likely, for content that is not text, and
    for an encoding that is unknown or another.
    """
    if encoding is not None:
        return _decoded(raw, encoding, path)
    marked = _marked(raw)
    try:
        return _text(raw.decode(marked or "utf-8"), path)
    except UnicodeDecodeError:
        if marked is not None:
            raise OrbicyteError(f"{path} is not text, or truncated: save it in UTF-8") from None
    text = _text(raw.decode(FALLBACK, "replace"), path)
    foreign = next((word for word in text.split() if not word.isascii()), "")[:40]
    if not WESTERN.fullmatch(text) or GARBLED.search(text):
        raise OrbicyteError(
            f"{path} is not in UTF-8, and probably not in {FALLBACK}, which would give {foreign!r}: save it in UTF-8, "
            "or give its encoding with --encoding NAME, for example mac_roman, cp1250 or gb18030"
        )
    print_line(f"{path} is not in UTF-8: read as {FALLBACK}, for example {foreign!r} (another: --encoding NAME)")
    return text


def _decoded(raw: bytes, encoding: str, path: Path) -> str:
    try:
        return raw.decode(encoding).removeprefix("\ufeff")
    except LookupError:
        raise OrbicyteError(f"--encoding {encoding!r} is unknown: expected utf-8, cp1252, mac_roman, ...") from None
    except ValueError as error:
        raise OrbicyteError(f"{path} is not in {encoding} ({error}): give another --encoding") from None


def _marked(raw: bytes) -> str | None:
    """The encoding that the first bytes show, or None."""
    if raw.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if raw.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if raw[1:2] == b"\0":
        return "utf-16-le"
    return "utf-16-be" if raw[:1] == b"\0" else None


def _text(text: str, path: Path) -> str:
    if "\0" in text:
        raise OrbicyteError(f"{path} is not text: save it in UTF-8")
    return text


def number_of(count: int, noun: str) -> str:
    """``1 cell``, ``1,013 cells``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def examples_of(texts: Sequence[str], separator: str = ", ", most: int = 3) -> str:
    """The first ones, and ``...`` if there are more: ``a, b, c, ...``"""
    return separator.join([*texts[:most], *(["..."] if len(texts) > most else [])])
