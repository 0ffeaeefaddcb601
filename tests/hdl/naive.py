"""Naive descriptions that several tests share, written from the equations of docs/tile.md with exact fractions."""

from __future__ import annotations

import math
from collections import defaultdict
from fractions import Fraction

from model.config import BankSpec, Reference, Settings, SourceSpec, TileConfig


class Register:
    """Section 3: a feedback shift register, shifted one bit at a time."""

    def __init__(self, spec: SourceSpec) -> None:
        self.spec, self.state = spec, spec.seed
        self.degree = spec.polynomial.bit_length() - 1

    @property
    def word(self) -> int:
        """The top bits of the state."""
        return self.state >> (self.degree - self.spec.bits)

    def step(self) -> None:
        """On to the next word."""
        for _ in range(self.spec.bits):
            self.state <<= 1
            if self.state >> self.degree:
                self.state ^= self.spec.polynomial


class Lines:
    """Section 3: the words of the lines of one side."""

    def __init__(self, bank: BankSpec) -> None:
        self.bank = bank
        self.registers = [Register(spec) for spec in bank.sources]

    def words(self) -> list[int]:
        """One per line; every source goes on to its next word."""
        words = [register.word for register in self.registers]
        for register in self.registers:
            register.step()
        return [words[a] ^ words[b] for a, b in map(self.bank.pair, range(self.bank.lines))]


def halves_upwards(value: Fraction) -> int:
    """The nearest integer."""
    return math.floor(value + Fraction(1, 2))


def clip(value: int, low: int, high: int) -> int:
    """The nearest value of the interval."""
    return min(max(value, low), high)


class Estimate:
    """Section 6, stage 1: Q and Qref by key, in units of one ADC LSB."""

    def __init__(self, config: TileConfig) -> None:
        self.config = config
        self.unit = Fraction(1, 1 << config.reference_fraction_bits)
        self.q: dict[object, Fraction] = defaultdict(Fraction)
        self.q_ref: dict[object, Fraction] = defaultdict(Fraction)

    def read(self, key: object, code: int, *, negative: int, latch: int, mode: int) -> tuple[int, int]:
        """d and Qref as words."""
        reference = self.q[key] if latch else self.q_ref[key]
        difference = code - (reference if mode == Reference.LATCHED else 0)
        step = (code - self.q[key]) / (1 << self.config.filter_shift)
        self.q[key] += halves_upwards(step / self.unit) * self.unit
        self.q_ref[key] = reference
        return int((-difference if negative else difference) / self.unit), int(reference / self.unit)


def write_pulses(config: TileConfig, hidden: int) -> tuple[int, bool]:
    """Section 6, stage 3: n and whether it was clamped."""
    whole = math.trunc(Fraction(hidden, 1 << config.threshold_shift))
    pulses = clip(whole, -config.pulses_max, config.pulses_max)
    return pulses, pulses != whole


class Accumulator:
    """Section 6, stages 2 to 4: H by key."""

    def __init__(self, config: TileConfig) -> None:
        self.config = config
        self.hidden: dict[object, int] = defaultdict(int)

    def add(self, key: object, difference: int, settings: Settings) -> tuple[int, bool, bool]:
        """n, and whether h and n were clipped."""
        config, before = self.config, self.hidden[key]
        if not settings.accumulate:
            return 0, False, False
        total = before + settings.gain * difference
        hidden = clip(total, config.hidden_format.low, config.hidden_format.high)
        pulses, clamped = write_pulses(config, hidden)
        if pulses == 0:
            self.hidden[key] = hidden
        elif settings.forget:
            self.hidden[key] = math.trunc(Fraction(hidden * settings.momentum, 1 << config.momentum_bits))
        else:
            self.hidden[key] = hidden - pulses * (1 << config.threshold_shift)
        return pulses, hidden != total, clamped
