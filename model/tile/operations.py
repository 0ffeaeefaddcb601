# SPDX-License-Identifier: Apache-2.0
"""Golden tile periphery, one call for a whole operation instead of one per clock cycle, on numpy arrays.

    update:    lines of every slot = pulse trains of (delta, c * x), quadrant by quadrant
    transfer:  d = c_j * c'_i * (r - s),  s = 0, Qref or Q,
               h = saturate(H + gain * d),  n = clamp(trunc(h / threshold)),
               Q <- Q + round((r - Q) / 2**k),  D <- d,  choppers
    calibrate: slots of all lines, then sweeps of reads that only fill the filter
    program:   a column of R is read and corrected until it is Qref

Of a tile that uses a part of its lines, arguments and results have that size; the state is that of all lines, of which
those that are not in use keep theirs. State and results are those of `model.tile.tile.TileModel` and of the RTL;
`Periphery.cycles` counts what the operations would take there if no stream ever waited.
Source: docs/tile.md, sections 3 and 5 to 9.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symtrack.model.compiled import njit
from symtrack.model.devices.records import lanes_are_rows
from symtrack.model.devices.trains import WORD, Trains, new_trains
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.fixed import Int
from symtrack.model.spec.settings import (
    COUNT_BITS,
    Settings,
    Target,
    setting_specs,
)
from symtrack.model.state import Arrays
from symtrack.model.tile.chopper import ChopperState
from symtrack.model.tile.counters import Status
from symtrack.model.tile.interface import (
    Calibration,
    PulseSlots,
    ReferenceColumn,
    Transfer,
    UpdateBatch,
)
from symtrack.model.tile.parity import memories
from symtrack.model.tile.programmer import corrections
from symtrack.model.tile.pulse_train import COLUMN_SIDE, ROW_SIDE, fire
from symtrack.model.tile.quadrants import schedule, signs_present, up
from symtrack.model.tile.random_bank import Bank
from symtrack.model.tile.reads import Modes, Reads, dither, modes_of, scaling_of, take_read
from symtrack.model.tile.seed_loader import load_seeds
from symtrack.model.tile.sequencer import calibration_settings
from symtrack.model.tile.trains import make_trains, new_room, sources_of
from symtrack.model.tile.zero_shift import polarities


class Periphery:
    """State and operations of the periphery of one tile.

    Attributes
    ----------
    q, qref, hidden, residual : int64[columns, rows] of all lines, filter, latched reference, hidden buffer and the last
        d that was accumulated, which is 0 without ``residual_memory``.
    row_bank, column_bank, dither_bank : random sources of the two sides and of unbuffered writes.
    chopper_state : choppers, flags and the next column.
    status : counters and sticky flags.
    cycles : clock cycles of the operations so far, no stream ever waiting.
    sources : the random sources of the two sides for compiled code.
    reads : what reads of columns work on, for compiled code.
    words_of_train : words that the longest train takes, see `model.devices.trains`.
    used : the rows and columns in use; below, R and C are their numbers.
    outside : bool[R], cells that the last round of a programming found out of tolerance.
    """

    def __init__(self, config: TileConfig) -> None:
        self.config = config
        self.q = np.zeros((config.columns, config.rows), np.int64)
        self.qref = np.zeros_like(self.q)
        self.hidden = np.zeros_like(self.q)
        self.residual = np.zeros_like(self.q)
        self.row_bank = Bank(config.row_bank)
        self.column_bank = Bank(config.column_bank)
        self.dither_bank = Bank(config.dither_bank)
        self.chopper_state = ChopperState(config)
        self.status = Status(config)
        self.cycles = 0
        self.outside = np.zeros(config.rows, np.bool_)
        self.load_seeds(config.seeds)
        self.words_of_train = -(-config.bl_max // WORD)
        self.use()
        self._magnitude_high = config.magnitude_format.high
        self._code_range = config.code_format.low, config.code_format.high

    def use(self, rows: int = 0, columns: int = 0) -> None:
        """Use the first ``rows`` and ``columns`` only, 0: all, from the next operation on, as settings of the tile do.

        Raises
        ------
        TypeError, ValueError
            They are not integers, or more than there are.
        """
        _integer("used_rows", rows, 0, self.config.rows)
        _integer("used_columns", columns, 0, self.config.columns)
        self.used = used = self.config.used(rows, columns)
        lines = {"rows": used.rows, "columns": used.columns}
        self.sources = sources_of(self.row_bank, self.column_bank, bits=self.config.magnitude_bits, **lines)
        self._unchopped = np.ones(used.columns, np.int64), np.ones(used.rows, np.int64)
        self._checked: Settings | None = None
        self.reads = Reads(
            q=self.q,
            qref=self.qref,
            hidden=self.hidden,
            residual=self.residual,
            choppers=self.chopper_state.registers,
            dither_bank=self.dither_bank.bank_registers,
            scaling=scaling_of(self.config),
            clipped=np.zeros((2, used.rows), np.bool_),
            rows=used.rows,
            row_beats=used.row_beats,
            columns=used.columns,
        )

    def load_seeds(self, seeds: Sequence[int]) -> None:
        """Give every random source its state, as a host does after a reset; ``config.seeds`` are in from the start.

        Raises
        ------
        TypeError, ValueError
            There is not one seed for each of ``config.sources``, or one is not an integer from 1 to 2**32 - 1.
        """
        chopper = self.chopper_state
        banks = self.row_bank, self.column_bank, chopper.source, self.dither_bank, chopper.row_bank
        load_seeds(banks, seeds)

    @property
    def clipped(self) -> NDArray[np.bool_]:
        """bool[2, R], where the last transfer clipped h and n."""
        return self.reads.clipped

    @property
    def transfers_alike(self) -> bool:
        """Transfers are those of this class, which compiled code makes of `reads` too, and not a subclass's own."""
        return type(self).transfer is Periphery.transfer

    @property
    def chopper(self) -> Int:
        """int64[C]: the choppers, +1 or -1."""
        return self.chopper_state.sign[: self.used.columns]

    @property
    def row_chopper(self) -> Int:
        """int64[R]: the choppers of the rows, +1 or -1."""
        return self.chopper_state.row_sign[: self.used.rows]

    @property
    def next_column(self) -> int:
        """The column that the next transfer reads."""
        column = self.chopper_state.column
        return column if column < self.used.columns else 0

    def update(
        self,
        x_negative: ArrayLike,
        x_magnitude: ArrayLike,
        delta_negative: ArrayLike,
        delta_magnitude: ArrayLike,
        bl: int,
        target: Target = Target.FAST,
    ) -> PulseSlots:
        """Pulse trains of one update.

        Parameters
        ----------
        x_negative, x_magnitude : integers [C], signs (1 is negative) and magnitudes of the inputs.
        delta_negative, delta_magnitude : integers [R], the same of the errors.
        bl : slots per non-empty quadrant, 0 to ``bl_max``.
        target : the array the slots are for; the choppers are those of the fast one.

        Raises
        ------
        TypeError, ValueError
            An argument is not made of integers, has another shape, or is out of range.
        """
        used = self.used
        x_sign = _vector("x_negative", x_negative, used.columns, 0, 1)
        x = _vector("x_magnitude", x_magnitude, used.columns, 0, self._magnitude_high)
        delta_sign = _vector("delta_negative", delta_negative, used.rows, 0, 1)
        delta = _vector("delta_magnitude", delta_magnitude, used.rows, 0, self._magnitude_high)
        _integer("bl", bl, 0, self.config.bl_max)
        _integer("target", target, Target.FAST, Target.SLOW)

        self.chopper_state.begin(used.columns)
        choppers = self._unchopped if target == Target.SLOW else (self.chopper, self.row_chopper)
        column_sign, row_sign, quadrant = _schedule(*choppers, x_sign, x, delta_sign, delta, bl)
        slots = quadrant.size
        rows, columns = self.row_bank, self.column_bank
        result = PulseSlots(
            rows=fire(rows.words(slots), rows.first, rows.second, delta, row_sign, quadrant, ROW_SIDE),
            columns=fire(columns.words(slots), columns.first, columns.second, x, column_sign, quadrant, COLUMN_SIDE),
            up=up(quadrant),
            quadrant=quadrant,
        )
        self.status.count_slots(slots)
        self.cycles += used.update_cycles(slots)
        return result

    def trains(self, batch: UpdateBatch, target: Target = Target.FAST) -> Trains:
        """Pulse trains of n updates, one after the other; the same as `update` gives for each of them.

        They are those of update management, so their values are not checked.

        Raises
        ------
        ValueError
            They are not of this tile's shape.
        """
        used, (n, columns), rows = self.used, batch.x_magnitude.shape, batch.delta_magnitude.shape[1]
        if (rows, columns) != (used.rows, used.columns):
            raise ValueError(f"batch of {rows} rows and {columns} columns: must be {used.rows} and {used.columns}")
        halves, turned = self.words_of_train, lanes_are_rows(rows)
        trains = new_trains(2 * n * halves, *((columns, rows) if turned else (rows, columns)))
        if not n:
            return trains
        x, delta = batch.x_magnitude.copy(), batch.delta_magnitude.copy()
        for magnitude, negative in ((x, batch.x_negative), (delta, batch.delta_negative)):
            np.negative(magnitude, out=magnitude, where=negative != 0)
        room = new_room(self.sources, self.config.bl_max)
        choppers = self.begin_updates(target)
        slots = make_trains(x, delta, batch.bl, *choppers, halves, turned, self.sources, room, trains)
        self.count_updates(n, slots)
        return trains

    def begin_updates(self, target: Target) -> tuple[Int, Int]:
        """int64[C] and int64[R]: the choppers of the lines, +1 or -1, in updates of this array, which begin."""
        self.chopper_state.begin(self.used.columns)
        return self._unchopped if target == Target.SLOW else (self.chopper, self.row_chopper)

    def count_updates(self, updates: int, slots: int) -> None:
        """Count updates with so many slots in all, which have been made of `sources`."""
        self.status.count_slots(slots)
        self.cycles += updates * self.used.update_cycles(0) + slots

    def transfer(self, codes: ArrayLike, settings: Settings) -> Transfer:
        """Take the read of column `next_column` in, and give the pulses for the slow array.

        Parameters
        ----------
        codes : integers [R], signed ADC codes.
        settings : settings of the transfer path.

        Raises
        ------
        TypeError, ValueError
            The codes are not integers, have another shape, or a code or a setting is out of range.
        """
        code = _vector("codes", codes, self.used.rows, *self._code_range)
        modes = self.begin_transfers(settings)
        self.cycles += self.used.transfer_cycles
        return self._read(code, modes)

    def begin_transfers(self, settings: Settings) -> Modes:
        """The settings of transfers, which begin. Errors as of `transfer`."""
        if settings is not self._checked:
            self._check(settings)
            self._checked, self._modes = settings, modes_of(settings)
        self.chopper_state.begin(self.used.columns)
        return self._modes

    def count_transfers(self, transfers: int, pulses: int, *, saturated: bool, clamped: bool) -> None:
        """Count transfers with so many pulses in all, which `reads` has had, and what was clipped in any of them."""
        self.status.count_transfers(transfers, pulses, saturated=saturated, clamped=clamped)
        self.cycles += transfers * self.used.transfer_cycles

    def calibrate(self, pulses: int, codes: ArrayLike, *, random: bool = False) -> Calibration:
        """Zero-shifting: slots of all lines, then reads of all columns into Q, the last sweep of which latches Qref.

        Parameters
        ----------
        pulses : slots, alternating from an upward one or, if ``random``, of random polarities.
        codes : integers [n * C, R], signed ADC codes of n sweeps that begin with column `next_column`.

        Raises
        ------
        TypeError, ValueError
            An argument is not made of integers, has another shape, or is out of range.
        """
        used = self.used
        pulses_most, sweeps_most = (
            (1 << COUNT_BITS) - 1 if there else 0 for there in (self.config.zero_shift, self.config.symmetric_point)
        )
        _integer("pulses", pulses, 0, pulses_most)
        columns = [_vector("codes", code, used.rows, *self._code_range) for code in np.asarray(codes)]
        sweeps, rest = divmod(len(columns), used.columns)
        if rest or sweeps > sweeps_most:
            allowed = f"up to {sweeps_most} times {used.columns} columns"
            raise ValueError(f"codes of {len(columns)} columns: must be {allowed}")
        self.chopper_state.begin(used.columns)
        up = polarities(pulses, random=random and pulses > 0, source=self.chopper_state.source)
        self.status.count_slots(pulses)
        self.cycles += used.calibration_cycles(pulses, sweeps)
        filling, latching = (modes_of(calibration_settings(Settings(), last=last)) for last in (False, True))
        before = (sweeps - 1) * used.columns
        reads = [self._read(code, filling if k < before else latching) for k, code in enumerate(columns)]
        return Calibration(up, reads)

    def program(self, column: int, settings: Settings, cells: ReferenceColumn) -> int:
        """Write and verify a column of R; ``settings`` has gain, tolerance and rounds. Returns the rounds it took.

        Raises
        ------
        TypeError, ValueError
            The tile has no programmer, or an argument is out of range.
        """
        config, used = self.config, self.used
        if not config.programmer:
            raise ValueError(f"programmer = {config.programmer}: must be 1 for a tile that programs references")
        _integer("column", column, 0, used.columns - 1)
        self._check(settings)
        self.chopper_state.begin(used.columns)
        rounds, left = 0, True
        while left:
            rounds += 1
            last = rounds >= settings.rounds
            code = _vector("codes", cells.read(), used.rows, *self._code_range)
            d = self.qref[column, : used.rows] - (code << config.reference_fraction_bits)
            n, self.outside = corrections(config, d, d * settings.gain, settings.tolerance, last=last)
            dither(self.reads.dither_bank, self.reads.scaling, used.row_beats, used.rows)  # its sources step
            self.status.count_read()
            self.status.count_reference_pulses(n)
            if last:
                self.status.give_up(int(self.outside.sum()))
            cells.write(n)
            left = bool(self.outside.any()) and not last
        self.cycles += used.programming_cycles(rounds)
        return rounds

    def _read(self, code: Int, modes: Modes) -> Transfer:
        """What a read of the next column does."""
        column, n, latched, reference, residual, *rest = take_read(code, self.reads, modes)
        saturated, clamped, pulses = rest
        self.status.count_transfers(1, pulses, saturated=saturated, clamped=clamped)
        given = residual if self.config.residual_memory else None
        return Transfer(column=column, pulses=n, latched=latched, reference=reference, residual=given)

    def _check(self, settings: Settings) -> None:
        """Check settings, whose sizes, if they tell any, must be those in use."""
        check_settings(self.config, settings)
        for name, value, lines in (
            ("used_rows", settings.used_rows, self.used.rows),
            ("used_columns", settings.used_columns, self.used.columns),
        ):
            if value not in (0, lines):
                raise ValueError(f"{name} = {value}: must be 0 or {lines}, the number that `use` has said")

    def state_arrays(self) -> dict[str, Int]:
        """Copies of all state that reset defines, by name; the same names as of `model.tile.tile.TileModel`."""
        return {
            **{name: getattr(self, name).copy() for name in memories(self.config)},
            "row_sources": self.row_bank.state.copy(),
            "column_sources": self.column_bank.state.copy(),
            "dither_sources": self.dither_bank.state.copy(),
            **self.chopper_state.state_arrays(),
            **self.status.state_arrays(),
        }

    def restore(self, arrays: Arrays) -> None:
        """Back to the state of `state_arrays`, of this class or of RTL; ``cycles`` is not part of it."""
        for name in memories(self.config):
            getattr(self, name)[...] = arrays[name]
        self.row_bank.state[:] = arrays["row_sources"]
        self.column_bank.state[:] = arrays["column_sources"]
        self.dither_bank.state[:] = arrays["dither_sources"]
        self.chopper_state.restore(arrays)
        self.status.restore(arrays)


@njit(cache=True)
def _schedule(  # type: ignore[no-untyped-def]
    chopper, row_chopper, x_sign, x, delta_sign, delta, bl
):
    """Signs of c * x and c' * delta, and the quadrant of every slot."""
    column_sign, row_sign = x_sign ^ (chopper < 0), delta_sign ^ (row_chopper < 0)
    return column_sign, row_sign, schedule(signs_present(row_sign, delta), signs_present(column_sign, x), bl)


def check_settings(config: TileConfig, settings: Settings) -> None:
    """Raise TypeError or ValueError, naming the setting, unless all settings fit the configuration."""
    for spec in setting_specs(config):
        value = getattr(settings, spec.name)
        if spec.kind is not bool:
            _integer(spec.name, value, 0, spec.high)
        elif not isinstance(value, (bool, np.bool_)):
            raise TypeError(f"{spec.name} = {value!r}: must be True or False")
        elif value > spec.high:
            raise ValueError(f"{spec.name} = {value!r}: must be False for a tile without what it switches on")


def _integer(name: str, value: Any, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} = {value!r}: must be an integer from {int(low)} to {int(high)}")
    if not low <= value <= high:
        raise ValueError(f"{name} = {int(value)}: must be from {int(low)} to {int(high)}")


def _vector(name: str, values: ArrayLike, size: int, low: int, high: int) -> Int:
    array = np.asarray(values)
    if array.dtype.kind not in "biu":
        raise TypeError(f"{name} has dtype {array.dtype}: must be integers from {low} to {high}")
    if array.shape != (size,):
        raise ValueError(f"{name} has shape {array.shape}: must be ({size},)")
    vector = np.ascontiguousarray(array, np.int64)
    if (index := _outside(vector, low, high)) >= 0:
        raise ValueError(f"{name}[{index}] = {array[index]}: must be from {low} to {high}")
    return vector


@njit(cache=True)
def _outside(vector: Int, low: int, high: int) -> int:
    for index in range(vector.size):
        if not low <= vector[index] <= high:
            return index
    return -1
