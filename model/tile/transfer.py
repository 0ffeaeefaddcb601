# SPDX-License-Identifier: Apache-2.0
"""Golden transfer path, clock cycle by clock cycle: beats of ADC codes go in, beats of write pulses come out.

    stages 1 to 3: d = c_j * c'_i * (r - s)     stages 4 and 5: p = gain * d, Q and Qref are written
    stages 6 to 9: h = saturate(H + p), n = clamp(trunc(h / threshold)), without the buffer from u instead of H
    stages 10 and 11: next H, `writes`;   of a programming n from d and p, see `model.tile.programmer`
    without ``symmetric_point`` Q and Qref stay 0, and nothing is latched
    stage 6, with ``residual_memory``: D is written, see `model.tile.residual_memory`

Lanes of the last beat beyond the rows in use keep their words, with d = 0 and n = 0, and are offered as zeros.

What a stage works out here at once, registers in between only carry. The memories of Q, Qref, H and D have C * B words
of L lanes, address j * B + beat. Latency: `model.spec.config.BEAT_LATENCY` cycles from a code to its write. Throughput:
one beat per cycle; all stages move together. Source: docs/tile.md, section 6.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from symtrack.model.spec.config import BEAT_LATENCY, TileConfig
from symtrack.model.spec.fixed import Int
from symtrack.model.spec.settings import Reference, Settings
from symtrack.model.tile.chopper import ChopperState
from symtrack.model.tile.counters import Status
from symtrack.model.tile.demodulator import demodulate
from symtrack.model.tile.hidden_buffer import accumulate, forget, subtract
from symtrack.model.tile.low_pass import filter_step
from symtrack.model.tile.packing import pack, pack_bits, unpack_signed
from symtrack.model.tile.parity import Parity
from symtrack.model.tile.programmer import corrections
from symtrack.model.tile.random_bank import Bank
from symtrack.model.tile.reference_latch import latch
from symtrack.model.tile.residual_memory import keep
from symtrack.model.tile.sequencer import SequencerModel
from symtrack.model.tile.threshold import write_pulses

_WRITES = (
    "writes__valid",
    "writes__array",
    "writes__column",
    "writes__beat",
    "writes__pulses",
    "writes__latch",
    "writes__reference",
    "writes__last",
)
_RESIDUAL = "writes__residual"


@dataclass(frozen=True)
class _Beat:
    """A beat on its way through the stages; ``value`` is r, then d, p and h.

    Attributes
    ----------
    q, qref : what is to be written.
    difference : d.
    residual : D after the read, 0 in lanes that have no row in use.
    uniform : the dither u of a direct write.
    used : lanes that have a row in use.
    last : the last beat of its read.
    outside : cells that are out of tolerance.
    saturated, clipped : h or n was clipped.
    """

    beat: int
    address: int
    value: Int
    q: Int
    qref: Int
    reference: Int
    latches: Int
    n: Int
    difference: Int
    residual: Int
    uniform: Int
    used: NDArray[np.bool_]
    last: bool
    outside: NDArray[np.bool_]
    saturated: bool = False
    clipped: bool = False


_Offer = tuple[_Beat, int, bool]  # a beat of writes, its column, and whether it is for R


class TransferPipeline:
    """Memories, stages and the output register of transfers.

    Attributes
    ----------
    q, qref, hidden, residual : int64[depth, L], the memories; reset does not change them.
    parity : wrong parity bits of the memories.
    writes : payload and ``valid`` of the output stream, by the names of its ports.
    dither_bank : random words of unbuffered writes, a line per lane.
    """

    def __init__(self, config: TileConfig) -> None:
        self._config = config
        self.q = np.zeros((config.depth, config.lanes), np.int64)
        self.qref = np.zeros_like(self.q)
        self.hidden = np.zeros_like(self.q)
        self.residual = np.zeros_like(self.q)
        self.parity = Parity(config)
        self._hidden_range = config.hidden_format.low, config.hidden_format.high
        self._pulses_width, self._reference_width = config.pulses_format.width, config.reference_format.width
        self._difference_width = config.difference_format.width
        self._zeros = np.zeros(config.lanes, np.int64)
        self._ones, self._none = np.ones(config.rows, np.int64), np.zeros(config.rows, np.int64)
        self.reset()

    def reset(self) -> None:
        """Empty all stages."""
        self.parity.reset()
        self.dither_bank = Bank(self._config.dither_bank)
        self._stages: list[_Beat | None] = [None] * (BEAT_LATENCY - 1)  # 1 to BEAT_LATENCY - 1
        self._unwritten: _Beat | None = None  # in the last stage, where H is written
        self._offered: _Beat | None = None
        self._spare: _Offer | None = None
        self.writes = dict.fromkeys((*_WRITES, *((_RESIDUAL,) if self._config.residual_memory else ())), 0)

    @property
    def room(self) -> bool:
        """All stages move in this cycle: there is no beat that waits behind the one that is offered."""
        return self._spare is None

    def clear(self, address: int) -> None:
        """Write zero to one word of each memory."""
        self.q[address] = self.qref[address] = self.hidden[address] = self.residual[address] = 0
        self.parity.clear(address)

    def accept_write(self) -> tuple[bool, Int, int]:
        """The write beat is accepted: whether it is its read's last, its pulses, and its cells out of tolerance."""
        write, spare = self._offered, self._spare
        assert write is not None
        self._offered, self._spare = None, None
        self.writes["writes__valid"] = 0
        if spare is not None:
            self._offer(*spare)
        return write.last, write.n, int(write.outside.sum())

    def write_hidden(self, settings: Settings) -> None:
        """The beat in the last stage, if there is one that has not done so, writes H."""
        config, write = self._config, self._unwritten
        self._unwritten = None
        if write is None or not settings.accumulate or settings.direct:
            return
        self.parity.write("hidden", write.address)
        if settings.forget:
            self.hidden[write.address] = forget(write.value, write.n, settings.momentum, config.momentum_bits)
        else:
            self.hidden[write.address] = subtract(write.value, write.n, config.threshold_shift)

    def advance(
        self, codes: int | None, beat: int, chopper: ChopperState, sequencer: SequencerModel, status: Status
    ) -> None:
        """Move all stages, taking in the packed ``codes`` of beat number ``beat`` if there are any."""
        settings, programming = sequencer.settings, sequencer.programming
        column = sequencer.column if programming else chopper.column
        signs, latches = (
            (-self._ones, self._none) if programming else (chopper.read_sign, chopper.read_latch | settings.latch)
        )
        enters = self._enter(codes, beat, column, sequencer.used.rows) if codes is not None else None
        leaves = self._stages[-1]
        self._stages = [enters, *self._stages[:-1]]
        status.memory_error = any(
            self._told(stage, name) for stage, name in ((4, "q"), (4, "qref"), (7, "hidden"), (7, "residual"))
        )
        for stage, work in (
            (4, lambda read: self._demodulate(read, signs, latches, settings)),
            (5, self._write_point),
            (6, lambda difference: self._amplify(difference, settings)),
            (7, lambda product: self._threshold(product, sequencer)),
        ):
            entered = self._stages[stage - 1]
            if entered is not None:
                self._stages[stage - 1] = work(entered)
        if leaves is not None:
            status.hidden_saturated |= leaves.saturated
            status.pulses_clamped |= leaves.clipped
            self._unwritten = leaves
            if self._offered is None:
                self._offer(leaves, column, programming)
            else:
                self._spare = leaves, column, programming

    def _told(self, stage: int, name: str) -> bool:
        """Whether the beat that has come to a stage had a wrong word of this memory."""
        beat = self._stages[stage - 1]
        return beat is not None and self.parity.is_wrong(name, beat.address)

    def _enter(self, codes: int, beat: int, column: int, rows: int) -> _Beat:
        config, zeros = self._config, self._zeros
        r = np.array(unpack_signed(codes, config.adc_bits, config.lanes), np.int64) << config.reference_fraction_bits
        used = np.arange(config.lanes) + beat * config.lanes < rows
        last = (beat + 1) * config.lanes >= rows
        rest = (zeros, zeros, zeros, zeros, zeros, zeros, zeros, zeros, used, last, zeros > 0)
        return _Beat(beat, column * config.row_beats + beat, r, *rest)

    def _demodulate(self, read: _Beat, signs: Int, all_latches: Int, settings: Settings) -> _Beat:
        config, q, address = self._config, self.q[read.address].copy(), read.address
        latches = self._lanes(all_latches, read.beat) * read.used
        reference = latch(q, self.qref[address], latches, config.latch_shift, config.reference_format.high)
        filtered = settings.reference == Reference.FILTERED
        subtracted = q if filtered else reference if settings.reference == Reference.LATCHED else self._zeros
        d = demodulate(self._lanes(signs, read.beat), read.value, subtracted) * read.used
        q_next = np.where(read.used & bool(settings.filter), filter_step(q, read.value, config.filter_shift), q)
        shown = q_next if filtered else reference
        if filtered:
            latches = read.used.astype(np.int64)
        if not config.symmetric_point:
            latches = self._zeros
        return replace(read, value=d, q=q_next, qref=reference, reference=shown * read.used, latches=latches)

    def _write_point(self, beat: _Beat) -> _Beat:
        if not self._config.symmetric_point:
            return beat
        self.q[beat.address], self.qref[beat.address] = beat.q, beat.qref
        self.parity.write("q", beat.address)
        self.parity.write("qref", beat.address)
        return beat

    def _lanes(self, values: Int, beat: int) -> Int:
        """The values [R] of the rows of a beat, zero in lanes beyond the last."""
        lanes = self._zeros.copy()
        some = values[beat * lanes.size : (beat + 1) * lanes.size]
        lanes[: some.size] = some
        return lanes

    def _amplify(self, difference: _Beat, settings: Settings) -> _Beat:
        config, uniform = self._config, self._zeros
        if config.dither_bits:
            uniform = self.dither_bank.line_words(1)[0] << (config.threshold_shift - config.dither_bits)
        return replace(difference, value=difference.value * settings.gain, difference=difference.value, uniform=uniform)

    def _threshold(self, product: _Beat, sequencer: SequencerModel) -> _Beat:
        config, settings = self._config, sequencer.settings
        if config.residual_memory:
            product = self._keep(product, settings)
        h, n = self.hidden[product.address], self._zeros
        saturated, clamped = np.zeros(1, bool), np.zeros(1, bool)
        if settings.accumulate:
            h, saturated = accumulate(product.uniform if settings.direct else h, product.value, *self._hidden_range)
            n, clamped = write_pulses(h, config.threshold_shift, config.pulses_max, bool(settings.direct))
            n, clamped = n * product.used, clamped & product.used
        outside = product.outside
        if sequencer.programming:
            last = sequencer.last_round
            n, outside = corrections(config, product.difference, product.value, settings.tolerance, last=last)
        return replace(
            product, value=h, n=n, outside=outside, saturated=bool(saturated.any()), clipped=bool(clamped.any())
        )

    def _keep(self, product: _Beat, settings: Settings) -> _Beat:
        address = product.address
        self.residual[address] = keep(self.residual[address], product.difference, product.used & settings.accumulate)
        self.parity.write("residual", address)
        return replace(product, residual=self.residual[address] * product.used)

    def _offer(self, write: _Beat, column: int, programming: bool) -> None:
        self._offered = write
        self.writes = {
            "writes__valid": 1,
            "writes__array": int(programming),
            "writes__column": column,
            "writes__beat": write.beat,
            "writes__pulses": pack(write.n.tolist(), self._pulses_width),
            "writes__latch": pack_bits(write.latches != 0),
            "writes__reference": pack(write.reference.tolist(), self._reference_width),
            "writes__last": int(write.last),
        }
        if self._config.residual_memory:
            self.writes[_RESIDUAL] = pack(write.residual.tolist(), self._difference_width)
