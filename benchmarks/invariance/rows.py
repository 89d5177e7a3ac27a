"""The rows of the table, by name."""

from collections.abc import Callable, Mapping
from functools import partial

from benchmarks.invariance.budgets import Workplace
from benchmarks.invariance.ceiling import ceiling
from benchmarks.invariance.controls import border, eight_rotations, imagenet
from benchmarks.invariance.result import Result
from benchmarks.invariance.trained import Trained

Row = Callable[[Workplace, int], Result]
"""Measures a row with one seed."""

ROTATED_VIEWS = Trained("baseline-rotated-views", "baseline", ("network.rotated_views=true",))
WEAK = ("augmentation.stain=0.1", "augmentation.scale=0.1", "augmentation.shift=0.03")
TRAINED = (
    Trained("baseline", "baseline"),
    ROTATED_VIEWS,
    Trained("inv_hnet", "inv_hnet"),
    Trained("pooled_cnn", "pooled_cnn"),
    Trained("framed_hnet", "framed_hnet"),
    Trained("framed_hnet-64-latents", "framed_hnet", ("network.latent_size=64",)),
    Trained("baseline-64-latents", "baseline", ("network.latent_size=64",)),
    Trained("framed_hnet-ring-means", "framed_hnet", ("network.detail_map_px=0",)),
    Trained("framed_hnet-no-contrast", "framed_hnet", ("loss.contrast_weight=0",)),
    Trained("framed_hnet-contrast-300", "framed_hnet", ("loss.contrast_weight=300",)),
    Trained("framed_hnet-variance", "framed_hnet", ("loss.contrast_kind=variance",)),
    Trained("framed_hnet-batch-32", "framed_hnet", ("training.batch_size=32",)),
    Trained("framed_hnet-batch-128", "framed_hnet", ("training.batch_size=128",)),
    Trained("framed_hnet-one-ring", "framed_hnet", ("network.read_out_rings=1",)),
    Trained("framed_hnet-weak-views", "framed_hnet", WEAK),
    Trained("framed_hnet-coarse-maps", "framed_hnet", ("network.framed_widths=16,24,48,96",)),
    Trained("framed_hnet-one-rotation", "framed_hnet", ("network.framed_rotations=1",)),
)
ROWS: Mapping[str, Row] = {
    **{row.name: row.measure for row in TRAINED},
    "baseline-eight-rotations": partial(eight_rotations, ROTATED_VIEWS),
    "imagenet": imagenet,
    "border": border,
    "ceiling": ceiling,
}
