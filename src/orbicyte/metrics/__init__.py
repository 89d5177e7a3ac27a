"""The measures, one file each; the file's name is the measure's name.

A file defines ``measure(evidence: Evidence) -> Iterator[Score]``.
"""

NOT_PLUGINS = ("angles", "evidence")
"""Files of this package that are no measures: what measures have in common."""
