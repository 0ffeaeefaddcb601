# SPDX-License-Identifier: Apache-2.0
"""Run-time settings of a tile as data, each with its width, range, unit and meaning; ports and registers follow."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum
from functools import cache
from operator import attrgetter
from typing import Any, get_type_hints

from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.validated import word

COUNT_BITS = 16  # width of the numbers of pulses and sweeps of one calibration
ROUND_BITS = 8  # width of the number of rounds of one programming


class Op(IntEnum):
    """What a command makes the tile do."""

    UPDATE = 0
    TRANSFER = 1
    CALIBRATE = 2
    PROGRAM = 3


class ChopperMode(IntEnum):
    """When the chopper of a column flips after a read of that column."""

    OFF = 0
    REGULAR = 1
    RANDOM = 2


class Scope(IntEnum):
    """Which columns flip together."""

    COLUMN = 0
    TILE = 1


class Reference(IntEnum):
    """What is subtracted from a read: nothing, Qref, or Q as it was before the read."""

    ZERO = 0
    LATCHED = 1
    FILTERED = 2


class Target(IntEnum):
    """Which array the slots of an update are for."""

    FAST = 0
    SLOW = 1


REGULAR_ONLY = ("random_chopper", ChopperMode.REGULAR)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Run-time settings, sampled when a command is accepted.

    A field says all there is to say of a setting: ports, registers, checks, the golden tile and random stimulus follow
    from it (`setting_specs`).
    """

    target: Target = word(Target.FAST, 1, "array that updates pulse")
    chopper: ChopperMode = word(
        ChopperMode.OFF, 2, "when the chopper of a column flips after a read of it", without=REGULAR_ONLY
    )
    scope: Scope = word(Scope.COLUMN, 1, "which columns flip together")
    row_chopper: ChopperMode = word(
        ChopperMode.OFF, 2, "when choppers of rows flip", needs="row_chopper", without=REGULAR_ONLY
    )
    reference: Reference = word(Reference.ZERO, 2, "what is subtracted from a read", needs="symmetric_point")
    filter: bool = word(True, 1, "off: Q is left alone", needs="symmetric_point")
    latch: bool = word(False, 1, "on: a transfer latches Qref in every cell", needs="symmetric_point")
    direct: bool = word(False, 1, "on: writes are gain * d rounded at random, without H", needs="direct_writes")
    gain: int = word(0, "gain_bits", "multiplier of the demodulated read")
    forget: bool = word(False, 1, "on: momentum after a write, off: H loses what was written")
    momentum: int = word(
        0, "momentum_bits", "what is left of H after a write", unit="2**-momentum_bits", needs="hidden_momentum"
    )
    accumulate: bool = word(True, 1, "off: H is left alone and nothing is written; filter and chopper go on")
    calibration_pulses: int = word(
        0, COUNT_BITS, "zero-shifting of all cells of P by a calibration", unit="slots", needs="zero_shift"
    )
    calibration_sweeps: int = word(
        0,
        COUNT_BITS,
        "reads of every column by a calibration, the last of which latches Qref",
        unit="sweeps",
        needs="symmetric_point",
    )
    calibration_random: bool = word(
        False, 1, "on: random polarities, off: alternating from an upward one", needs="zero_shift"
    )
    tolerance: int = word(
        0,
        "reference_format.width",
        "largest difference of R from Qref that a programming leaves",
        unit="LSB of Q",
    )
    rounds: int = word(1, ROUND_BITS, "most reads of a column by a programming", unit="reads")
    used_rows: int = word(0, "row_count_bits", "rows in use, from the first on; 0: all", high="rows")
    used_columns: int = word(0, "column_count_bits", "columns in use, from the first on; 0: all", high="columns")


@dataclass(frozen=True, kw_only=True)
class SettingSpec:
    """A setting in one configuration.

    Attributes
    ----------
    kind : bool, int or an enumeration.
    high : largest value that has a meaning.
    width, default, unit, text : bits of its port, default value, unit and description.
    """

    name: str
    kind: type
    width: int
    high: int
    default: int
    unit: str
    text: str

    def decoded(self, word: int) -> Any:
        """The setting that a word on the port stands for; codes without a meaning act as 0."""
        return self.kind(word if word <= self.high else 0)


@cache
def setting_specs(config: TileConfig) -> tuple[SettingSpec, ...]:
    """All settings of a configuration, in the order of the ports."""
    kinds, plain = get_type_hints(Settings), Settings()
    found = []
    for spec in fields(Settings):
        kind, given = kinds[spec.name], spec.metadata
        width = given["width"] if isinstance(given["width"], int) else attrgetter(given["width"])(config)
        high = max(kind) if issubclass(kind, IntEnum) else (1 << width) - 1
        if given["high"]:
            high = getattr(config, given["high"])
        if given["without"] and not getattr(config, given["without"][0]):
            high = given["without"][1]
        if given["needs"] and not getattr(config, given["needs"]):
            high = 0
        codes = ", ".join(f"{code.value} {code.name.lower()}" for code in kind) if issubclass(kind, IntEnum) else ""
        found.append(
            SettingSpec(
                name=spec.name,
                kind=kind,
                width=width,
                high=int(high),
                default=min(int(getattr(plain, spec.name)), int(high)),
                unit=given["unit"],
                text=f"{given['text']}: {codes}" if codes else given["text"],
            )
        )
    return tuple(found)


def effective(settings: Settings, config: TileConfig) -> Settings:
    """The settings as a tile of a configuration acts on them: codes without a meaning there act as 0."""
    specs = setting_specs(config)
    return Settings(**{spec.name: spec.decoded(int(getattr(settings, spec.name))) for spec in specs})
