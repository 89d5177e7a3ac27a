"""Drawn cells: the ten types of the paper's Fig. 2 from parameters with units, turned analytically; and drawn slides.

>>> rng = np.random.default_rng(0)
>>> drawing = draw(sample_cell("myelocyte", rng), size_px=128, turn_rad=np.pi / 3)
>>> image, cells, nuclei = field(sample_smear(0, 500, 500), 100, 100, size_px=512, mpp=0.25)
"""

from orbicyte.data.synthetic.cells import Cell, Dyes, Slide
from orbicyte.data.synthetic.recipes import TYPES
from orbicyte.data.synthetic.render import FIELD_UM, Drawing, draw
from orbicyte.data.synthetic.sampling import sample_cell, sample_slide
from orbicyte.data.synthetic.slide_file import draw_slide, draw_slides
from orbicyte.data.synthetic.smear import Smear
from orbicyte.data.synthetic.smear_render import field
from orbicyte.data.synthetic.smear_sampling import sample_smear
from orbicyte.data.synthetic.study import draw_study, sample_cells, to_image

__all__ = [
    "FIELD_UM",
    "TYPES",
    "Cell",
    "Drawing",
    "Dyes",
    "Slide",
    "Smear",
    "draw",
    "draw_slide",
    "draw_slides",
    "draw_study",
    "field",
    "sample_cell",
    "sample_cells",
    "sample_slide",
    "sample_smear",
    "to_image",
]
