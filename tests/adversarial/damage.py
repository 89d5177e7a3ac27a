"""Ways to damage a file, each from a seed: what disks, interrupted copies, editors and strangers do to it."""

import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Damage = Callable[[Path, random.Random], None]
DEEP = 10**5
STRANGE: tuple[Any, ...] = (None, "x", "", -1, 0, 1.5, 10**30, float("nan"), float("inf"), True, [], {}, [None], "\0")
"""Values in place of another one."""


def emptied(path: Path, _: random.Random) -> None:
    path.write_bytes(b"")


def truncated(path: Path, chance: random.Random) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: chance.randrange(len(content))])


def flipped(path: Path, chance: random.Random) -> None:
    content = bytearray(path.read_bytes())
    for _ in range(chance.choice((1, 1, 3, 30))):
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    path.write_bytes(content)


def zeroed(path: Path, chance: random.Random) -> None:
    content = bytearray(path.read_bytes())
    start = chance.randrange(len(content))
    length = min(chance.choice((4, 64, 4096)), len(content) - start)
    content[start : start + length] = bytes(length)
    path.write_bytes(content)


def lengthened(path: Path, chance: random.Random) -> None:
    path.write_bytes(path.read_bytes() + chance.randbytes(chance.choice((1, 100))))


def swapped(path: Path, chance: random.Random) -> None:
    """Two halves in the wrong order."""
    content = path.read_bytes()
    middle = chance.randrange(1, len(content))
    path.write_bytes(content[middle:] + content[:middle])


def nested(path: Path, _: random.Random) -> None:
    path.write_bytes(b'{"format": 1, "x": ' + b"[" * DEEP + b"]" * DEEP + b"}")


def list_of(path: Path, _: random.Random) -> None:
    path.write_bytes(b"[1, 2]")


def no_text(path: Path, _: random.Random) -> None:
    path.write_bytes(b'{"format": 1, "id": "\\ud800", "x": "\xff"}')


def folder(path: Path, _: random.Random) -> None:
    path.unlink()
    path.mkdir()


def pipe(path: Path, _: random.Random) -> None:
    path.unlink()
    os.mkfifo(path)


def endless(path: Path, _: random.Random) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


RANDOM: tuple[Damage, ...] = (truncated, flipped, zeroed, lengthened, swapped)
FIXED: tuple[Damage, ...] = (emptied, nested, list_of, no_text, folder, pipe, endless)


def tries(seeds: int) -> Iterator[tuple[Damage, int]]:
    """Every damage, the random ones with several seeds."""
    yield from ((damage, 0) for damage in FIXED)
    yield from ((damage, seed) for damage in RANDOM for seed in range(seeds))


def leaves(content: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The places of all values in JSON."""
    items: Any = content.items() if isinstance(content, dict) else enumerate(content)
    for name, value in items:
        yield (*at, name)
        if isinstance(value, dict | list) and len(at) < 2:
            yield from leaves(value, (*at, name))


def edited(content: Any, at: tuple[Any, ...], value: Any) -> Any:
    """A copy of ``content`` with another value at a place; without it for ``...``."""
    copy = json.loads(json.dumps(content))
    inner = copy
    for name in at[:-1]:
        inner = inner[name]
    if value is ...:
        del inner[at[-1]]
    else:
        inner[at[-1]] = value
    return copy


def restore(path: Path, content: bytes) -> None:
    """The undamaged file again."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    path.write_bytes(content)
