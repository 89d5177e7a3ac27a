"""Patches with identical pixels, and which of them is kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from orbicyte.errors import OrbicyteError

OnConflict = Literal["error", "drop"]


@dataclass(frozen=True)
class Duplicates:
    """Files with the same pixels; ``kept`` is None if their labels contradict each other."""

    kept: str | None
    dropped: list[str]


def unique(
    digests: Sequence[bytes], files: Sequence[str], labels: Sequence[str | None], on_conflict: OnConflict
) -> tuple[list[int], list[Duplicates]]:
    """Sorted indices of the patches to keep, and the groups of duplicates.

    Of each group the first labelled patch is kept, else the first. Raises ``OrbicyteError`` for a group with two labels
    unless ``on_conflict`` is ``drop``, which drops the whole group.
    """
    members: dict[bytes, list[int]] = {}
    for index, digest in enumerate(digests):
        members.setdefault(digest, []).append(index)
    groups = [group for group in members.values() if len(group) > 1]
    contradictory = [group for group in groups if len({labels[at] for at in group} - {None}) > 1]
    if contradictory and on_conflict == "error":
        raise OrbicyteError(_contradiction(contradictory, files, labels))
    dropped: set[int] = set()
    found = []
    for group in groups:
        kept = None if group in contradictory else next((at for at in group if labels[at] is not None), group[0])
        others = [at for at in group if at != kept]
        dropped.update(others)
        found.append(Duplicates(None if kept is None else files[kept], [files[at] for at in others]))
    return [index for index in range(len(digests)) if index not in dropped], found


def _contradiction(groups: list[list[int]], files: Sequence[str], labels: Sequence[str | None]) -> str:
    example = ", ".join(f"{files[at]} ({labels[at] or 'no label'})" for at in groups[0])
    more = f" and {len(groups) - 1} more such groups" if len(groups) > 1 else ""
    return (
        f"the same image has different labels: {example}{more}; "
        "correct the labels, or drop all of these with --on-conflict drop"
    )
