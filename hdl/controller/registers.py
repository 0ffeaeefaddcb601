# SPDX-License-Identifier: Apache-2.0
"""The register map of the controller as data; RTL, C header, documentation and tests are made from this one table.

    word address = offset / 4,   field = word[low + width - 1 : low]

The access of a field is ``ro`` (read only), ``rw``, ``wo`` (reads as zero) or ``w1c`` (writing a one clears). A
register may be written if one of its fields may. A value above the ``high`` of a field is refused and changes nothing,
and so is a one in a bit that belongs to no field: it is what does not fit the field below it. In a register of ``w1c``
such ones are ignored. The bits read as zero. Zero in a field that is ``nonzero`` is refused, too. Source:
docs/integration.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.polynomials import DEGREE
from symtrack.model.spec.settings import Op, setting_specs
from symtrack.model.spec.status import COUNTERS, FLAGS, MEMORY_ERROR, StatusSpec

WORD = 32
ADDRESS_BITS = 12
IDENTIFICATION = 0x53594D54  # "SYMT"
VERSION = 3
SIGNS = 0x100, 0x180  # signs of columns, signs of rows: 32 in a word
SEED = 0x60
COUNTER_BASE = 0x80


@dataclass(frozen=True, kw_only=True)
class Field:
    """A field: some bits of a register, see the module; ``nonzero``: a value of 0 is refused."""

    name: str
    low: int
    width: int
    access: str
    text: str
    reset: int = 0
    high: int | None = None
    nonzero: bool = False

    @property
    def mask(self) -> int:
        """The bits of the field in its word."""
        return ((1 << self.width) - 1) << self.low


@dataclass(frozen=True, kw_only=True)
class Register:
    """A register: a word at an offset in bytes, with its fields; ``whole``: a write of some of its bytes is refused."""

    name: str
    offset: int
    text: str
    fields: tuple[Field, ...]
    whole: bool = False

    @property
    def mask(self) -> int:
        """The bits of all fields."""
        return sum(field.mask for field in self.fields)

    @property
    def allowed(self) -> int:
        """The bits that may be one in a write: those of fields, or all where ones clear: all ones clear all."""
        return (1 << WORD) - 1 if all(field.access == "w1c" for field in self.fields) else self.mask

    @property
    def readable(self) -> bool:
        """At least one field can be read."""
        return any(field.access != "wo" for field in self.fields)

    @property
    def writable(self) -> bool:
        """At least one field can be written."""
        return any(field.access != "ro" for field in self.fields)

    @property
    def reset(self) -> int:
        """The word that is read after reset, as far as it does not follow the tile."""
        return sum(field.reset << field.low for field in self.fields)

    def field(self, name: str) -> Field:
        """The field with a given name."""
        return next(field for field in self.fields if field.name == name)


EVENTS = {
    "done": "an operation has ended",
    "unmapped": "an access to an address without a register",
    "forbidden": "a write to a register that cannot be written, or a read of one that cannot be read",
    "refused": (
        "a value beyond the largest of its field, a one outside of all fields, part of a command or seed, or a seed of "
        "zero was written"
    ),
    "overrun": "a command was written while another one was waiting, or a seed while one was",
    "watchdog": "an operation lasted longer than `watchdog` cycles",
    **{spec.name: f"{spec.text} for the first time since reset" for spec in FLAGS},
    MEMORY_ERROR.name: MEMORY_ERROR.text,
}


def injected(config: TileConfig) -> dict[str, str]:
    """The memories whose parity can be made wrong, and their letters."""
    point = {"q": "Q", "qref": "Qref"} if config.symmetric_point else {}
    return point | {"hidden": "H"} | ({"residual": "D"} if config.residual_memory else {})


def registers(config: TileConfig) -> tuple[Register, ...]:
    """All registers of a configuration, in the order of their offsets."""
    operations = int(Op.PROGRAM if config.programmer else Op.CALIBRATE)
    table = [
        _constant("identification", 0x00, 'the letters "SYMT"', [("letters", WORD, IDENTIFICATION)]),
        _constant("version", 0x04, "of this register map", [("version", WORD, VERSION)]),
        _constant("configuration", 0x08, "start of its fingerprint", [("hash", WORD, int(config.fingerprint[:8], 16))]),
        _constant("size", 0x0C, "of the crossbar", [("rows", 16, config.rows), ("columns", 16, config.columns)]),
        _parameters(config, "formats", 0x10, ("lanes", "adc_bits", "magnitude_bits", "bl_max")),
        _parameters(
            config, "arithmetic", 0x14, ("reference_fraction_bits", "filter_shift", "gain_bits", "hidden_bits")
        ),
        _parameters(config, "writes", 0x18, ("threshold_shift", "pulses_max", "momentum_bits", "latch_shift")),
        _parameters(config, "options", 0x1C, ("row_chopper", "programmer", "counter_bits", "self_test")),
        Register(
            name="status",
            offset=0x20,
            text="what the tile is doing",
            fields=(
                _told("busy", 0, 1, "an operation runs or waits, a seed waits, or memories are cleared", reset=1),
                _told("waiting", 1, 1, "a command waits for the end of an operation"),
                *(_told(spec.name, 2 + index, 1, "sticky until reset") for index, spec in enumerate(FLAGS)),
                _told("column", 16, config.column_bits, "the next column to be read, or that is programmed"),
            ),
        ),
        _flags("events", 0x24, "what has happened; each bit stays until a one is written to it", "w1c"),
        _flags("interrupt", 0x28, "events that raise the interrupt line", "rw"),
        Register(
            name="command",
            offset=0x2C,
            text="starts an operation, at once or at the end of the one that runs; written as a whole word",
            whole=True,
            fields=(
                _ordered("op", 0, 2, "0 update, 1 transfer, 2 calibrate, 3 program", high=operations),
                _ordered("bl", 8, config.bl_bits, "slots per quadrant of an update", high=config.bl_max),
                _ordered("column", 16, config.column_bits, "column to be programmed", high=config.columns - 1),
            ),
        ),
        Register(
            name="control",
            offset=0x30,
            text="of the tile",
            fields=(
                _ordered("reset", 0, 1, "1: reset of tile and command at once, memories are cleared"),
                _ordered(
                    "drain", 1, 1, "1: the same as soon as no stream has a beat on offer; none offers another one"
                ),
            ),
        ),
        Register(
            name="watchdog",
            offset=0x34,
            text="longest time of an operation",
            fields=(Field(name="cycles", low=0, width=WORD, access="rw", text="clock cycles, 0: as long as it takes"),),
        ),
        *(_self_test(config) if config.self_test else ()),
        *_settings(config),
        *([_parameters(config, "memories", 0x58, ("residual_memory",))] if config.residual_memory else ()),
        Register(
            name="seed",
            offset=SEED,
            text="state of a random source: each write moves all of them one source on; written as a whole word",
            whole=True,
            fields=(_ordered("state", 0, DEGREE, "of the last source; not zero", nonzero=True),),
        ),
    ]
    for index, spec in enumerate(COUNTERS):
        table += _counter(config, spec, COUNTER_BASE + 8 * index)
    for name, base, lines in (("column_signs", SIGNS[0], config.columns), ("row_signs", SIGNS[1], config.rows)):
        table += [
            Register(
                name=f"{name}_{word}",
                offset=base + 4 * word,
                text=f"choppers of lines {WORD * word} to {min(lines, WORD * (word + 1)) - 1}",
                fields=(
                    Field(
                        name="negative",
                        low=0,
                        width=min(WORD, lines - WORD * word),
                        access="ro",
                        text="1 where the sign is -1",
                    ),
                ),
            )
            for word in range(-(-lines // WORD))
        ]
    return tuple(sorted(table, key=lambda register: register.offset))


def _self_test(config: TileConfig) -> tuple[Register, Register]:
    """Registers that provoke what firmware has to be tested with."""
    memories = [
        _ordered(name, bit, 1, f"1: the next word of {text} that is written")
        for bit, (name, text) in enumerate(injected(config).items())
    ]
    lane = _ordered("lane", 8, config.lane_bits, "in which lane", high=config.lanes - 1)
    return (
        _flags("intr_test", 0x38, "sets events as if they had happened", "wo"),
        Register(
            name="inject",
            offset=0x3C,
            text="wrong parity, once, in a word of a memory; written as a whole word",
            fields=(*memories, lane),
            whole=True,
        ),
    )


def _told(name: str, low: int, width: int, text: str, reset: int = 0) -> Field:
    return Field(name=name, low=low, width=width, access="ro", text=text, reset=reset)


def _ordered(name: str, low: int, width: int, text: str, high: int | None = None, *, nonzero: bool = False) -> Field:
    return Field(name=name, low=low, width=width, access="wo", text=text, high=high, nonzero=nonzero)


def settings_fields(config: TileConfig) -> Iterable[Field]:
    """The fields of all settings, each named as a member of `model.spec.settings.Settings`."""
    return (field for register in _settings(config) for field in register.fields)


# Where the settings lie: register, offset, text, and the lowest bit of each of its fields.
SETTINGS_LAYOUT: tuple[tuple[str, int, str, dict[str, int]], ...] = (
    (
        *("modes", 0x40, "of updates, transfers and calibrations"),
        {
            "target": 0,
            "scope": 1,
            "chopper": 2,
            "row_chopper": 4,
            "reference": 6,
            "filter": 8,
            "latch": 9,
            "direct": 10,
            "forget": 11,
            "accumulate": 12,
            "calibration_random": 13,
        },
    ),
    ("gain", 0x44, "of the demodulated read", {"gain": 0, "momentum": 16}),
    ("calibration", 0x48, "lengths", {"calibration_pulses": 0, "calibration_sweeps": 16}),
    ("tolerance", 0x4C, "of a programming", {"tolerance": 0}),
    ("rounds", 0x50, "of a programming", {"rounds": 0}),
    ("used", 0x54, "size of the part of the crossbar that is in use", {"used_rows": 0, "used_columns": 16}),
)


def _settings(config: TileConfig) -> list[Register]:
    specs = {spec.name: spec for spec in setting_specs(config)}

    def setting(name: str, low: int) -> Field:
        spec = specs[name]
        high = spec.high if spec.high < (1 << spec.width) - 1 else None
        text = f"{spec.text}, in {spec.unit}" if spec.unit else spec.text
        return Field(name=name, low=low, width=spec.width, access="rw", text=text, high=high, reset=spec.default)

    return [
        Register(name=name, offset=offset, text=text, fields=tuple(setting(*place) for place in places.items()))
        for name, offset, text, places in SETTINGS_LAYOUT
    ]


def _counter(config: TileConfig, spec: StatusSpec, offset: int) -> list[Register]:
    low = Field(name="low", low=0, width=min(WORD, config.counter_bits), access="ro", text="lowest 32 bits")
    high = Field(
        name="high",
        low=0,
        width=max(1, config.counter_bits - WORD),
        access="ro",
        text="the bits above, if there are any",
    )
    return [
        Register(
            name=spec.name,
            offset=offset,
            text=f"{spec.text} since reset, saturating; reading it keeps the bits above for the next word",
            fields=(low,),
        ),
        Register(
            name=f"{spec.name}_high",
            offset=offset + 4,
            text=f"of `{spec.name}` when that was last read",
            fields=(high,),
        ),
    ]


def _constant(name: str, offset: int, text: str, parts: list[tuple[str, int, int]]) -> Register:
    fields, low = [], 0
    for part, width, value in parts:
        fields.append(Field(name=part, low=low, width=width, access="ro", reset=value, text=f"{value:#x}"))
        low += width
    return Register(name=name, offset=offset, text=text, fields=tuple(fields))


def _parameters(config: TileConfig, name: str, offset: int, parts: tuple[str, ...]) -> Register:
    return _constant(
        name, offset, "parameters of the configuration", [(part, 8, getattr(config, part)) for part in parts]
    )


def _flags(name: str, offset: int, text: str, access: str) -> Register:
    fields = [
        Field(name=event, low=index, width=1, access=access, text=text_of)
        for index, (event, text_of) in enumerate(EVENTS.items())
    ]
    return Register(name=name, offset=offset, text=text, fields=tuple(fields))
