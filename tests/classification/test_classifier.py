from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file
from scipy.special import softmax
from sklearn.metrics import confusion_matrix, log_loss
from tests.classification.made_cells import labelled

from orbicyte.arrays import Floats
from orbicyte.classification.classifier import (
    LIMIT_QUANTILE,
    Classifier,
    calibration_error,
    fit_classifier,
    load_classifier,
)
from orbicyte.classification.counting import Classified, corrected
from orbicyte.classification.labelled import LabelledCells
from orbicyte.classification.probes import fitted, mlp_probe
from orbicyte.errors import OrbicyteError
from orbicyte.study.files import read_json, write_json

TYPES = ("band, left", "eosinophil <b>", "µ-cell 🩸")
DIMENSIONS = 6


Made = tuple[Floats, LabelledCells]


def made_cells(per_type: int, types: tuple[str, ...] = TYPES, seed: int = 0, spread: float = 1.3) -> Made:
    """Overlapping Gaussian clouds, one per type: representations and cells."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(0, 1.5, (len(types), DIMENSIONS))
    x = np.concatenate([rng.normal(centre, spread, (per_type, DIMENSIONS)) for centre in centres])
    names = np.repeat(np.array(types), per_type)
    return x.astype(np.float32), labelled(names)


def made_unexplained(count: int) -> np.ndarray:
    return np.random.default_rng(1).uniform(0, 1, count)


@pytest.fixture(scope="module")
def made() -> Made:
    return made_cells(60)


@pytest.fixture(scope="module")
def classifier(made: Made) -> Classifier:
    return fit_classifier(*made, made_unexplained(500), folds=3, seed=0)


@pytest.mark.parametrize("types", [TYPES, TYPES[:2]])
def test_without_calibration_it_is_the_probe(types: tuple[str, ...]) -> None:
    made, (new, _) = made_cells(30, types), made_cells(20, types, seed=1)
    ours = replace(fit_classifier(*made, made_unexplained(90), folds=2, seed=0), temperature=1.0)
    theirs = fitted(mlp_probe, *made, seed=0)
    assert ours.classes == theirs.classes_.tolist()
    np.testing.assert_allclose(ours.probabilities(new), theirs.predict_proba(new), atol=1e-6)


@given(st.lists(st.floats(-1e4, 1e4, width=32), min_size=DIMENSIONS, max_size=DIMENSIONS))
def test_probabilities_are_valid_at_any_distance_of_the_cell(classifier: Classifier, x: list[float]) -> None:
    probabilities = classifier.probabilities(np.array([x], np.float32))
    assert probabilities.shape == (1, 3)
    assert (probabilities >= 0).all()
    assert probabilities.sum() == pytest.approx(1)


def test_calibration_keeps_the_type_and_lowers_the_loss_of_unseen_cells(classifier: Classifier) -> None:
    sharp, (x, new) = replace(classifier, temperature=1.0), made_cells(400, seed=2)
    before, after = sharp.probabilities(x), classifier.probabilities(x)
    assert (before.argmax(1) == after.argmax(1)).all()
    assert log_loss(new.types, after, labels=classifier.classes) <= log_loss(
        new.types, before, labels=classifier.classes
    )
    held_out = classifier.card["calibration"]
    assert held_out["after"]["log_loss"] <= held_out["before"]["log_loss"] + 1e-6


def test_fold_scores_are_of_probes_not_fitted_on_the_cell() -> None:
    """Random labels can be memorised but not predicted."""
    x, cells = made_cells(40)
    shuffled = replace(cells, types=np.random.default_rng(0).permutation(cells.types))
    card = fit_classifier(x, shuffled, made_unexplained(90), folds=3, seed=0).card
    assert len(card["fold_macro_f1"]) == 3
    assert max(card["fold_macro_f1"]) < 0.55
    assert card["cells"] == dict.fromkeys(sorted(TYPES), 40)


def test_a_type_labelled_on_one_slide_only_is_cross_validated_within_it_and_the_corrected_count_is_right(
    capfd: pytest.CaptureFixture[str],
) -> None:
    (x, cells), (new, _) = made_cells(100, spread=0.5), made_cells(100, spread=0.5, seed=1)
    some = np.r_[:230]  # 30 of the last type
    slides = np.array(["s1", "s2"] * 100 + ["s1"] * 30)
    by_slide = replace(cells[some], groups=slides, grouped_by="slide")
    classifier = fit_classifier(x[some], by_slide, made_unexplained(50), folds=2, seed=0)
    warning = f"warning: {TYPES[2]!r} is labelled on slide s1 only: its error rate is estimated there alone"
    assert capfd.readouterr().err.count(warning) == 1
    assert classifier.held_out is not None
    classes = np.array(classifier.classes)
    confusion = confusion_matrix(by_slide.types, classes[classifier.held_out.argmax(1)], labels=classes)
    predicted = classes[classifier.probabilities(new[some]).argmax(1)]
    np.testing.assert_array_equal(classifier.confusion, confusion)
    counts = np.array([(predicted == name).sum() for name in classes])
    found = corrected(np.zeros(3, int), [Classified(counts, confusion)])
    np.testing.assert_allclose(found.share, np.array([100, 100, 30]) / 230, atol=0.03)
    assert found.high[2] < 0.25
    assert len(classifier.card["fold_macro_f1"]) == 2


def test_calibration_error_of_known_cases() -> None:
    classes, types = np.array(["a", "b"]), np.array(["a"] * 6 + ["b"] * 4)
    probabilities = np.repeat([[0.6, 0.4]], 10, axis=0)
    assert calibration_error(probabilities, types, classes) == pytest.approx(0)
    assert calibration_error(np.repeat([[1.0, 0.0]], 10, axis=0), types, classes) == pytest.approx(0.4)


def test_one_cell_in_a_hundred_is_beyond_each_limit(classifier: Classifier) -> None:
    new, _ = made_cells(2000, seed=3)
    beyond = (classifier.distance(new) > classifier.limits["distance"]).mean()
    assert 0.001 < beyond < 0.03
    missed = made_unexplained(2000)
    assert (missed > classifier.limits["variance_unexplained"]).mean() == pytest.approx(1 - LIMIT_QUANTILE, abs=0.01)


def test_either_limit_alone_flags_a_cell(classifier: Classifier) -> None:
    near, far = np.array([0.0]), np.array([1e3])
    assert not classifier.out_of_distribution(near, near)[0]
    assert classifier.out_of_distribution(far, near)[0]
    assert classifier.out_of_distribution(near, far)[0]
    assert classifier.distance(made_cells(5)[0] + 50).min() > classifier.limits["distance"]


def test_cells_of_another_stain_have_the_same_types_after_restandardisation(classifier: Classifier) -> None:
    """A stain that shifts and scales each dimension, for the mixture of types that the classifier was fitted on."""
    x, cells = made_cells(200, seed=4)
    random = np.random.default_rng(5)
    shifted = (x * random.uniform(0.3, 3, DIMENSIONS) + random.normal(0, 8, DIMENSIONS)).astype(np.float32)
    classes = np.array(classifier.classes)

    def accuracy(of: np.ndarray) -> float:
        return float((classes[classifier.probabilities(of).argmax(1)] == cells.types).mean())

    moved = classifier.restandardised(shifted)
    assert accuracy(shifted) < 0.6
    assert accuracy(moved) > accuracy(x) - 0.05
    limit = classifier.limits["distance"]
    assert (classifier.distance(shifted) > limit).mean() > 0.9
    assert (classifier.distance(moved) > limit).mean() < 0.05


def test_restandardised_cells_have_the_mean_and_spread_of_the_fitted_ones(made: Made, classifier: Classifier) -> None:
    x, _ = made
    same = np.column_stack(
        (made_cells(50, seed=6)[0][:, :-1], np.full(150, 7, np.float32))
    )  # one dimension is constant
    moved = classifier.restandardised(same)
    np.testing.assert_allclose(moved.mean(0), x.mean(0), atol=1e-5)
    np.testing.assert_allclose(moved.std(0)[:-1], x.std(0)[:-1], rtol=1e-5)
    assert (moved[:, -1] == moved[0, -1]).all()


def test_too_few_cells_to_restandardise_are_a_one_line_error(classifier: Classifier) -> None:
    x, _ = made_cells(33)
    with pytest.raises(OrbicyteError, match=r"needs at least 100 cells of your own.* but there are 99"):
        classifier.restandardised(x)


@pytest.mark.parametrize("types", [TYPES, TYPES[:2]])
def test_with_copies_it_has_the_mean_logits_of_two_probes(types: tuple[str, ...]) -> None:
    (x, cells), (new, _) = made_cells(30, types), made_cells(20, types, seed=1)
    copy = (x * 1.5 + 1).astype(np.float32)
    ours = replace(fit_classifier(x, cells, made_unexplained(90), folds=2, seed=0, copies=[copy]), temperature=1.0)
    probes = fitted(mlp_probe, x, cells, 0), fitted(mlp_probe, np.concatenate([x, copy]), cells.repeated(2), 0)
    logs = np.mean([np.log(probe.predict_proba(new)) for probe in probes], axis=0)
    np.testing.assert_allclose(ours.probabilities(new), softmax(logs, axis=1), atol=1e-6)


def test_what_changes_between_copies_of_a_cell_does_not_change_its_type(made: Made) -> None:
    """Another stain moves representations along one direction, which also differs between the types."""
    x, cells = made
    random = np.random.default_rng(4)
    direction = np.eye(x.shape[1])[0] * 3
    copies = [(x + random.normal(size=(len(x), 1)) * direction).astype(np.float32) for _ in range(3)]
    elsewhere = (x + 2 * direction).astype(np.float32)
    right = []
    for some in ([], copies):
        classifier = fit_classifier(x, cells, np.linspace(0, 1, len(x)), folds=3, seed=0, copies=some)
        predicted = np.array(classifier.classes)[classifier.probabilities(elsewhere).argmax(1)]
        right.append((predicted == cells.types).mean())
        assert classifier.card["stain_copies"] == len(some)
        assert np.sum(classifier.confusion) == len(x)
    assert right[1] > right[0] + 0.1


def test_the_confusion_is_of_held_out_cells(classifier: Classifier, made: Made) -> None:
    _, cells = made
    confusion = classifier.confusion
    assert confusion.sum(1).tolist() == [60, 60, 60]
    assert classifier.held_out is not None
    predicted = np.array(classifier.classes)[classifier.held_out.argmax(1)]
    assert np.trace(confusion) == (predicted == cells.types).sum() < len(cells)


def test_a_classifier_without_confusion_still_loads_and_says_what_to_do(
    classifier: Classifier, made: Made, tmp_path: Path
) -> None:
    card = {name: value for name, value in classifier.card.items() if name != "confusion"}
    replace(classifier, card=card).save(tmp_path)
    write_json(tmp_path / "classifier.json", read_json(tmp_path / "classifier.json") | {"format": 2})
    old = load_classifier(tmp_path)
    np.testing.assert_array_equal(old.probabilities(made[0]), classifier.probabilities(made[0]))
    with pytest.raises(OrbicyteError, match=r"has no confusion matrix .* fit it again with 'orbicyte"):
        _ = old.confusion


def test_distance_does_not_depend_on_the_scale_of_the_representation(made: Made, classifier: Classifier) -> None:
    x, cells = made
    larger = fit_classifier(x * 100, cells, made_unexplained(500), folds=3, seed=0)
    np.testing.assert_allclose(larger.distance(x * 100), classifier.distance(x), rtol=1e-2)


def test_it_is_the_same_after_saving_and_loading(classifier: Classifier, made: Made, tmp_path: Path) -> None:
    classifier.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["classifier.json", "weights.safetensors"]
    again = load_classifier(tmp_path)
    assert (again.classes, again.card, again.limits) == (classifier.classes, classifier.card, classifier.limits)
    assert again.classes == sorted(TYPES)
    np.testing.assert_array_equal(again.probabilities(made[0]), classifier.probabilities(made[0]))
    np.testing.assert_array_equal(again.distance(made[0]), classifier.distance(made[0]))


def truncated(folder: Path) -> None:
    path = folder / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:-10])


def missing(folder: Path) -> None:
    (folder / "weights.safetensors").unlink()


def other_weights(folder: Path) -> None:
    save_file({"centre": np.zeros(3)}, folder / "weights.safetensors")


def no_json(folder: Path) -> None:
    (folder / "classifier.json").write_text("{")


def incomplete(folder: Path) -> None:
    content = read_json(folder / "classifier.json")
    del content["limits"]
    write_json(folder / "classifier.json", content)


def newer(folder: Path) -> None:
    write_json(folder / "classifier.json", read_json(folder / "classifier.json") | {"format": 99})


def absent(folder: Path) -> None:
    (folder / "classifier.json").unlink()


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (truncated, "cannot read the weights .* fit it again"),
        (missing, "cannot read the weights .* fit it again"),
        (other_weights, "it does not match its digest"),
        (no_json, "cannot read"),
        (incomplete, "is damaged: limits: Field required"),
        (newer, "format 99, this orbicyte reads up to 3: install a newer orbicyte"),
        (absent, "make one with 'orbicyte classify-fit"),
    ],
)
def test_damage_is_a_one_line_error(
    classifier: Classifier, tmp_path: Path, harm: Callable[[Path], None], message: str
) -> None:
    classifier.save(tmp_path)
    harm(tmp_path)
    with pytest.raises(OrbicyteError, match=message) as caught:
        load_classifier(tmp_path)
    assert len(str(caught.value).splitlines()) == 1


def test_a_failed_write_keeps_the_old_classifier(
    classifier: Classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier.save(tmp_path)

    def full(path: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(OrbicyteError, match="No space left on device"):
            replace(classifier, temperature=3.0).save(tmp_path)
    assert load_classifier(tmp_path).temperature == classifier.temperature
