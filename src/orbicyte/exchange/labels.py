"""The labels in a GeoJSON file: as QuPath writes them, or in a property of another program."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orbicyte.errors import OrbicyteError
from orbicyte.progress import print_line, warn
from orbicyte.text import comparable, given

CLASSIFICATION = "classification"
OTHERS = (
    *("class", "classname", "class_name", "classification.name", "classification_name", "label", "labels", "cell_type"),
    *("celltype", "cell_class", "type_str", "type_name", "type", "category", "name", "annotation", "annotation_class"),
)
"""Properties in which other programs write labels, in the order in which they are preferred."""
OBJECT_TYPES = ("annotation", "detection", "cell", "tile", "root", "tmacore", "pathannotationobject")
MANY = 0.9
"""Share of the features that have different texts in a property of ids, not of labels."""

Properties = Mapping[str, Any]


@dataclass(frozen=True)
class Labels:
    """How the labels of a file are read: from ``name``, as those of ``known``, the study's labels by ``comparable``."""

    name: str
    known: Mapping[str, str]

    def of(self, properties: Properties) -> str | None:
        """The label, None for none. Raises ``ValueError`` for one that is not a text."""
        label = _text(_flat(properties).get(self.name))
        return None if label is None else self.known.get(comparable(label), label)


def labels(
    features: Sequence[Properties], path: Path, classes: Sequence[str] = (), label_property: str | None = None
) -> Labels:
    """How to read the labels of ``path``, whose features have these properties; what was decided is printed.

    Without a classification in the whole file and without ``label_property``, it is the one other property with texts
    of which all are ``classes``. Properties that may have labels and are not read are printed. Raises ``OrbicyteError``
    if several properties have labels that differ, and for an absent ``label_property``.
    """
    features = [_flat(one) for one in features]
    known: dict[str, str] = {}
    for name in classes:
        known[comparable(name)] = name if comparable(name) not in known else ""
    known = {key: name for key, name in known.items() if name}
    if label_property is not None:
        if not any(label_property in one for one in features):
            names = ", ".join(dict.fromkeys(name for one in features for name in one)) or "none"
            raise OrbicyteError(f"{path} has no property {label_property!r} (--label-property): it has {names}")
        found = Labels(label_property, known)
    elif any(_has_text(one, CLASSIFICATION) for one in features):
        found = Labels(CLASSIFICATION, known)
        _warn_of_unread([one for one in features if not _has_text(one, CLASSIFICATION)], path)
    else:
        found = Labels(_other(features, path, known), known)
    _warn_of_forms(features, path, found)
    return found


def _other(features: Sequence[Properties], path: Path, known: Mapping[str, str]) -> str:
    """The property that has the labels of a file without classifications; ``classification`` if none has."""
    read = {name: [known.get(comparable(text)) for text in _texts(features, name)] for name in _candidates(features)}
    plain = [name for name, names in read.items() if None not in names]
    labels_of = {name: [_plain_text(one.get(name)) for one in features] for name in plain}
    different = [name for name in plain if labels_of[name] != labels_of[plain[0]]]
    if different:
        raise OrbicyteError(
            f"{path} has no classification, but labels in {plain[0]!r} and others in {different[0]!r}: give one with "
            "--label-property NAME"
        )
    if plain:
        print_line(f"{path.name}: labels are read from the property {plain[0]!r} (another: --label-property NAME)")
        return plain[0]
    _warn_of_unread(features, path)
    return CLASSIFICATION


def _warn_of_unread(features: Sequence[Properties], path: Path) -> None:
    """A warning for each property of features without a classification that may have their labels."""
    for name in _candidates(features):
        examples = ", ".join(map(repr, sorted(_texts(features, name))[:3]))
        warn(
            f"{path.name}: {len(features)} features have no classification; names in their property {name!r}, such as "
            f"{examples}, are not read: if they are labels, give --label-property {name!r}"
        )


def _flat(properties: Properties) -> Properties:
    """The properties, and those in them, such as in QuPath's ``metadata``, as ``metadata.NAME``."""
    inner = {
        f"{name}.{key}": text
        for name, value in properties.items()
        if isinstance(value, Mapping) and not {"name", "names"} & value.keys()
        for key, text in value.items()
    }
    return {**inner, **properties}


def _candidates(features: Sequence[Properties]) -> list[str]:
    """The properties with texts that may be labels, those with usual names first."""
    usual = {comparable(name): number for number, name in reversed(list(enumerate(OTHERS)))}
    names = [name for name in dict.fromkeys(name for one in features for name in one) if _last(name) in usual]
    found = []
    for name in sorted(names, key=lambda name: usual[_last(name)]):
        given_texts = [text for one in features if (text := _plain_text(one.get(name))) is not None]
        texts = set(given_texts)
        are_ids = len(texts) > 3 and len(texts) >= MANY * len(given_texts)
        if texts and not are_ids and not all(text.lower() in OBJECT_TYPES for text in texts):
            found.append(name)
    return found


def _last(name: str) -> str:
    """The name of a property in the form of ``comparable``, without that of the property around it."""
    return comparable(name) if comparable(name) in map(comparable, OTHERS) else comparable(name.rpartition(".")[2])


def _texts(features: Sequence[Properties], name: str) -> set[str]:
    return {text for one in features if (text := _plain_text(one.get(name))) is not None}


def _has_text(properties: Properties, name: str) -> bool:
    """Whether there is a classification; one that is not a text counts, and is refused when it is read."""
    try:
        return _text(properties.get(name)) is not None
    except ValueError:
        return True


def _plain_text(value: object) -> str | None:
    """A text or number that may be a label; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Mapping):
        return None
    try:
        return _text(value)
    except ValueError:
        return None


def _text(value: object) -> str | None:
    """The label that a property states. Raises ``ValueError`` for a value that is not a text."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        value = _parsed(value)
    if isinstance(value, Mapping):
        names = value.get("names")
        value = ": ".join(map(str, names)) if isinstance(names, list) and names else value.get("name")
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = f"{value:g}" if isinstance(value, float) else str(value)
    if value is None or isinstance(value, str):
        return given(value)
    raise ValueError(f"has a classification that is not a text: {json.dumps(value)[:60]}")


def _parsed(text: str) -> object:
    """A classification that a program such as geopandas wrote as text; other text is unchanged."""
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return parsed if isinstance(parsed, dict) else text


def _warn_of_forms(features: Sequence[Properties], path: Path, found: Labels) -> None:
    """A warning for labels that are read as those of the study although their case or form differs."""
    texts = sorted(_texts(features, found.name))
    pairs = [(text, found.known[comparable(text)]) for text in texts if comparable(text) in found.known]
    other = [f"{text!r} as {name!r}" for text, name in pairs if text != name]
    if other:
        warn(f"{path.name}: labels that differ only in case or form are read as the study's: {', '.join(other)}")
