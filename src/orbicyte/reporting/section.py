"""The parts of the page: sections with text, figures and tables."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from matplotlib.figure import Figure

from orbicyte.reporting.figures import pdf, png, svg


@dataclass(frozen=True)
class Illustration:
    """A figure: ``name``: its file name without ending; ``caption``: how to read it, and which values are good."""

    name: str
    title: str
    caption: str
    svg: str
    pdf: bytes = field(default=b"", repr=False)
    png: bytes = field(default=b"", repr=False)

    @classmethod
    def of(cls, name: str, title: str, caption: str, figure: Figure) -> "Illustration":
        """``figure`` as SVG, PDF and PNG."""
        vector = svg(figure)
        figure.set_layout_engine(None)  # laid out by now; again takes most of the time
        return cls(name, title, caption, vector, pdf(figure), png(figure))

    @property
    def source(self) -> str:
        """The SVG as a data URL, so that the identifiers of two figures on the page cannot clash."""
        return "data:image/svg+xml;charset=utf-8," + quote(self.svg, safe=" ;:/=+,.?!@&()*-_~'")


@dataclass(frozen=True)
class Table:
    """A table; the first column holds the headings of the rows."""

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Section:
    """A part of the page. ``more`` and ``more_tables`` are collapsed under ``more_title``."""

    name: str
    title: str
    lead: str
    figures: Sequence[Illustration] = ()
    tables: Sequence[Table] = ()
    more_title: str = "More"
    more: Sequence[Illustration] = ()
    more_tables: Sequence[Table] = field(default=())
