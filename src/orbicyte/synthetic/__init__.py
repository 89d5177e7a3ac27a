"""Synthetic cells, of the ten types of the paper's Fig. 2, from parameters with units and rotated analytically; slides.

>>> rng = np.random.default_rng(0)
>>> drawing = draw(sample_cell("myelocyte", rng), size_px=128, rotation_rad=np.pi / 3)
>>> image, cells, nuclei = microscope_field(sample_smear(0, 500, 500), 100, 100, size_px=512, mpp=0.25)
"""

from orbicyte.synthetic.cells import Cell, Dyes, Slide
from orbicyte.synthetic.render import FIELD_UM, Drawing, draw
from orbicyte.synthetic.sampling import sample_cell, sample_slide
from orbicyte.synthetic.slide_file import draw_slide, draw_slides
from orbicyte.synthetic.smear import Smear
from orbicyte.synthetic.smear_render import microscope_field
from orbicyte.synthetic.smear_sampling import sample_smear
from orbicyte.synthetic.study import draw_study, sample_cells, to_image

__all__ = [
    "FIELD_UM",
    "Cell",
    "Drawing",
    "Dyes",
    "Slide",
    "Smear",
    "draw",
    "draw_slide",
    "draw_slides",
    "draw_study",
    "microscope_field",
    "sample_cell",
    "sample_cells",
    "sample_slide",
    "sample_smear",
    "to_image",
]
