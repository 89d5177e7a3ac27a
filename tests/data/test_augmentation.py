import math

import pytest
import torch

from orbicyte import geometry
from orbicyte.data.augmentation import Augmentation, blurred
from orbicyte.data.views import View
from orbicyte.settings import AugmentationSettings

NONE = AugmentationSettings(stain=0, light=0, blur_px=0, scale=0, shift=0)
BACKGROUND = torch.tensor([0.9, 0.8, 0.7])


def random(count: int = 6, settings: AugmentationSettings | None = None, seed: int = 0) -> Augmentation:
    return Augmentation.random(count, settings or AugmentationSettings(), torch.Generator().manual_seed(seed))


def patches(count: int = 6, size_px: int = 32) -> torch.Tensor:
    coarse = torch.rand(count, 3, 4, 4, generator=torch.Generator().manual_seed(1))
    return geometry.resize(coarse, size_px) * BACKGROUND.reshape(-1, 1, 1)


def test_without_strength_it_only_rotates_and_mirrors() -> None:
    augmentation = random(64, NONE)
    assert torch.allclose(augmentation.matrix @ augmentation.matrix.mT, torch.eye(2).expand(64, 2, 2), atol=1e-6)
    determinants = torch.linalg.det(augmentation.matrix)
    assert 0 < int((determinants < 0).sum()) < 64
    changed = augmentation.photometric(patches(64), BACKGROUND)
    assert torch.allclose(changed, patches(64).clamp(min=0.02 * 0.7), atol=0.02)


def test_it_depends_on_the_generator_only() -> None:
    for first, second in zip(vars(random()).values(), vars(random()).values(), strict=True):
        assert torch.equal(first, second)
    assert not torch.equal(random().stain, random(seed=1).stain)


def test_the_background_changes_only_with_the_light() -> None:
    empty = BACKGROUND.reshape(1, 3, 1, 1).expand(6, 3, 16, 16)
    settings = AugmentationSettings(stain=0.5, light=0, blur_px=2)
    assert torch.allclose(random(settings=settings).photometric(empty, BACKGROUND), empty, atol=1e-5)
    light = AugmentationSettings(stain=0, light=0.3, blur_px=0)
    augmentation = random(settings=light)
    expected = (empty * augmentation.light[..., None, None]).clamp(max=1)
    assert torch.allclose(augmentation.photometric(empty, BACKGROUND), expected, atol=1e-5)


def test_twice_the_stain_is_the_square_of_the_transmission() -> None:
    twice = Augmentation(
        *(value[:1] for value in vars(random(settings=NONE)).values()),
    )
    twice = Augmentation(twice.matrix, twice.shift, 2 * torch.eye(3)[None], twice.light, twice.blur_px)
    x = patches(1).clamp(min=0.2)
    white = BACKGROUND.reshape(-1, 1, 1)
    assert torch.allclose(twice.photometric(x, BACKGROUND), white * (x / white) ** 2, atol=1e-4)


def test_a_blur_keeps_the_mean_of_smooth_patches_and_reduces_contrast() -> None:
    x = torch.zeros(2, 3, 33, 33)
    x[..., 16, 16] = 1
    y = blurred(x, torch.tensor([0.0, 1.0]))
    assert torch.allclose(y.sum((2, 3)), x.sum((2, 3)), atol=1e-5)
    assert torch.allclose(y[0], x[0], atol=1e-5)
    assert float(y[1].max()) == pytest.approx(1 / (2 * math.pi), rel=0.03)


@pytest.mark.parametrize("side_px", [64, 104])
def test_an_augmented_view_has_the_size_and_range_of_other_views(side_px: int) -> None:
    view = View(side_px=side_px, view_px=64, size_px=32, fill_rgb=(0.9, 0.8, 0.7))
    images = torch.randint(0, 256, (6, side_px, side_px, 3), dtype=torch.uint8)
    augmented = view.augmented(view.discs(images), random())
    assert augmented.shape == view(images).shape
    assert float(augmented.min()) >= 0
    assert float(augmented.max()) <= 1


def test_a_view_augmented_by_a_rotation_only_is_the_rotated_view() -> None:
    view = View(side_px=64, view_px=64, size_px=32, fill_rgb=(0.9, 0.8, 0.7))
    images = (patches(2, 64).permute(0, 2, 3, 1) * 255).to(torch.uint8)
    angle = torch.tensor([0.3, -2.0])
    plain = random(2, NONE)
    rotation = Augmentation(geometry.rotation_matrix(angle), plain.shift, plain.stain, plain.light, plain.blur_px)
    expected = view(images, angle).clamp(min=0.02)
    assert torch.allclose(view.augmented(view.discs(images), rotation), expected, atol=0.01)


def test_a_black_background_gives_finite_views() -> None:
    background = torch.tensor([0.9, 0.8, 0.0])
    x = patches(6) * torch.tensor([1.0, 1.0, 0.0]).reshape(-1, 1, 1)
    assert bool(random().photometric(x, background).isfinite().all())


def test_scale_enlarges_the_field_of_view_and_shift_moves_it() -> None:
    """A dot at the centre; the output at p shows the input at matrix p + shift."""
    view = View(side_px=65, view_px=65, size_px=65, fill_rgb=(1.0, 1.0, 1.0))
    images = torch.full((1, 65, 65, 3), 255, dtype=torch.uint8)
    images[0, 32, 42] = 0  # 10 px to the right of the centre
    plain = random(1, NONE)
    for matrix, shift, column in ((torch.eye(2) * 2, (0.0, 0.0), 37), (torch.eye(2), (10 / 32.5, 0.0), 32)):
        changed = Augmentation(matrix[None], torch.tensor([shift]), plain.stain, plain.light, plain.blur_px)
        darkest = view.augmented(view.discs(images), changed)[0].mean(0).argmin()
        assert divmod(int(darkest), 65) == (32, column)
