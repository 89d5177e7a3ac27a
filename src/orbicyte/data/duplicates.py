"""Patches that are the same pixel for pixel, and which of them stays."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from orbicyte.errors import OrbicyteError

OnConflict = Literal["error", "drop"]


@dataclass(frozen=True)
class Duplicates:
    """Files with the same pixels; ``kept`` is None where their labels contradict each other."""

    kept: str | None
    dropped: list[str]


def unique(
    digests: Sequence[bytes], files: Sequence[str], labels: Sequence[str | None], on_conflict: OnConflict
) -> tuple[list[int], list[Duplicates]]:
    """Indices that stay, sorted, and the groups of duplicates.

    Of one group the first labelled one stays, else the first. Raises ``OrbicyteError`` for a group with two labels
    unless ``on_conflict`` is ``drop``, which drops all of them.
    """
    members: dict[bytes, list[int]] = {}
    for index, digest in enumerate(digests):
        members.setdefault(digest, []).append(index)
    groups = [group for group in members.values() if len(group) > 1]
    contradictory = [group for group in groups if len({labels[at] for at in group} - {None}) > 1]
    if contradictory and on_conflict == "error":
        raise OrbicyteError(_contradiction(contradictory, files, labels))
    dropped: set[int] = set()
    told = []
    for group in groups:
        kept = None if group in contradictory else next((at for at in group if labels[at] is not None), group[0])
        losers = [at for at in group if at != kept]
        dropped.update(losers)
        told.append(Duplicates(None if kept is None else files[kept], [files[at] for at in losers]))
    return [index for index in range(len(digests)) if index not in dropped], told


def _contradiction(groups: list[list[int]], files: Sequence[str], labels: Sequence[str | None]) -> str:
    example = ", ".join(f"{files[at]} ({labels[at] or 'no label'})" for at in groups[0])
    more = f" and {len(groups) - 1} more such groups" if len(groups) > 1 else ""
    return (
        f"the same image carries different labels: {example}{more}; "
        "correct the labels, or drop all of these with --on-conflict drop"
    )
