import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.distributions import Normal, kl_divergence

from orbicyte.models.posterior import Posterior


def random_posterior(seed: int) -> Posterior:
    random = torch.Generator().manual_seed(seed)
    return Posterior(torch.randn(4, 3, generator=random), torch.randn(4, 3, generator=random))


def normal(posterior: Posterior) -> Normal:
    return Normal(posterior.mean, torch.exp(0.5 * posterior.log_variance))


@given(st.integers(0, 1000))
def test_divergences_agree_with_torch(seed: int) -> None:
    p, q = random_posterior(seed), random_posterior(seed + 1)
    prior = Normal(torch.zeros(4, 3), torch.ones(4, 3))
    assert torch.allclose(p.kl_to_prior(), kl_divergence(normal(p), prior), atol=1e-4)
    both = kl_divergence(normal(p), normal(q)) + kl_divergence(normal(q), normal(p))
    assert torch.allclose(p.symmetric_kl(q), both, rtol=1e-3, atol=1e-4)


def test_symmetric_kl_is_symmetric_and_zero_on_itself() -> None:
    p, q = random_posterior(0), random_posterior(1)
    assert torch.allclose(p.symmetric_kl(q), q.symmetric_kl(p))
    assert float(p.symmetric_kl(p).abs().max()) < 1e-6


def test_samples_have_the_posteriors_moments() -> None:
    posterior = Posterior(torch.full((20000, 1), 2.0), torch.full((20000, 1), 2 * torch.log(torch.tensor(0.5)).item()))
    sample = posterior.sample(torch.randn(20000, 1, generator=torch.Generator().manual_seed(0)))
    assert abs(float(sample.mean()) - 2) < 0.02
    assert abs(float(sample.std()) - 0.5) < 0.02
