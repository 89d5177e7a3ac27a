"""The measures, one file each; the file's name is the measure's name.

A file defines ``measure(evidence: Evidence) -> Iterator[Score]``.
"""

NOT_PLUGINS = ("angles", "evidence")
"""Files of this package that are not measures, but are shared by them."""
