"""Former formats of ``run.json``.

In format 1, ``view_px`` was ``field_px``, and some settings had other names (``Section.RENAMED``). Settings introduced
after a run have the values of its preset, or those that they replaced (``Section.FORMER``).
"""

from pathlib import Path
from typing import Any

from orbicyte.errors import OrbicyteError
from orbicyte.presets import preset
from orbicyte.settings import Section, Settings, read_settings


def settings_of(content: dict[str, Any], path: Path) -> Settings:
    """The settings in the ``content`` of a run.json, with those that its release did not have.

    Raises ``OrbicyteError`` if they are damaged.
    """
    given = content.get("settings")
    if not isinstance(given, dict):
        raise OrbicyteError(f"{path} is damaged: it has no settings; delete {path.parent} and train again")
    of_preset = _preset(given.get("preset", "quick"), path)
    filled = of_preset.model_dump(mode="json")
    for name in filled:
        section = getattr(of_preset, name)
        if isinstance(section, Section):
            filled[name] |= section.FORMER
    for name, value in given.items():
        default = filled.get(name)
        filled[name] = {**default, **value} if isinstance(value, dict) and isinstance(default, dict) else value
    network = given.get("network")
    if isinstance(network, dict) and "framed_widths" not in network and "harmonic_widths" in network:
        filled["network"]["framed_widths"] = network["harmonic_widths"]  # framed_hnet had no widths of its own
    return read_settings(filled, str(path))


def _preset(name: Any, path: Path) -> Settings:
    try:
        return preset(str(name)[:100])
    except OrbicyteError as error:
        raise OrbicyteError(f"{path} is damaged: {error}; delete {path.parent} and train again") from None


def with_current_names(content: dict[str, Any]) -> dict[str, Any]:
    """``content`` with the names of the current format."""
    view = content.get("view")
    if not isinstance(view, dict) or "field_px" not in view:
        return content
    return {**content, "view": {"view_px" if name == "field_px" else name: value for name, value in view.items()}}
