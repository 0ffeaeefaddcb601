# SPDX-License-Identifier: Apache-2.0
"""Layout of the AXI4-Streams: where the payloads of the tile's streams lie in the bytes of ``tdata``.

    value of a part = tdata[low + width - 1 : low],   every part begins at a byte

Parts of lanes follow each other lane by lane. Signed ones are sign-extended to their bytes on the way out, and the bits
above ``width`` are ignored on the way in. With ``stream_pad`` zeros above the last part make the width of ``tdata`` a
power of two. Source: docs/integration.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from symtrack.model.spec.config import TileConfig

BYTE = 8


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of a stream's beat: a payload, or one lane of a payload.

    Attributes
    ----------
    name : the name of the payload.
    low, width : its bits in ``tdata``.
    room : bits up to the next part.
    signed : whether it is sign-extended to its bytes.
    lane : its lane, None for payloads without lanes.
    """

    name: str
    low: int
    width: int
    room: int
    signed: bool = False
    lane: int | None = None


@dataclass(frozen=True)
class StreamLayout:
    """The parts of a stream.

    ``last`` is the payload that becomes ``tlast``, or "" where every beat is the last. If ``padded`` the width is a
    power of two.
    """

    parts: tuple[Part, ...]
    last: str = ""
    padded: bool = False

    @property
    def bits(self) -> int:
        """Width of tdata in bits."""
        return 1 << (self._used - 1).bit_length() if self.padded else self._used

    @property
    def padding(self) -> int:
        """The bits above the last part."""
        return self.bits - self._used

    @property
    def _used(self) -> int:
        return self.parts[-1].low + self.parts[-1].room

    def get(self, data: int, name: str) -> int | list[int]:
        """A payload taken out of tdata; a list of its lanes if it has any."""
        values = [_value(data >> part.low, part) for part in self.parts if part.name == name]
        return values if self._lanes(name) else values[0]

    def put(self, **payload: int | list[int]) -> int:
        """The value of tdata with these payloads; all others are 0."""
        data = 0
        for part in self.parts:
            value = payload.get(part.name, 0)
            if isinstance(value, list):
                value = value[part.lane or 0]
            data |= (value & ((1 << part.width) - 1)) << part.low
        return data

    def _lanes(self, name: str) -> bool:
        return any(part.lane is not None for part in self.parts if part.name == name)


def _value(data: int, part: Part) -> int:
    value = data & ((1 << part.width) - 1)
    return value - (1 << part.width) if part.signed and value >> (part.width - 1) else value


def _layout(*payloads: tuple[str, int, int | None, bool], last: str = "") -> StreamLayout:
    """The layout of payloads given by names, widths, numbers of lanes and signs; each payload begins at a byte."""
    parts, low = [], 0
    for name, width, lanes, signed in payloads:
        room = -(-width // BYTE) * BYTE
        for lane in [None] if lanes is None else range(lanes):
            parts.append(Part(name=name, low=low, width=width, room=room, signed=signed, lane=lane))
            low += room
    return StreamLayout(tuple(parts), last)


def stream_layouts(config: TileConfig) -> dict[str, StreamLayout]:
    """The layouts of all AXI4-Streams, by name: two into the controller, three out of it."""
    lanes = config.lanes
    layouts = {
        "vectors": _layout(("magnitude", config.magnitude_bits, lanes, False), ("negative", lanes, None, False)),
        "codes": _layout(("code", config.adc_bits, lanes, True)),
        "pulses": _layout(
            ("rows", config.rows, None, False),
            ("columns", config.columns, None, False),
            ("up", 1, None, False),
            ("quadrant", 2, None, False),
            ("slow", 1, None, False),
            last="last",
        ),
        "read": _layout(("column", config.column_bits, None, False), ("array", 1, None, False)),
        "writes": _layout(
            ("pulses", config.pulses_format.width, lanes, True),
            ("reference", config.reference_format.width, lanes, True),
            *([("residual", config.difference_format.width, lanes, True)] if config.residual_memory else ()),
            ("latch", lanes, None, False),
            ("column", config.column_bits, None, False),
            ("beat", config.beat_bits, None, False),
            ("array", 1, None, False),
            last="last",
        ),
    }
    return {name: replace(layout, padded=bool(config.stream_pad)) for name, layout in layouts.items()}
