# SPDX-License-Identifier: Apache-2.0
"""Settings of a comparison as tables of its HTML report: tiles, word formats, algorithm, rates, converters, devices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

from symtrack.cosim.report.html import Markup, element, folded, join, table
from symtrack.model.devices.presets import FAMILIES
from symtrack.model.spec.config import TileConfig

Values = Mapping[str, Any]


def settings_section(settings: Values) -> Markup:
    """The section of the page with all settings; ``settings`` is what `cosim.compare.training.settings_of` gives."""
    tiles = settings["tiles"]
    parts = [
        _comparison("Tiles: the configuration that RTL and golden model are built from", tiles, _texts(TileConfig)),
        element("h3", "Word widths"),
        *(_formats(name, TileConfig(**values)) for name, values in tiles.items()),
        element("h3", "Algorithm"),
        _single("Settings of the datapath", settings["algorithm"]),
        _single("Rates", settings["rates"]),
        _single("Converters of the products", settings["converters"]),
        element("h3", "Devices"),
        _devices(settings["devices"]),
    ]
    return join(parts)


def _texts(kind: type) -> dict[str, str]:
    """The descriptions that the fields of a dataclass carry, by field."""
    return {spec.name: spec.metadata.get("text", "") for spec in fields(kind)}


def _formats(name: str, config: TileConfig) -> Markup:
    words = (
        ("r", config.code_format, "ADC code of a read, in ADC LSB"),
        ("Q, Qref", config.reference_format, "filter and reference, in ADC LSB"),
        ("d", config.difference_format, "demodulated read c·(r − s), in ADC LSB"),
        ("H", config.hidden_format, f"hidden buffer; a write threshold is 2^{config.threshold_shift}"),
        ("n", config.pulses_format, f"pulses for a cell of W, clamped to ±{config.pulses_max}"),
        ("magnitude", config.magnitude_format, "of an update's vectors, and of a random word; 2^width is one"),
    )
    rows: list[Sequence[object]] = [
        (word, form.width, form.fraction, f"{form.low:,} to {form.high:,}", _left(text)) for word, form, text in words
    ]
    memories = {"Q": config.reference_format.width, "Qref": config.latched_bits, "H": config.hidden_bits}
    stored = {memory: config.lanes * (bits + config.parity) for memory, bits in memories.items()}
    sizes = ", ".join(f"{memory} {config.depth:,} × {bits} bit" for memory, bits in stored.items())
    parity = "a" if config.parity else "no"
    head = ("word", "bits", "of these after the point", "range", _left("meaning"))
    return join(
        (
            table(f"{name}: {config.rows}x{config.columns}", head, rows),
            element("p", f"Memories, {parity} parity bit in every word: {sizes}."),
        )
    )


def _single(caption: str, values: Values) -> Markup:
    return table(caption, ("setting", "value"), [(name, _value(value)) for name, value in values.items()])


def _comparison(caption: str, columns: Mapping[str, Values], texts: Mapping[str, str]) -> Markup:
    """A table with a row for every field of the dictionaries, a column for each dictionary, and the meaning of the
    field.
    """
    names = dict.fromkeys(name for values in columns.values() for name in values)
    rows: list[Sequence[object]] = [
        (name, *(_value(values.get(name, "–")) for values in columns.values()), _left(texts.get(name, "")))
        for name in names
    ]
    return table(caption, ("field", *columns, _left("meaning")), rows)


def _devices(devices: Mapping[str, Values]) -> Markup:
    families = {family.__name__: family for family in FAMILIES.values()}
    texts: dict[str, str] = {"family": "how steps depend on the state, see docs/devices.md"}
    for values in devices.values():
        texts |= _texts(families[values["family"]]) if values["family"] in families else {}
    return _comparison("Cells of the arrays", {f"array {name}": values for name, values in devices.items()}, texts)


def _value(value: object) -> object:
    """The value as text; a long list is folded away."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Iterable) and not isinstance(value, str):
        items = list(value)
        return folded(f"{len(items)} values", ", ".join(f"{item}" for item in items)) if len(items) > 4 else f"{items}"
    return f"{value}"


def _left(text: str) -> Markup:
    return element("span", text, class_="left")
