"""The settings as a list, for ``orbicyte settings``: the name, type, value and reason of each."""

import ast
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from orbicyte.settings import Section, Settings

LIMITS = ((">=", "ge"), (">", "gt"), ("<=", "le"), ("<", "lt"), ("multiple of", "multiple_of"))


@dataclass(frozen=True)
class Setting:
    """One setting. ``name``: as ``--set`` takes it; ``type``: with its range; ``reason``: what it is, and why."""

    name: str
    type: str
    value: str
    reason: str


def described(settings: Settings, word: str = "") -> list[Setting]:
    """Every setting whose name contains ``word``, in the order of ``orbicyte.settings``."""
    found = list(_of_section(settings, ""))
    for name in type(settings).model_fields:
        if isinstance(section := getattr(settings, name), Section):
            found += _of_section(section, f"{name}.")
    return [setting for setting in found if word in setting.name]


def _of_section(section: Section, prefix: str) -> Iterator[Setting]:
    reasons = _reasons(type(section))
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if name != "preset" and not isinstance(value, Section):  # --set does not change the preset
            yield Setting(prefix + name, _type(field), _text(value), reasons.get(name, ""))


def _reasons(section: type[Section]) -> dict[str, str]:
    """The docstring below each field."""
    (body,) = ast.parse(inspect.getsource(section)).body
    assert isinstance(body, ast.ClassDef)
    found = {}
    for field, text in zip(body.body, body.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(text, ast.Expr):
            words = text.value.value if isinstance(text.value, ast.Constant) else ""
            found[field.target.id] = " ".join(str(words).replace("``", "").split())
    return found


def _text(value: Any) -> str:
    """``value`` as ``--set`` takes it."""
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _type(field: FieldInfo) -> str:
    """The type with its range, such as ``int >= 1, <= 32``, or the choices."""
    kind: Any = field.annotation
    if get_origin(kind) is Literal:
        return " | ".join(map(str, get_args(kind)))
    if get_origin(kind) is tuple:
        return "whole numbers, separated by commas"
    limits = [
        f"{word} {getattr(one, key)}"
        for word, key in LIMITS
        for one in field.metadata
        if getattr(one, key, None) is not None
    ]
    return " ".join([kind.__name__, ", ".join(limits)]).strip()
