"""The measures, one file each; the file's name is the measure's name.

A file defines ``measure(evidence: Evidence) -> Iterator[Score]``.
"""
