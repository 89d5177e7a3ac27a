"""Names, order and colours."""

from matplotlib.colors import rgb_to_hsv, to_rgb

from orbicyte.reporting.networks import Network, colours, ordered, shown

WEIGHTS = (0.2, 0.5, 0.9)


def test_names_are_as_in_the_paper() -> None:
    titles = [Network(name).title for name in ("baseline", "only_stn", "inv_hnet", "equ_hnet", "my_net")]
    assert titles == ["baseline", "only-STN", "inv-HNet", "equ-HNet", "my-net"]


def test_order_is_as_in_the_paper_then_by_name_and_weight() -> None:
    names = ["zeta", "equ_hnet", "alpha", "baseline", "inv_hnet", "only_stn"]
    networks = [Network("baseline"), *(Network(n, w) for n in names if n != "baseline" for w in reversed(WEIGHTS))]
    found = ordered([*networks, *networks])
    assert list(dict.fromkeys(network.name for network in found)) == [
        "baseline", "only_stn", "inv_hnet", "equ_hnet", "alpha", "zeta",
    ]  # fmt: skip
    assert [network.weight for network in found if network.name == "zeta"] == list(WEIGHTS)


def test_one_network_per_name_is_shown_at_the_weight_nearest_to_a_half() -> None:
    networks = [Network("baseline"), *(Network("only_stn", w) for w in WEIGHTS), Network("inv_hnet", 0.9)]
    assert shown(networks) == [Network("baseline"), Network("only_stn", 0.5), Network("inv_hnet", 0.9)]


def test_one_hue_per_network_paler_for_smaller_weights() -> None:
    networks = [Network(name, w) for name in ("only_stn", "inv_hnet", "equ_hnet", "new_net") for w in WEIGHTS]
    colour = {network: rgb_to_hsv(to_rgb(hexadecimal)) for network, hexadecimal in colours(networks).items()}
    hues = {name: [colour[Network(name, w)][0] for w in WEIGHTS] for name in ("only_stn", "inv_hnet", "equ_hnet")}
    assert all(max(values) - min(values) < 0.02 for values in hues.values())
    assert len({round(values[0], 1) for values in hues.values()}) == 3
    saturations = [colour[Network("only_stn", w)][1] for w in WEIGHTS]
    assert saturations == sorted(saturations)
    assert saturations[0] < 0.6 * saturations[-1]


def test_a_network_of_the_paper_has_the_same_colour_with_any_others() -> None:
    alone = colours([Network("equ_hnet", 0.5)])
    among = colours([Network("equ_hnet", 0.5), Network("a_new_one", 0.5), Network("baseline")])
    assert alone[Network("equ_hnet", 0.5)] == among[Network("equ_hnet", 0.5)]
