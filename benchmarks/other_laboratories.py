"""The shipped network on cells of other laboratories: with its classifier, re-standardised, and with own labels.

    python benchmarks/other_laboratories.py DATA [--network RUN] [--laboratories 3]

DATA (or ORBICYTE_DATA) holds pbc and smear_fields. A classifier is fitted on 1,600 labelled cells of pbc and tested on
800 others, with the stain and the light of another laboratory: one random change of all 800 cells (the stain model of
``orbicyte.data.augmentation``; a strength is its ``stain``, and four times its ``light``). Labels of that laboratory
are of the 1,600 cells with the same change. Then the white cells of ``smear_fields``, whose types are not known, are
classified with the shipped classifier. Prints Markdown tables.
"""

import argparse
import os
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.metrics import f1_score

from orbicyte.arrays import Doubles, Flags, Floats, Pixels, Rows, Strings
from orbicyte.classification.classifier import (
    LIMIT_QUANTILE,
    RESTANDARDISED_FROM,
    Classifier,
    fit_classifier,
    load_classifier,
)
from orbicyte.classification.labelled import LabelledCells
from orbicyte.classification.prediction import Represented, represented
from orbicyte.classification.probes import fitted, mlp_probe
from orbicyte.classification.stains import restained
from orbicyte.data.augmentation import Augmentation
from orbicyte.data.images import read_patch
from orbicyte.detection.real_fields import Boxed, read_boxed, read_scales
from orbicyte.embedding import Embedder, in_chunks, load
from orbicyte.settings import AugmentationSettings
from orbicyte.study.runs import PRETRAINED

FIT, TEST, COPIES = 1600, 800, 1
STRENGTHS = (0.0, 0.1, 0.2, 0.4)
LABELS = (3, 5, 10, 20, 50)
"""Labelled cells of each type of the other laboratory."""
FEW_TYPES = ("erythroblast", "lymphocyte", "monocyte")
"""The types of a test set with another mixture."""
SAMPLES = (25, 50, 100, 200, 400)
"""Cells from which mean and standard deviation are taken."""
SCALES = Path(__file__).parent.parent / "scripts" / "smear_fields_mpp.csv"
VIEW_UM = 256 * 0.095
"""Side of the training patches: 256 px of microscope fields of 360 x 363 px, whose µm per pixel ``SCALES`` has."""
CHUNK = 200


@dataclass(frozen=True)
class Cells:
    """Labelled patches, and the colour of their background (3,), 0 to 1."""

    images: Pixels
    types: Strings
    background: torch.Tensor


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", type=Path, default=os.environ.get("ORBICYTE_DATA"))
    parser.add_argument("--network", default=PRETRAINED, help="a run folder with a classifier")
    parser.add_argument("--laboratories", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    if args.data is None:
        parser.error("give DATA, or set ORBICYTE_DATA")
    torch.set_num_threads(args.threads)
    embedder = load(args.network, device="cpu")
    print("\n".join(stained_tables(Path(args.data), embedder, args.laboratories)))
    print()
    print("\n".join(smear_table(Path(args.data), embedder)))


def stained_tables(data: Path, embedder: Embedder, laboratories: int) -> Iterator[str]:
    """The lines of the tables of synthetic stains."""
    fit, test = pbc_cells(data, embedder)
    known = represented(chunks(fit.images), embedder)
    fills = embedder.view.fill_rgb
    copies = [represented(restained(chunks(fit.images), fills, seed), embedder) for seed in range(COPIES)]
    limits = [known.variance_unexplained, *(copy.variance_unexplained for copy in copies)]
    types = labelled(fit.types)
    classifier = fit_classifier(known.x, types, limits[0], folds=3, seed=0)
    with_copies = fit_classifier(known.x, types, np.concatenate(limits), 3, 0, [copy.x for copy in copies])
    rows = []
    for strength in STRENGTHS:
        for number in range(laboratories if strength else 1):
            own = represented(chunks(stained(test, strength, number)), embedder)
            others = embedder.embed_stored(stained(fit, strength, number)).mean
            stain_copies = {
                "with stain copies": f1(with_copies, own.x, test.types),
                "OOD with stain copies": out_of_distribution(with_copies, own.x, own),
            }
            found = shipped_scores(classifier, own, test.types) | own_scores(others, fit.types, own.x, test.types)
            rows.append({"strength": strength} | stain_copies | found)
    table = pd.DataFrame(rows)
    yield f"Macro F1 on {TEST} cells, mean ± standard deviation over {laboratories} synthetic laboratories:"
    yield ""
    yield from markdown(table)
    yield ""
    yield (
        f"*{len(FEW_TYPES)} types*: a test set of another mixture, only the cells of {', '.join(FEW_TYPES)} among the "
        f"{TEST}; *OOD*: share of the cells that is out of distribution; *n labels*: a classifier fitted on n cells of "
        "each type of that laboratory, mean of three samples; *from n*: re-standardised with mean and standard "
        f"deviation of n of the cells; *with stain copies*: the classifier is also fitted on {COPIES} copy of each "
        "cell with another stain, as the shipped one is."
    )


def shipped_scores(classifier: Classifier, cells: Represented, types: Strings) -> dict[str, float]:
    """Scores of the classifier, fitted elsewhere, without and with re-standardisation."""
    is_few = np.isin(types, FEW_TYPES)
    moved = classifier.restandardised(cells.x)
    found = {
        "as is": f1(classifier, cells.x, types),
        "re-standardised": f1(classifier, moved, types),
        "OOD as is": out_of_distribution(classifier, cells.x, cells),
        "OOD re-standardised": out_of_distribution(classifier, moved, cells),
        f"{len(FEW_TYPES)} types, as is": f1(classifier, cells.x[is_few], types[is_few]),
        f"{len(FEW_TYPES)} types, re-standardised": f1(
            classifier, restandardised(classifier, cells.x[is_few], cells.x[is_few]), types[is_few]
        ),
    }
    for count in SAMPLES:
        some = (np.random.default_rng(seed).permutation(len(types))[:count] for seed in range(3))
        found[f"from {count}"] = statistics.mean(
            f1(classifier, restandardised(classifier, cells.x, cells.x[rows]), types) for rows in some
        )
    return found


def own_scores(x: Floats, types: Strings, test_x: Floats, test_types: Strings) -> dict[str, float]:
    """Macro F1 on the test cells of classifiers that are fitted on few labelled cells of each type."""
    found = {}
    for count in LABELS:
        scores = []
        for seed in range(3):
            order = np.random.default_rng(seed).permutation(len(types))
            rows = np.concatenate([order[types[order] == name][:count] for name in np.unique(types)])
            probe = fitted(mlp_probe, x[rows], labelled(types[rows]), seed)
            scores.append(float(f1_score(test_types, probe.predict(test_x), average="macro")))
        found[f"{count} labels"] = statistics.mean(scores)
    return found


def smear_table(data: Path, embedder: Embedder) -> Iterator[str]:
    """The lines of the table of white cells of other laboratories, by the size of their microscope fields."""
    classifier = load_classifier(embedder.folder.classifier)
    fields: dict[str, list[Boxed]] = {}
    scales = read_scales(SCALES)
    for boxed in (field for part in ("train", "val") for field in read_boxed(data / "smear_fields", part, scales)):
        fields.setdefault(boxed.family, []).append(boxed)
    yield "| microscope fields | cells | OOD as is | OOD re-standardised | most frequent type | re-standardised |"
    yield "|---|---|---|---|---|---|"
    for family, some in sorted(fields.items()):
        patches = [patch for boxed in some for patch in white_cells(boxed)]
        cells = represented(chunks(embedder.prepare(patches)), embedder)
        ways: list[Floats | Doubles] = [cells.x]
        if len(patches) >= RESTANDARDISED_FROM:
            ways.append(classifier.restandardised(cells.x))
        outside = [f"{out_of_distribution(classifier, x, cells):.2f}" for x in ways]
        frequent = [most_frequent(classifier, x) for x in ways]
        columns = [column for pair in (outside, frequent) for column in (pair[0], pair[1] if len(ways) > 1 else "–")]
        yield f"| {family} px | {len(patches)} | {' | '.join(columns)} |"
    yield ""
    yield (
        f"Fields of 360 x 363 px are of the laboratory that the classifier was fitted on. –: fewer than "
        f"{RESTANDARDISED_FROM} cells. About {2 * (1 - LIMIT_QUANTILE):.0%} of the cells that the classifier was "
        "fitted on are beyond one of the two limits."
    )


def pbc_cells(data: Path, embedder: Embedder) -> tuple[Cells, Cells]:
    """``FIT`` and ``TEST`` labelled cells of pbc, sampled with seed 0."""
    table = pd.read_csv(data / "pbc" / "labelled.csv").sample(FIT + TEST, random_state=0)
    images = embedder.prepare(read_patch(data / "pbc" / "labelled" / name) for name in table["file"])
    types = table["label"].to_numpy().astype(str)
    background = torch.tensor(embedder.record.view.fill_rgb)
    return Cells(images[:FIT], types[:FIT], background), Cells(images[FIT:], types[FIT:], background)


def stained(cells: Cells, strength: float, laboratory: int) -> Pixels:
    """The patches with the stain and light of a laboratory, the same change for all of them; 0: unchanged."""
    if not strength:
        return cells.images
    settings = AugmentationSettings(stain=strength, light=strength / 4, blur_px=0)
    change = Augmentation.random(1, settings, torch.Generator().manual_seed(laboratory))
    parts = []
    for part in chunks(cells.images):
        same = Augmentation(*(value.expand(len(part), *value.shape[1:]) for value in vars(change).values()))
        patches = torch.from_numpy(part).permute(0, 3, 1, 2).float() / 255
        parts.append((same.photometric(patches, cells.background) * 255).round().byte().permute(0, 2, 3, 1).numpy())
    return np.concatenate(parts)


def white_cells(boxed: Boxed) -> Iterator[Pixels]:
    """Squares of ``VIEW_UM`` around the white cells of a microscope field, without those that leave it."""
    image, half = boxed.image(), VIEW_UM / boxed.mpp / 2
    for box in boxed.white:
        left, top, right, bottom = (
            round(value) for value in (box.x_px - half, box.y_px - half, box.x_px + half, box.y_px + half)
        )
        if min(left, top) >= 0 and right <= image.shape[1] and bottom <= image.shape[0]:
            yield image[top:bottom, left:right]


def restandardised(classifier: Classifier, x: Floats, sample: Floats) -> Doubles:
    """``x`` (N, D) moved as ``classifier.restandardised`` does, with the moments of ``sample``, of any size."""
    spread = sample.std(0)
    own = (x - sample.mean(0)) / np.where(spread > 0, spread, 1)
    return np.asarray(own * classifier.tensors["scale"] + classifier.tensors["centre"])


def f1(classifier: Classifier, x: Floats | Doubles, types: Strings) -> float:
    """Macro F1 over the types that occur."""
    predicted = np.array(classifier.classes)[classifier.probabilities(x).argmax(1)]
    return float(f1_score(types, predicted, average="macro", labels=np.unique(types)))


def out_of_distribution(classifier: Classifier, x: Floats | Doubles, cells: Represented) -> float:
    """Share of the cells that is out of distribution."""
    flags: Flags = classifier.out_of_distribution(classifier.distance(x), cells.variance_unexplained)
    return float(flags.mean())


def most_frequent(classifier: Classifier, x: Floats | Doubles) -> str:
    """The type that most of the cells are predicted as, and the share of these."""
    counts = np.bincount(classifier.probabilities(x).argmax(1), minlength=len(classifier.classes))
    return f"{classifier.classes[counts.argmax()]} {counts.max() / counts.sum():.2f}"


def labelled(types: Strings) -> LabelledCells:
    """Cells whose slides are not known."""
    rows: Rows = np.arange(len(types))
    return LabelledCells(rows, types, rows.astype(str), "cell", np.zeros(len(types), np.bool_))


def chunks(images: Pixels) -> Iterator[Pixels]:
    """Parts of ``CHUNK`` patches."""
    return (images[chunk] for chunk in in_chunks(len(images), CHUNK))


def markdown(table: pd.DataFrame) -> Iterator[str]:
    """One row for each score, one column for each strength."""
    strengths = list(dict.fromkeys(table["strength"]))
    yield "| strength of the change | " + " | ".join(f"{value:g}" for value in strengths) + " |"
    yield "|---" * (1 + len(strengths)) + "|"
    for name in table.columns.drop("strength"):
        cells = [summary(table.loc[table["strength"] == value, name].tolist()) for value in strengths]
        yield f"| {name} | {' | '.join(cells)} |"


def summary(values: list[float]) -> str:
    """Mean ± standard deviation."""
    spread = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.2f}{spread}"


if __name__ == "__main__":
    main()
