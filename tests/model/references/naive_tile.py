# SPDX-License-Identifier: Apache-2.0
"""Naive tile in Python's integers and fractions, cell by cell, from docs/tile.md, sections 3 and 5 to 9.

It takes sizes, seeds and taps from the configuration and nothing else from the golden model, whose results and state it
gives bit for bit: `NaiveTile` has the methods of `model.tile.operations.Periphery`.
"""

from __future__ import annotations

from fractions import Fraction
from math import floor, trunc

import numpy as np

from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.random_specs import BankSpec, SourceSpec
from symtrack.model.spec.settings import ChopperMode, Reference, Scope, Settings, Target
from symtrack.model.tile.interface import Calibration, PulseSlots, Transfer


class Register:
    """A random source that shifts bit by bit."""

    def __init__(self, spec: SourceSpec) -> None:
        self.spec, self.state = spec, spec.seed

    @property
    def word(self) -> int:
        return self.state >> (32 - self.spec.bits)

    @property
    def words(self) -> list[int]:
        """All words of a step: each is that of a source whose words before have been taken."""
        ahead, found = Register(self.spec), []
        ahead.state = self.state
        for _ in range(self.spec.words):
            found.append(ahead.word)
            ahead._shift()
        return found

    def step(self) -> None:
        for _ in range(self.spec.words):
            self._shift()

    def _shift(self) -> None:
        for _ in range(self.spec.bits):
            self.state <<= 1
            if self.state >> 32:
                self.state ^= self.spec.polynomial


class Registers:
    """Sources of a bank."""

    def __init__(self, spec: BankSpec) -> None:
        self.spec, self.sources = spec, [Register(source) for source in spec.sources]

    def word(self, line: int) -> int:
        words = [word for source in self.sources for word in source.words]
        a, b = self.spec.pair(line)
        return words[a] ^ words[b]

    def step(self) -> None:
        for source in self.sources:
            source.step()

    @property
    def state(self) -> list[int]:
        return [source.state for source in self.sources]


def round_up(value: Fraction) -> int:
    """To the nearest integer, halves upwards."""
    return floor(value + Fraction(1, 2))


def clamp(value: int, low: int, high: int) -> int:
    """The nearest value in the range."""
    return min(max(value, low), high)


def coarse(q: int, shift: int, high: int) -> int:
    """``q`` in multiples of 2**shift, the largest of them being one that is at most ``high``."""
    multiple = 2**shift
    return min(round_up(Fraction(q, multiple)), floor(Fraction(high, multiple))) * multiple


class NaiveTile:
    """State and operations of a tile's periphery."""

    def __init__(self, config: TileConfig) -> None:
        rows, columns = range(config.rows), range(config.columns)
        self.config = config
        self.rows, self.columns = config.rows, config.columns  # in use
        self.q, self.qref, self.hidden, self.residual = ([[0 for _ in rows] for _ in columns] for _ in range(4))
        self.row_bank, self.column_bank = Registers(config.row_bank), Registers(config.column_bank)
        self.dither_bank, self.row_chopper_bank = Registers(config.dither_bank), Registers(config.row_chopper_bank)
        self.chopper_source = Register(config.chopper_source)
        self.c, self.flipped = [1 for _ in columns], [0 for _ in columns]
        self.row_c, self.row_flipped = [1 for _ in rows], [0 for _ in rows]
        self.column = self.sweep = 0
        self.slots = self.reads = self.transfer_pulses = 0
        self.saturated = self.clamped = False
        self.reference_pulses = self.unprogrammed = 0
        chopper = [self.chopper_source] if config.random_chopper or config.zero_shift else []
        sources = [*self.row_bank.sources, *self.column_bank.sources, *chopper]
        sources += [*self.dither_bank.sources, *self.row_chopper_bank.sources]
        for source, state in zip(sources, config.seeds, strict=True):  # as a host loads them after a reset
            source.state = state

    def use(self, rows: int, columns: int) -> None:
        """Use so many lines from the next operation on."""
        self.rows, self.columns = rows, columns

    @property
    def next_column(self) -> int:
        """The column that the next transfer reads."""
        return self.column if self.column < self.columns else 0

    # ---- section 5 ---------------------------------------------------------------------------------------

    def update(
        self, x_negative, x_magnitude, delta_negative, delta_magnitude, bl: int, target: Target = Target.FAST
    ) -> PulseSlots:
        """The slots of an update."""
        chops = target == Target.FAST
        self.column = self.next_column
        c_columns, c_rows = self.c[: self.columns], self.row_c[: self.rows]
        x = [(m, bool(s) != (chops and c < 0)) for m, s, c in zip(x_magnitude, x_negative, c_columns, strict=True)]
        delta = [
            (m, bool(s) != (chops and c < 0)) for m, s, c in zip(delta_magnitude, delta_negative, c_rows, strict=True)
        ]
        rows, columns, up, quadrant = [], [], [], []
        for rows_negative, columns_negative in ((False, False), (False, True), (True, False), (True, True)):
            if not (any(m and s == rows_negative for m, s in delta) and any(m and s == columns_negative for m, s in x)):
                continue
            for _ in range(bl):
                rows.append([s == rows_negative and m > self.row_bank.word(i) for i, (m, s) in enumerate(delta)])
                columns.append([s == columns_negative and m > self.column_bank.word(j) for j, (m, s) in enumerate(x)])
                up.append(rows_negative != columns_negative)
                quadrant.append(2 * rows_negative + columns_negative)
                self.row_bank.step()
                self.column_bank.step()
                self.slots = self._counted(self.slots + 1)
        return PulseSlots(
            rows=np.array(rows, np.uint8).reshape(-1, len(delta)),
            columns=np.array(columns, np.uint8).reshape(-1, len(x)),
            up=np.array(up, np.uint8),
            quadrant=np.array(quadrant, np.uint8),
        )

    # ---- section 6 ---------------------------------------------------------------------------------------

    def transfer(self, codes, settings: Settings) -> Transfer:
        """The writes of a transfer."""
        config, j = self.config, self.next_column
        self.column = j
        pulses, latched, reference = [], [], []
        for i, code in enumerate(codes):
            n, latch, out = self._cell(i, j, int(code), settings)
            pulses.append(n)
            latched.append(latch)
            reference.append(out)
            if i % config.lanes == config.lanes - 1 or i == self.rows - 1:
                self.dither_bank.step()
        self.reads = self._counted(self.reads + 1)
        self.transfer_pulses = self._counted(self.transfer_pulses + sum(map(abs, pulses)))
        self._flip(settings)
        return Transfer(
            column=j,
            pulses=np.array(pulses, np.int64),
            latched=np.array(latched, np.uint8),
            reference=np.array(reference, np.int64),
            residual=np.array(self.residual[j][: self.rows], np.int64) if config.residual_memory else None,
        )

    def _cell(self, i: int, j: int, code: int, settings: Settings) -> tuple[int, bool, int]:
        """Pulses, whether R takes the reference, and the reference of one cell."""
        config, q = self.config, self.q[j][i]
        latch = (self.flipped[j] != self.row_flipped[i]) or settings.latch
        r = code * 2**config.reference_fraction_bits
        ref = coarse(q, config.latch_shift, config.reference_format.high) if latch else self.qref[j][i]
        s = {Reference.ZERO: 0, Reference.LATCHED: ref, Reference.FILTERED: q}[Reference(settings.reference)]
        d = self.c[j] * self.row_c[i] * (r - s)
        if not config.symmetric_point:
            latch = False
        if settings.filter:
            self.q[j][i] = q + round_up(Fraction(r - q, 2**config.filter_shift))
        self.qref[j][i] = ref
        if settings.accumulate:
            self.residual[j][i] = d
        n = self._write(i, j, settings.gain * d, settings) if settings.accumulate else 0
        if settings.reference == Reference.FILTERED:
            return n, True, self.q[j][i]
        return n, latch, ref

    def _write(self, i: int, j: int, p: int, settings: Settings) -> int:
        config, threshold, form = self.config, 2**self.config.threshold_shift, self.config.hidden_format
        u = 0
        if config.dither_bits:
            u = self.dither_bank.word(i % config.lanes) * threshold // 2**config.dither_bits
        total = (u if settings.direct else self.hidden[j][i]) + p
        h = clamp(total, form.low, form.high)
        wanted = floor(Fraction(h, threshold)) if settings.direct else trunc(Fraction(h, threshold))
        n = clamp(wanted, -config.pulses_max, config.pulses_max)
        self.saturated |= h != total
        self.clamped |= n != wanted
        if not settings.direct:
            left = trunc(Fraction(h * settings.momentum, 2**config.momentum_bits))
            self.hidden[j][i] = h if n == 0 else left if settings.forget else h - n * threshold
        return n

    # ---- section 7 ---------------------------------------------------------------------------------------

    def _flip(self, settings: Settings) -> None:
        config, j, period, word = self.config, self.column, self.config.chopper_period, self.chopper_source.word
        wrap, below = j == self.columns - 1, round(config.chopper_probability * 65536)
        regular = self.sweep % period == period - 1
        flip = {ChopperMode.OFF: False, ChopperMode.REGULAR: regular, ChopperMode.RANDOM: word < below}[
            ChopperMode(settings.chopper)
        ]
        if settings.scope == Scope.COLUMN:
            flips = {j: flip}
        else:
            flips = dict.fromkeys(range(config.columns), True) if wrap and flip else {j: False}
        for column, flips_now in flips.items():
            self.flipped[column] = int(flips_now)
            self.c[column] *= -1 if flips_now else 1
        if wrap and config.row_chopper:
            for i in range(config.rows):
                self.row_flipped[i] = {
                    ChopperMode.OFF: 0,
                    ChopperMode.REGULAR: int(self.sweep == period + i % period),
                    ChopperMode.RANDOM: int(config.random_chopper and self.row_chopper_bank.word(i) < below),
                }[ChopperMode(settings.row_chopper)]
                self.row_c[i] *= -1 if self.row_flipped[i] else 1
            if config.random_chopper:
                self.row_chopper_bank.step()
        self.column = (j + 1) % self.columns
        self.sweep = (self.sweep + wrap) % (2 * period)
        self.chopper_source.step()

    # ---- sections 8 and 9 ----------------------------------------------------------------------------------

    def calibrate(self, pulses: int, codes, *, random: bool = False) -> Calibration:
        """Polarities of the slots, and the reads."""
        self.column, up = self.next_column, []
        for slot in range(pulses):
            up.append(self.chopper_source.word >> 15 if random else (slot + 1) % 2)
            if random:
                self.chopper_source.step()
            self.slots = self._counted(self.slots + 1)
        reads = []
        for number, column in enumerate(codes, start=1):
            latch = number > len(codes) - self.columns
            settings = Settings(reference=Reference.LATCHED, accumulate=False, latch=latch)
            reads.append(self.transfer(column, settings))
        return Calibration(up=np.array(up, np.uint8), reads=reads)

    def program(self, column: int, settings: Settings, cells) -> int:
        """The rounds of a programming."""
        config, self.column = self.config, self.next_column
        for number in range(1, 256):
            last, pulses, outside = number >= settings.rounds, [], 0
            for i, code in enumerate(cells.read()):
                d = self.qref[column][i] - int(code) * 2**config.reference_fraction_bits
                n = 0
                if abs(d) > settings.tolerance:
                    outside += 1
                    h = clamp(settings.gain * d, config.hidden_format.low, config.hidden_format.high)
                    wanted = clamp(trunc(Fraction(h, 2**config.threshold_shift)), -config.pulses_max, config.pulses_max)
                    n = wanted if wanted else (-1 if d < 0 else 1)
                pulses.append(0 if last else n)
            for _ in range(0, self.rows, config.lanes):
                self.dither_bank.step()
            cells.write(np.array(pulses))
            self.reads = self._counted(self.reads + 1)
            self.reference_pulses = self._counted(self.reference_pulses + sum(map(abs, pulses)))
            if last:
                self.unprogrammed = self._counted(self.unprogrammed + outside)
            if last or not outside:
                break
        return number

    def _counted(self, events: int) -> int:
        return min(events, 2**self.config.counter_bits - 1)

    def state_arrays(self) -> dict[str, np.ndarray]:
        """All state, as `Periphery.state_arrays` has it."""
        state: dict[str, object] = {
            "hidden": self.hidden,
            "row_sources": self.row_bank.state,
            "column_sources": self.column_bank.state,
            "dither_sources": self.dither_bank.state,
            "chopper": self.c,
            "column": self.column,
            "sweep": self.sweep,
            "chopper_source": [self.chopper_source.state] * max(self.config.random_chopper, self.config.zero_shift),
            "slots": self.slots,
            "reads": self.reads,
            "transfer_pulses": self.transfer_pulses,
            "hidden_saturated": self.saturated,
            "pulses_clamped": self.clamped,
        }
        if self.config.programmer:
            state |= {
                "reference_pulses": self.reference_pulses,
                "unprogrammed": self.unprogrammed,
                "gave_up": self.unprogrammed > 0,
            }
        if self.config.residual_memory:
            state["residual"] = self.residual
        if self.config.row_chopper:
            state |= {
                "row_chopper": self.row_c,
                "row_chopper_sources": self.row_chopper_bank.state,
            }
        if self.config.symmetric_point:
            state |= {"q": self.q, "qref": self.qref, "flipped": self.flipped}
            state |= {"row_flipped": self.row_flipped} if self.config.row_chopper else {}
        return {name: np.array(value, np.int64) for name, value in state.items()}
