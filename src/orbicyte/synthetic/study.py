"""A folder of synthetic cells in the form of a user's data: images, labels of some of them, and the truth of all."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from orbicyte.cell_types import TYPES
from orbicyte.synthetic.cells import Cell
from orbicyte.synthetic.render import FIELD_UM, Drawing, draw
from orbicyte.synthetic.sampling import sample_cell, sample_slide

PARTS = {"labelled": "L", "unlabelled": "U"}
SHARES = (0.08, 0.09, 0.09, 0.11, 0.13, 0.10, 0.08, 0.11, 0.10, 0.11)
"""How common each of ``TYPES`` is."""
GOLDEN = (5**0.5 - 1) / 2


def sample_cells(count: int, seed: int, part: str = "labelled", slides: int = 8) -> Iterator[Cell]:
    """Cells in the proportions of a study, on random slides of its labelled or unlabelled part.

    No slide is in both parts; each cell depends only on its number, the seed and the part. Raises ``ValueError`` for
    another part.
    """
    if part not in PARTS:
        raise ValueError(f"expected a part among {', '.join(PARTS)}, got {part!r}")
    key = (seed, list(PARTS).index(part))
    stock = [sample_slide(np.random.default_rng((*key, 0, i)), f"{PARTS[part]}{i + 1}") for i in range(slides)]
    for i in range(count):
        rng = np.random.default_rng((*key, 1, i))
        # Multiples of the golden ratio fill the unit interval evenly: few cells already hold every type.
        kind = np.searchsorted(np.cumsum(SHARES)[:-1], (i * GOLDEN) % 1, side="right")
        yield sample_cell(TYPES[kind], rng, stock[rng.integers(slides)])


def draw_study(
    folder: Path | str, labelled: int = 500, unlabelled: int = 1000, seed: int = 0, size_px: int = 128, slides: int = 8
) -> pd.DataFrame:
    """Write PNG images of synthetic cells, ``labels.csv`` and ``truth.parquet`` to a folder, and return the truth.

    ``labels.csv`` contains file, label (empty for unlabelled cells), slide and mpp; ``truth.parquet`` file, label,
    slide, mpp, angle_rad and labelled, with every label. ``slides``: number of slides in each part; none is in both.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for part, count in (("labelled", labelled), ("unlabelled", unlabelled)):
        for i, cell in enumerate(sample_cells(count, seed, part, slides)):
            drawing = draw(cell, size_px)
            name = f"{part}_{i:05d}.png"
            _write(folder / name, partial(to_image(drawing).save, format="PNG", compress_level=1))
            truth = (cell.cell_type, cell.slide.name, FIELD_UM / size_px, drawing.angle_rad, part == "labelled")
            rows.append((name, *truth))
    table = pd.DataFrame(rows, columns=["file", "label", "slide", "mpp", "angle_rad", "labelled"])
    labels = table.assign(label=table["label"].where(table["labelled"]))[["file", "label", "slide", "mpp"]]
    _write(folder / "labels.csv", lambda path: labels.to_csv(path, index=False))
    _write(folder / "truth.parquet", lambda path: table.to_parquet(path, index=False))
    return table


def to_image(drawing: Drawing) -> Image.Image:
    """The drawing's ``image`` (S, S, 3), 0 to 1, as an RGB image of S x S pixels, 8 bits per channel."""
    return Image.fromarray(np.rint(drawing.image * 255).astype(np.uint8))


def _write(path: Path, save: Callable[[Path], object]) -> None:
    unfinished = path.with_name(path.name + ".part")
    save(unfinished)
    unfinished.replace(path)
