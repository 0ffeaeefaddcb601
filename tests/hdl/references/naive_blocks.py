# SPDX-License-Identifier: Apache-2.0
"""Naive blocks for tests, written with exact fractions from the equations of docs/tile.md."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from fractions import Fraction

from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.random_specs import BankSpec, SourceSpec
from symtrack.model.spec.settings import ChopperMode, Reference, Scope, Settings


class Register:
    """Section 3: a feedback shift register, shifted one bit at a time."""

    def __init__(self, spec: SourceSpec) -> None:
        self.spec, self.state = spec, spec.seed
        self.degree = spec.polynomial.bit_length() - 1

    @property
    def word(self) -> int:
        """The top bits of the state."""
        return self.state >> (self.degree - self.spec.bits)

    @property
    def words(self) -> list[int]:
        """All words of a step, those after the first as the register comes to them."""
        found, state = [self.word], self.state
        for _ in range(1, self.spec.words):
            self._turn()
            found.append(self.word)
        self.state = state
        return found

    def step(self) -> None:
        """On to the next words."""
        for _ in range(self.spec.words):
            self._turn()

    def _turn(self) -> None:
        for _ in range(self.spec.bits):
            self.state <<= 1
            if self.state >> self.degree:
                self.state ^= self.spec.polynomial


class Lines:
    """Section 3: the words of the lines of one side."""

    def __init__(self, bank: BankSpec) -> None:
        self.bank = bank
        self.registers = [Register(spec) for spec in bank.sources]

    def now(self) -> list[int]:
        """One per line."""
        words = [word for register in self.registers for word in register.words]
        return [words[a] ^ words[b] for a, b in map(self.bank.pair, range(self.bank.lines))]

    def step(self) -> None:
        """Every source goes on to its next word."""
        for register in self.registers:
            register.step()

    def words(self) -> list[int]:
        """One per line; then every source goes on."""
        words = self.now()
        self.step()
        return words


def halves_upwards(value: Fraction) -> int:
    """The nearest integer; halves are rounded upwards."""
    return math.floor(value + Fraction(1, 2))


def clip(value: int, low: int, high: int) -> int:
    """The value, clipped to the interval."""
    return min(max(value, low), high)


class Dither:
    """Sections 3 and 6: the dither of direct writes, lane by lane and beat by beat, as a fraction of the threshold."""

    def __init__(self, config: TileConfig) -> None:
        self.config = config
        self.lines = Lines(config.dither_bank)

    def fractions(self) -> list[Fraction]:
        """One per lane; every source goes on to its next word."""
        words = self.lines.words() or [0] * self.config.lanes
        return [Fraction(word, 1 << self.config.dither_bits) for word in words]


def coarse(config: TileConfig, q: Fraction) -> Fraction:
    """Section 6: Q in units of one ADC LSB as a multiple of 2**latch_shift units."""
    step = Fraction(1 << config.latch_shift, 1 << config.reference_fraction_bits)
    most = math.floor(Fraction(config.reference_format.high, 1 << config.latch_shift))
    return min(halves_upwards(q / step), most) * step


class Estimate:
    """Section 6, stages 1 to 4: filter and latch, with Q and Qref by key, in units of one ADC LSB."""

    def __init__(self, config: TileConfig) -> None:
        self.config = config
        self.unit = Fraction(1, 1 << config.reference_fraction_bits)
        self.q: dict[object, Fraction] = defaultdict(Fraction)
        self.q_ref: dict[object, Fraction] = defaultdict(Fraction)

    def read(
        self, key: object, code: int, *, negative: int, latch: int, mode: int, smooth: bool = True
    ) -> tuple[int, int, int]:
        """d and what the reference array shows, as words, and whether that is new; ``smooth`` is the filter setting."""
        before = self.q[key]
        if latch:
            self.q_ref[key] = coarse(self.config, before)
        if smooth:
            step = (code - before) / (1 << self.config.filter_shift)
            self.q[key] += halves_upwards(step / self.unit) * self.unit
        subtracted = {int(Reference.LATCHED): self.q_ref[key], int(Reference.FILTERED): before}.get(mode, 0)
        difference = subtracted - code if negative else code - subtracted
        filtered = mode == Reference.FILTERED
        shown = self.q[key] if filtered else self.q_ref[key]
        return int(difference / self.unit), int(shown / self.unit), int(filtered or latch)


class Residuals:
    """Section 6: D by key, the last d that was accumulated."""

    def __init__(self) -> None:
        self.words: dict[object, int] = defaultdict(int)

    def read(self, key: object, difference: int, *, accumulate: bool) -> int:
        """D after a read of the cell."""
        if accumulate:
            self.words[key] = difference
        return self.words[key]


def write_pulses(config: TileConfig, hidden: int, *, direct: bool = False) -> tuple[int, bool]:
    """Section 6, stages 8 and 9: n, and whether it was clamped."""
    quotient = Fraction(hidden, 1 << config.threshold_shift)
    whole = math.floor(quotient) if direct else math.trunc(quotient)
    pulses = clip(whole, -config.pulses_max, config.pulses_max)
    return pulses, pulses != whole


class Accumulator:
    """Section 6, stages 5 to 11: gain, sum, threshold and the next H, with H by key."""

    def __init__(self, config: TileConfig) -> None:
        self.config = config
        self.hidden: dict[object, int] = defaultdict(int)

    def add(self, key: object, difference: int, settings: Settings, fraction: Fraction) -> tuple[int, bool, bool]:
        """n, and whether h and n were clipped; ``fraction`` is the lane's of `Dither`."""
        config = self.config
        if not settings.accumulate:
            return 0, False, False
        start = fraction * (1 << config.threshold_shift) if settings.direct else self.hidden[key]
        assert start == int(start)
        total = int(start) + settings.gain * difference
        hidden = clip(total, config.hidden_format.low, config.hidden_format.high)
        pulses, clamped = write_pulses(config, hidden, direct=settings.direct)
        if not settings.direct:
            if pulses == 0:
                self.hidden[key] = hidden
            elif settings.forget:
                self.hidden[key] = math.trunc(Fraction(hidden * settings.momentum, 1 << config.momentum_bits))
            else:
                self.hidden[key] = hidden - pulses * (1 << config.threshold_shift)
        return pulses, hidden != total, clamped


class Signs:
    """Section 7: the signs of the choppers, a read at a time."""

    def __init__(self, config: TileConfig) -> None:
        self.config = config
        self.source, self.row_lines = Register(config.chopper_source), Lines(config.row_chopper_bank)
        self.c, self.flipped = [1] * config.columns, [False] * config.columns
        self.c_rows, self.rows_flipped = [1] * config.rows, [False] * config.rows
        self.reads = self.sweeps = self.column = 0  # column: the next one
        self.use(config.columns)

    def use(self, columns: int) -> None:
        """An operation begins that uses so many columns."""
        self.columns = columns
        self.column = self.column if self.column < columns else 0

    def finish(self, mode: int, scope: int = Scope.COLUMN, row_mode: int = ChopperMode.OFF) -> None:
        """The read of a column ends."""
        config, column, period = self.config, self.column, self.config.chopper_period
        sweep, wrap = self.sweeps, column == self.columns - 1
        limit = round(config.chopper_probability * 2**16)
        flip = (mode == ChopperMode.REGULAR and (sweep + 1) % period == 0) or (
            mode == ChopperMode.RANDOM and self.source.word < limit
        )
        self.flipped[column] = flip and scope != Scope.TILE
        turned = [column] if self.flipped[column] else []
        if scope == Scope.TILE and wrap and flip:
            self.flipped = [True] * config.columns
            turned = list(range(config.columns))
        for j in turned:
            self.c[j] *= -1
        if wrap and config.row_chopper:
            for i, word in enumerate(self.row_lines.words()):
                late = sweep - period - i % period  # sweeps since the row's first regular flip
                self.rows_flipped[i] = (row_mode == ChopperMode.REGULAR and late % (2 * period) == 0) or (
                    row_mode == ChopperMode.RANDOM and word < limit
                )
                self.c_rows[i] *= -1 if self.rows_flipped[i] else 1
        self.source.step()
        self.reads += 1
        self.sweeps += wrap
        self.column = 0 if wrap else column + 1


def bits(flags: Iterable[object]) -> int:
    """One bit per flag, the first the lowest."""
    return sum(bool(flag) << index for index, flag in enumerate(flags))


def planes(words: list[int], width: int) -> list[int]:
    """Bit by bit the words of ``width`` bits: bit k of all of them is entry k."""
    return [bits(word >> place & 1 for word in words) for place in range(width)]


def negatives(signs: Iterable[int]) -> int:
    """One bit per sign, 1 where it is -1."""
    return bits(sign < 0 for sign in signs)
