"""Names, order and colours of trained networks in the report."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from matplotlib.colors import to_hex, to_rgb

ORDER = ("baseline", "only_stn", "inv_hnet", "equ_hnet")
"""The paper's networks come first, in this order; others follow by name."""

SPELLING = {"stn": "STN", "hnet": "HNet", "cnn": "CNN"}

HUES = ("#4d4d4d", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6d1f", "#7f5fbf")
"""Okabe & Ito's colours, which colour-blind readers can distinguish, and two more; grey is the baseline's."""

PALEST = 0.42
"""Share of the hue left in the colour of the smallest of several rotation weights; the rest is white."""


@dataclass(frozen=True)
class Network:
    """A network at one rotation weight; ``weight`` is None for networks without a rotation loss."""

    name: str
    weight: float | None = None

    @property
    def title(self) -> str:
        """The name as in the paper: only-STN for ``only_stn``."""
        return "-".join(SPELLING.get(word, word) for word in self.name.split("_"))

    @property
    def weight_label(self) -> str:
        """``w = 0.5`` with non-breaking spaces, or nothing."""
        return "" if self.weight is None else f"w = {self.weight:g}".replace(" ", "\N{NO-BREAK SPACE}")

    @property
    def label(self) -> str:
        """``only-STN, w = 0.5``."""
        return ", ".join(part for part in (self.title, self.weight_label) if part)

    @property
    def is_baseline(self) -> bool:
        """Whether the other networks are compared with it."""
        return self.name == "baseline"


def ordered(networks: Iterable[Network]) -> list[Network]:
    """Without repeats: the baseline, the paper's others, then by name; within each by rising weight."""
    return sorted(set(networks), key=lambda network: (*_rank(network.name), network.weight or 0.0))


def shown(networks: Iterable[Network], weight: float = 0.5) -> list[Network]:
    """One network per name, the one with the weight nearest to ``weight`` (paper, Fig. 4), in order."""
    nearest: dict[str, Network] = {}
    for network in ordered(networks):
        kept = nearest.setdefault(network.name, network)
        if abs((network.weight or 0.0) - weight) < abs((kept.weight or 0.0) - weight):
            nearest[network.name] = network
    return list(nearest.values())


def colours(networks: Iterable[Network]) -> dict[Network, str]:
    """One hue per name, paler for smaller weights; the hues of the paper's four do not depend on the others."""
    networks = ordered(networks)
    names = [*ORDER, *dict.fromkeys(network.name for network in networks if network.name not in ORDER)]
    weights = sorted({network.weight for network in networks if network.weight is not None})
    result = {}
    for network in networks:
        hue = np.array(to_rgb(HUES[names.index(network.name) % len(HUES)]))
        rank = (
            1.0 if network.weight is None or len(weights) == 1 else weights.index(network.weight) / (len(weights) - 1)
        )
        strength = PALEST + (1 - PALEST) * rank
        result[network] = to_hex(tuple(1 - strength * (1 - hue)))
    return result


def _rank(name: str) -> tuple[int, str]:
    return (ORDER.index(name), "") if name in ORDER else (len(ORDER), name)
