"""Networks that learned almost nothing: every dimension of their representation is nearly the same for all cells."""

from collections.abc import Collection, Mapping, Sequence

from orbicyte.reporting.inputs import TrainedRun
from orbicyte.reporting.networks import Network, ordered
from orbicyte.reporting.values import Values
from orbicyte.study.scores import CONSTANT, learned_nothing
from orbicyte.text import number_of

Collapsed = Mapping[Network, str]
"""Why a network learned almost nothing, by network."""


def collapsed(trained: Sequence[TrainedRun], values: Values) -> Collapsed:
    """The networks of which all dimensions are nearly constant, in all trainings, with what may be the reason."""
    found = {}
    for network in ordered(run.network for run in trained):
        runs = [run for run in trained if run.network == network]
        size = runs[0].record.settings.network.latent_size
        constant = values.get(network, CONSTANT)
        if learned_nothing(None if constant is None else constant.mean, size):
            ends = [run.record.training for run in runs if run.record.training]
            epochs = f" for {number_of(min(end.epochs for end in ends), 'epoch')}" if ends else ""
            cells = number_of(min(run.record.data.train for run in runs), "cell")
            found[network] = _reason(size, cells + epochs, network)
    return found


def reference(networks: Sequence[Network], nothing: Collection[Network]) -> Network | None:
    """The baseline, with which the other ``networks`` are compared; None if it is alone or learned ``nothing``."""
    found = (network for network in networks if network.is_baseline and network not in nothing)
    return next(found, None) if len(networks) > 1 else None


def _reason(size: int, trained_on: str, network: Network) -> str:
    weight = "a rotation weight that is too large for these cells; " if network.weight else ""
    return (
        f"It learned almost nothing: each of its {size} dimensions is nearly the same for all cells, and so is the "
        "picture that it draws. Do not compare its other numbers, above all a low rotation KL. Possible reasons: too "
        f"few cells or epochs (it was trained on {trained_on}); {weight}a prior that outweighs the reconstruction "
        "(smaller loss.sigma or loss.beta with --set); a learning rate that is too large; images with little contrast."
    )
