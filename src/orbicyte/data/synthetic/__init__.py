"""Drawn cells: the ten types of the paper's Fig. 2 from parameters with units, turned analytically.

>>> rng = np.random.default_rng(0)
>>> drawing = draw(sample_cell("myelocyte", rng), size_px=128, turn_rad=np.pi / 3)
"""

from orbicyte.data.synthetic.cells import Cell, Dyes, Slide
from orbicyte.data.synthetic.recipes import TYPES
from orbicyte.data.synthetic.render import FIELD_UM, Drawing, draw
from orbicyte.data.synthetic.sampling import sample_cell, sample_slide
from orbicyte.data.synthetic.study import draw_study, sample_cells, to_image

__all__ = [
    "FIELD_UM",
    "TYPES",
    "Cell",
    "Drawing",
    "Dyes",
    "Slide",
    "draw",
    "draw_study",
    "sample_cell",
    "sample_cells",
    "sample_slide",
    "to_image",
]
