# SPDX-License-Identifier: Apache-2.0
"""The specification as data: one frozen, validated `TileConfig` from which both sides are built.

`model` computes from it and `hdl` is elaborated from it; it holds sizes, word formats, taps, seeds and
cycle counts and no behaviour. `docs/tile.md` says in words what the fields mean for the tile.
"""

from __future__ import annotations

import hashlib
import math
import re
import tomllib
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from symtrack.model.spec.fixed import Format
from symtrack.model.spec.polynomials import DEGREE, dense_primitive, mix64, sparse_primitives
from symtrack.model.spec.random_specs import BankSpec, SourceSpec
from symtrack.model.spec.validated import Validated, integer, own

CHOPPER_RANDOM_BITS = 16
DITHER_BITS = 16  # most bits of a word that rounds an unbuffered write
SLOT_LATENCY = 4  # cycles from the first of PULSE or SHIFT to the first slot
SEED_CYCLES = 3  # of a seed that is loaded
BEAT_LATENCY = 11  # cycles from an accepted beat of ADC codes to the write pulses it causes
# Parts that every tile has unless it is told to leave them out.
PARTS = ("direct_writes", "hidden_momentum", "zero_shift", "random_chopper", "parity")
# What came later is left out of fingerprints and files where it is as if it were not there, so that these stay.
ADDED = {"stream_pad": 0, "self_test": 0, "residual_memory": 0, "shared_sources": 0, "symmetric_point": 1}
ADDED |= dict.fromkeys(PARTS, 1)
NAMED: dict[str, TileConfig] = {}  # filled below
LONGEST_NAME = 40
OWN_NAME = re.compile(rf"(?!custom_|\w*_controller$)[a-z][a-z0-9_]{{0,{LONGEST_NAME - 1}}}")
GIVEN_NAME = re.compile(r"custom_[0-9a-f]{8}")  # to configurations that have none of their own
SEED_BITS = 32
DEFAULT_SEED = 1 << SEED_BITS  # of the states after a reset; no seed that a host can load gives the same


@dataclass(frozen=True, kw_only=True)
class UsedLines:
    """The rows and columns that an operation uses, from the first of each on; cycles are those without any wait."""

    rows: int
    columns: int
    lanes: int

    @property
    def row_beats(self) -> int:
        """Beats that carry one value per row."""
        return -(-self.rows // self.lanes)

    @property
    def column_beats(self) -> int:
        """Beats that carry one value per column."""
        return -(-self.columns // self.lanes)

    def update_cycles(self, slots: int) -> int:
        """Cycles of an update with ``slots`` = non-empty quadrants * BL."""
        return 1 + self.column_beats + self.row_beats + SLOT_LATENCY + slots

    @property
    def transfer_cycles(self) -> int:
        """Cycles of a transfer."""
        return 1 + self.read_cycles

    @property
    def read_cycles(self) -> int:
        """Cycles of one read without a command."""
        return self.row_beats + BEAT_LATENCY + 1

    def calibration_cycles(self, pulses: int, sweeps: int) -> int:
        """Cycles of a calibration."""
        return 1 + (SLOT_LATENCY + pulses if pulses else 0) + sweeps * self.columns * self.read_cycles

    def programming_cycles(self, rounds: int) -> int:
        """Cycles of a programming that took so many rounds."""
        return 1 + rounds * self.read_cycles


@dataclass(frozen=True, kw_only=True)
class TileConfig(Validated):
    """Sizes, formats, taps and seeds of one crossbar tile.

    Raises
    ------
    TypeError
        A field has another type than its default.
    ValueError
        A field lies outside its range or contradicts another; the message names field, value and what is allowed.
    """

    rows: int = integer(1, 1024, 16, "outputs of the crossbar, index i")
    columns: int = integer(1, 1024, 16, "inputs of the crossbar, index j")
    lanes: int = integer(1, 64, 4, "rows handled per clock cycle in vector loads and transfers")
    adc_bits: int = integer(2, 16, 9, "width of a signed ADC code")
    magnitude_bits: int = integer(1, 16, 12, "width of an unsigned update magnitude and of a random word")
    bl_max: int = integer(1, 63, 31, "longest pulse train, in slots per quadrant")
    filter_shift: int = integer(0, 8, 2, "k of the low-pass filter, eta = 2**-k")
    reference_fraction_bits: int = integer(0, 12, 6, "fractional bits of Q and Qref below the ADC LSB")
    latch_shift: int = integer(0, 12, 0, "Qref is latched in multiples of 2**latch_shift units of Q")
    gain_bits: int = integer(1, 16, 12, "width of the unsigned gain setting")
    hidden_bits: int = integer(4, 40, 24, "width of a signed word of the hidden buffer H")
    threshold_shift: int = integer(0, 38, 16, "t of the write threshold, 2**t units of H")
    pulses_max: int = integer(1, 127, 10, "n_max, most pulses written to one cell by one transfer")
    momentum_bits: int = integer(1, 8, 4, "width of the momentum setting, a fraction of one")
    chopper_period: int = integer(1, 65535, 20, "reads of a column between its regular flips")
    chopper_probability: float = own(0.05, "probability of a random flip per read")
    row_chopper: int = integer(0, 1, 0, "1: rows have choppers of their own, too")
    programmer: int = integer(0, 1, 0, "1: the tile can program the reference array R by write and verify")
    counter_bits: int = integer(8, 48, 32, "width of the saturating event counters")
    seed: int = integer(
        0,
        (1 << SEED_BITS) - 1,
        1,
        "seed of the random sources, which hosts load after a reset; no part of the hardware",
    )
    name: str = field(
        default="",
        compare=False,
        metadata={
            "text": "of files, modules and macros; without it that of a named configuration, or custom_HASH",
            "own": True,
        },
    )
    stream_pad: int = integer(0, 1, 0, "1: the widths of the controller's AXI4-Streams are powers of two")
    self_test: int = integer(0, 1, 0, "1: the controller can provoke its events and memory errors, to test firmware")
    residual_memory: int = integer(0, 1, 0, "1: the tile keeps the last d of each cell, for products that are digital")
    direct_writes: int = integer(0, 1, 1, "1: reads can be written without H, rounded at random")
    hidden_momentum: int = integer(0, 1, 1, "1: a write can leave a share of H, which momentum says")
    zero_shift: int = integer(0, 1, 1, "1: a calibration can give slots to all cells")
    random_chopper: int = integer(0, 1, 1, "1: choppers can flip at random")
    parity: int = integer(0, 1, 1, "1: words of the memories have a parity bit each")
    shared_sources: int = integer(0, 1, 0, "1: a random source of a bank has two words a step, by a sparse polynomial")
    symmetric_point: int = integer(0, 1, 1, "1: the tile tracks symmetric points in Q and Qref")

    def __post_init__(self) -> None:
        super().__post_init__()
        p, step = self.chopper_probability, 2.0**-CHOPPER_RANDOM_BITS
        if isinstance(p, bool) or not isinstance(p, (int, float)):
            raise TypeError(f"chopper_probability = {p!r}: must be a number from 0 to 1")
        if not (p in (0, 1) or step <= p <= 1 - step):
            raise ValueError(
                f"chopper_probability = {p!r}: must be a number from 0 to 1, and if not 0 or 1 at least {step:.3g} "
                "away from both"
            )
        object.__setattr__(self, "chopper_probability", float(p) + 0.0)  # equal values, equal fingerprints
        object.__setattr__(self, "name", self._called())
        if self.lanes > self.rows:
            raise ValueError(f"lanes = {self.lanes}: must be at most rows = {self.rows}")
        if self.reference_fraction_bits < self.filter_shift:
            raise ValueError(
                f"reference_fraction_bits = {self.reference_fraction_bits}: must be at least "
                f"filter_shift = {self.filter_shift}, or the filter has a dead zone wider than one ADC LSB"
            )
        if self.latch_shift > self.reference_format.width - 2:
            raise ValueError(
                f"latch_shift = {self.latch_shift}: must be at most adc_bits + reference_fraction_bits - 2 = "
                f"{self.reference_format.width - 2}, or every reference is zero"
            )
        if self.threshold_shift > self.hidden_bits - 2:
            raise ValueError(
                f"threshold_shift = {self.threshold_shift}: must be at most hidden_bits - 2 = "
                f"{self.hidden_bits - 2}, or H can never reach its threshold"
            )
        if self.programmer > self.symmetric_point:
            raise ValueError(
                f"programmer = {self.programmer}: must be 0 with symmetric_point = 0, there is no Qref to program"
            )
        if self.self_test > self.parity:
            raise ValueError(f"self_test = {self.self_test}: must be 0 with parity = 0, it makes parities wrong")

    # ---- construction ----------------------------------------------------------------------------------

    @classmethod
    def from_dict(cls, values: dict[str, Any], origin: str = "configuration") -> TileConfig:
        """Defaults with ``values`` in their place; unknown names are errors."""
        known = [spec.name for spec in fields(cls)]
        for name in values:
            if name not in known:
                raise ValueError(f"{origin}: unknown field {name!r}: must be one of {', '.join(known)}")
        return cls(**values)

    @classmethod
    def load(cls, source: str | Path) -> TileConfig:
        """A named configuration (see `NAMED`) or a TOML file that holds what differs from the defaults."""
        if str(source) in NAMED:
            return NAMED[str(source)]
        path = Path(source)
        if path.suffix != ".toml":
            raise ValueError(
                f"config = {str(source)!r}: must be one of {', '.join(NAMED)}, or the path of a .toml file"
            )
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        except OSError as error:
            raise ValueError(f"config = {str(source)!r}: must be a readable file ({error.strerror})") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ValueError(f"config = {str(source)!r}: must be valid TOML ({error})") from None
        config = cls.from_dict(values, origin=str(source))
        if values.get("name") and config.name != values["name"]:
            raise ValueError(
                f"{source}: name = {values['name']!r}: must be one of its own, since {config.name!r} is what symtrack "
                "calls these fields"
            )
        return config

    def replace(self, **changes: Any) -> TileConfig:
        """A copy with some fields changed, validated again."""
        return replace(self, **changes)

    @property
    def fingerprint(self) -> str:
        """SHA-256 over all fields but name and seed: equal exactly for tiles with the same netlist."""
        values = self._hardware | {"seed": 1}  # as it was when the seed was part of the netlist, so that most stay
        there = [(key, value) for key, value in sorted(values.items()) if key not in ADDED or value != ADDED[key]]
        return hashlib.sha256(repr(there).encode()).hexdigest()

    @property
    def _hardware(self) -> dict[str, Any]:
        """What a netlist follows from: all fields but name and seed."""
        return {spec.name: getattr(self, spec.name) for spec in fields(self) if spec.compare and spec.name != "seed"}

    @property
    def own_name(self) -> str:
        """The name that was given to the configuration, "" if ``name`` follows from its fields."""
        return "" if self.name in NAMED or GIVEN_NAME.fullmatch(self.name) else self.name

    def _called(self) -> str:
        """The own name, or that of the named configuration of the same hardware, or ``custom_`` and a fingerprint.

        A name that follows from fields, and came along with a copy, is found anew.
        """
        if not isinstance(self.name, str):
            raise TypeError(f"name = {self.name!r}: must be a text")
        if not self.own_name:
            same = (name for name, config in NAMED.items() if config._hardware == self._hardware)
            return next(same, f"custom_{self.fingerprint[:8]}")
        if not OWN_NAME.fullmatch(self.name):
            raise ValueError(
                f"name = {self.name!r}: must be at most {LONGEST_NAME} lower-case letters, digits and underscores, a "
                "letter first, and neither begin with custom_ nor end with _controller"
            )
        return self.name

    # ---- formats ---------------------------------------------------------------------------------------

    @property
    def code_format(self) -> Format:
        """ADC code r."""
        return Format(self.adc_bits)

    @property
    def reference_format(self) -> Format:
        """Q and Qref."""
        return Format(self.adc_bits + self.reference_fraction_bits, self.reference_fraction_bits)

    @property
    def difference_format(self) -> Format:
        """d = c * (r - Qref), and D, the last of them that was accumulated."""
        return Format(self.adc_bits + self.reference_fraction_bits + 1, self.reference_fraction_bits)

    @property
    def hidden_format(self) -> Format:
        """H, in the unit of gain * d; the write threshold is ``2**threshold_shift`` of them."""
        return Format(self.hidden_bits)

    @property
    def pulses_format(self) -> Format:
        """Signed pulse count n of one cell."""
        return Format(self.pulses_max.bit_length() + 1)

    @property
    def magnitude_format(self) -> Format:
        """Update magnitude, ``2**magnitude_bits`` stands for the probability one."""
        return Format(self.magnitude_bits, self.magnitude_bits, signed=False)

    @property
    def bl_bits(self) -> int:
        """Width of a pulse train length."""
        return self.bl_max.bit_length()

    @property
    def row_count_bits(self) -> int:
        """Width of a number of rows."""
        return self.rows.bit_length()

    @property
    def column_count_bits(self) -> int:
        """Width of a number of columns."""
        return self.columns.bit_length()

    @property
    def row_bits(self) -> int:
        """Width of a row index."""
        return max(1, (self.rows - 1).bit_length())

    @property
    def column_bits(self) -> int:
        """Width of a column index."""
        return max(1, (self.columns - 1).bit_length())

    @property
    def beat_bits(self) -> int:
        """Width of the index of a row beat."""
        return max(1, (self.row_beats - 1).bit_length())

    @property
    def lane_bits(self) -> int:
        """Width of the index of a lane."""
        return max(1, (self.lanes - 1).bit_length())

    @property
    def address_bits(self) -> int:
        """Width of a memory address."""
        return max(1, (self.depth - 1).bit_length())

    @property
    def dither_bits(self) -> int:
        """Width of the words that round unbuffered writes; the lowest has the weight ``threshold / 2**dither_bits``."""
        return min(DITHER_BITS, self.threshold_shift) if self.direct_writes else 0

    @property
    def latched_bits(self) -> int:
        """Width of a word of Qref in its memory, which has no bits that are always 0."""
        return self.reference_format.width - self.latch_shift

    @property
    def sweeps(self) -> int:
        """Sweeps after which regular choppers of columns and rows repeat."""
        return 2 * self.chopper_period

    @property
    def chopper_flip_below(self) -> int:
        """A random flip happens when a `CHOPPER_RANDOM_BITS`-bit word is below this."""
        return round(self.chopper_probability * (1 << CHOPPER_RANDOM_BITS))

    # ---- geometry and cycle counts -----------------------------------------------------------------------

    def used(self, rows: int = 0, columns: int = 0) -> UsedLines:
        """The lines that settings ``used_rows`` and ``used_columns`` say: 0, and more than there are, is all."""
        return UsedLines(
            rows=rows if 0 < rows <= self.rows else self.rows,
            columns=columns if 0 < columns <= self.columns else self.columns,
            lanes=self.lanes,
        )

    @property
    def row_beats(self) -> int:
        """Beats that carry one value per row."""
        return self.used().row_beats

    @property
    def column_beats(self) -> int:
        """Beats that carry one value per column."""
        return self.used().column_beats

    @property
    def depth(self) -> int:
        """Words in each of the memories of Q, Qref, H and D; address = column * row_beats + beat."""
        return self.columns * self.row_beats

    @property
    def clear_cycles(self) -> int:
        """Cycles from the end of reset until the first command can be accepted."""
        return self.depth

    def update_cycles(self, slots: int) -> int:
        """Cycles of an update with ``slots`` = non-empty quadrants * BL, no stream ever waiting, of all lines."""
        return self.used().update_cycles(slots)

    @property
    def transfer_cycles(self) -> int:
        """Cycles of a transfer, no stream ever waiting, of all lines."""
        return self.used().transfer_cycles

    @property
    def read_cycles(self) -> int:
        """Cycles of one read without a command, of all lines."""
        return self.used().read_cycles

    def calibration_cycles(self, pulses: int, sweeps: int) -> int:
        """Cycles of a calibration, no stream ever waiting, of all lines."""
        return self.used().calibration_cycles(pulses, sweeps)

    def programming_cycles(self, rounds: int) -> int:
        """Cycles of a programming that took so many rounds, no stream ever waiting, of all lines."""
        return self.used().programming_cycles(rounds)

    # ---- random sources ----------------------------------------------------------------------------------

    @cached_property
    def row_bank(self) -> BankSpec:
        """Sources of the row trains."""
        return self._bank(self.rows, 0, self.magnitude_bits)

    @cached_property
    def column_bank(self) -> BankSpec:
        """Sources of the column trains."""
        return self._bank(self.columns, len(self.row_bank.sources), self.magnitude_bits)

    @cached_property
    def chopper_source(self) -> SourceSpec:
        """Source of the random chopper flips."""
        index = len(self.row_bank.sources) + len(self.column_bank.sources)
        return self._source(index, CHOPPER_RANDOM_BITS)

    @property
    def chopper_draws(self) -> bool:
        """Whether there is a `chopper_source`: for random flips, or for random polarities of zero-shifting."""
        return bool(self.random_chopper or self.zero_shift)

    @cached_property
    def dither_bank(self) -> BankSpec:
        """Sources of the words that round unbuffered writes, a line per lane; none if ``dither_bits`` is 0."""
        index = len(self.row_bank.sources) + len(self.column_bank.sources) + self.chopper_draws
        return self._bank(self.lanes, index, self.dither_bits) if self.dither_bits else BankSpec(0, 0, ())

    @cached_property
    def row_chopper_bank(self) -> BankSpec:
        """Sources of the random flips of rows, a line per row; none if rows have no choppers, or none at random."""
        banks = (self.row_bank, self.column_bank, self.dither_bank)
        index = sum(len(bank.sources) for bank in banks) + self.chopper_draws
        random = self.row_chopper and self.random_chopper
        return self._bank(self.rows, index, CHOPPER_RANDOM_BITS) if random else BankSpec(0, 0, ())

    def _bank(self, lines: int, first: int, bits: int) -> BankSpec:
        each = 1 + self.shared_sources
        split = each * -(-(math.isqrt(lines - 1) + 1) // each)
        count = split // each + -(-lines // (split * each))
        return BankSpec(lines, split, tuple(self._source(first + k, bits, each) for k in range(count)))

    def _source(self, index: int, bits: int, words: int = 1) -> SourceSpec:
        polynomial = dense_primitive(index) if words == 1 else sparse_primitives()[index]
        return SourceSpec(polynomial, source_state(DEFAULT_SEED, index), bits, words)

    @cached_property
    def sources(self) -> tuple[SourceSpec, ...]:
        """All sources, in the order in which states are loaded into them."""
        banks = self.row_bank.sources + self.column_bank.sources
        chopper = (self.chopper_source,) if self.chopper_draws else ()
        return (*banks, *chopper, *self.dither_bank.sources, *self.row_chopper_bank.sources)

    @property
    def seeds(self) -> tuple[int, ...]:
        """States that hosts load into the sources after a reset, in their order; they follow from ``seed``."""
        return tuple(source_state(self.seed, index) for index in range(len(self.sources)))

    @property
    def seed_cycles(self) -> int:
        """Cycles of the load of all seeds, while memories are cleared or the tile is idle."""
        return SEED_CYCLES * len(self.sources)


def source_state(seed: int, index: int) -> int:
    """State of the source ``index`` that a seed gives: the top 32 bits of mix64(seed * 2**16 + index + 1), never 0."""
    return mix64((seed << 16) + index + 1) >> (64 - DEGREE) or 1


# Narrow words, without any part that AGAD and E-RIDER do not use: both have regular choppers, the latched reference and
# a buffer that is empty after a write. The tables of word widths in docs/results.md try one word at a time; what these
# cost together, in accuracy, is in docs/options.md.
_MINIMAL: dict[str, Any] = {
    "rows": 32,
    "columns": 32,
    "adc_bits": 7,
    "magnitude_bits": 8,
    "reference_fraction_bits": 4,
    "latch_shift": 4,
    "gain_bits": 8,
    "hidden_bits": 12,
    "threshold_shift": 8,
    **dict.fromkeys(PARTS, 0),
}
_BUILT_IN = (
    TileConfig(name="tiny", rows=3, columns=5, lanes=1, chopper_period=3, programmer=1),
    TileConfig(name="small", rows=16, columns=16, lanes=4, chopper_period=5, programmer=1),
    TileConfig(name="digits_hidden", rows=32, columns=65, lanes=4),
    TileConfig(name="digits_output", rows=10, columns=33, lanes=2, seed=2),
    TileConfig(name="odd", rows=17, columns=7, lanes=4, chopper_period=4, programmer=1),
    TileConfig(name="agad_minimal", **_MINIMAL),
    TileConfig(name="e_rider_minimal", programmer=1, **_MINIMAL),
)
NAMED.update((config.name, config) for config in _BUILT_IN)
