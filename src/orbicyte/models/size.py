"""How large a network of some settings would be, without building it."""

from itertools import pairwise

from orbicyte.settings import NetworkSettings


def weight_count(network: NetworkSettings) -> int:
    """The number of weights of the largest network of these sizes, roughly."""
    features = network.widths[-1] * (network.size_px >> len(network.widths)) ** 2
    found = network.pose_widths[-1] * (network.size_px >> len(network.pose_widths)) ** 2
    map_px = network.size_px >> (len(network.framed_widths) - 1)
    detail = (network.latent_size - network.invariant_size) * network.framed_widths[-1] * detail_places(map_px, network)
    rings = 3 * network.framed_widths[-1] * network.read_out_rings
    harmonic = max(_convolved(widths, network.blocks) for widths in (network.harmonic_widths, network.framed_widths))
    return (
        18 * _convolved(network.widths, network.blocks)
        + 25 * _convolved(network.pose_widths, 0)
        + 32 * found
        + 40 * harmonic  # fewer weights than that, but their filters take as long to build
        + network.latent_size * (3 * features + 2 * (rings + network.projection_hidden))
        + 2 * detail
        + (rings + 2 * network.latent_size) * network.read_out_hidden
    )


def detail_places(map_px: int, network: NetworkSettings) -> int:
    """At how many places framed_hnet reads its detail part from a map of ``map_px``: squares of the map, or rings."""
    averaged = averaged_px(map_px, network.detail_map_px)
    return (map_px // averaged) ** 2 if averaged else network.read_out_rings


def averaged_px(side_px: int, largest_px: int) -> int:
    """The side of the squares to average over, so that a map of ``side_px`` has at most ``largest_px``; 0 for 0.

    A power of two; a map whose side cannot be halved that often stays larger.
    """
    if not largest_px:
        return 0
    averaged = 1
    while side_px // averaged > largest_px and side_px % (2 * averaged) == 0:
        averaged *= 2
    return averaged


def _convolved(widths: tuple[int, ...], blocks: int) -> int:
    """Pairs of channels that are convolved: into each stage, and twice in each of its ``blocks``."""
    return sum(a * b for a, b in pairwise((3, *widths))) + 2 * blocks * sum(width**2 for width in widths)
