"""Signatures of the tile's ports; their names are those of `docs/tile.md`."""

from typing import Any

from amaranth.hdl import signed, unsigned
from amaranth.lib import data
from amaranth.lib.wiring import In, Out, Signature

from symtrack.model.spec.config import COUNT_BITS, ROUND_BITS, TileConfig


def stream(**payload: Any) -> Signature:
    """A stream seen from its source: a beat moves in every cycle with ``valid`` and ``ready`` high."""
    return Signature({"valid": Out(1), "ready": In(1), **{name: Out(shape) for name, shape in payload.items()}})


def settings(config: TileConfig) -> Signature:
    """Run-time settings, `model.spec.config.Settings`, seen from their source."""
    return Signature(
        {
            "target": Out(1),
            "chopper": Out(2),
            "scope": Out(1),
            "row_chopper": Out(2),
            "reference": Out(2),
            "filter": Out(1),
            "latch": Out(1),
            "direct": Out(1),
            "gain": Out(config.gain_bits),
            "forget": Out(1),
            "momentum": Out(config.momentum_bits),
            "accumulate": Out(1),
            "calibration_pulses": Out(COUNT_BITS),
            "calibration_sweeps": Out(COUNT_BITS),
            "calibration_random": Out(1),
            "tolerance": Out(config.reference_format.width),
            "rounds": Out(ROUND_BITS),
        }
    )


def command(config: TileConfig) -> Signature:
    """What to do next."""
    return stream(op=2, bl=config.bl_bits, column=config.column_bits)


def vectors(config: TileConfig) -> Signature:
    """L entries of x or δ per beat."""
    return stream(magnitude=data.ArrayLayout(unsigned(config.magnitude_bits), config.lanes), negative=config.lanes)


def pulses(config: TileConfig) -> Signature:
    """One slot of the pulse trains per beat."""
    return stream(rows=config.rows, columns=config.columns, up=1, quadrant=2, slow=1, last=1)


def read(config: TileConfig) -> Signature:
    """Request to convert one column of P, or of R with ``array``."""
    return stream(array=1, column=config.column_bits)


def codes(config: TileConfig) -> Signature:
    """L ADC codes per beat."""
    return stream(code=data.ArrayLayout(signed(config.adc_bits), config.lanes))


def writes(config: TileConfig) -> Signature:
    """L results of a read per beat, for W, or for R with ``array``."""
    return stream(
        array=1,
        column=config.column_bits,
        beat=config.beat_bits,
        pulses=data.ArrayLayout(signed(config.pulses_format.width), config.lanes),
        latch=config.lanes,
        reference=data.ArrayLayout(signed(config.reference_format.width), config.lanes),
    )


def status(config: TileConfig) -> Signature:
    """What the tile tells about itself."""
    return Signature(
        {
            "busy": Out(1),
            "chopper": Out(config.columns),
            "row_chopper": Out(config.rows),
            "hidden_saturated": Out(1),
            "pulses_clamped": Out(1),
            "memory_error": Out(1),
            "slots": Out(config.counter_bits),
            "reads": Out(config.counter_bits),
            "transfer_pulses": Out(config.counter_bits),
            "reference_pulses": Out(config.counter_bits),
            "unprogrammed": Out(config.counter_bits),
            "gave_up": Out(1),
        }
    )


def tile(config: TileConfig) -> Signature:
    """All ports of the tile."""
    return Signature(
        {
            "command": In(command(config)),
            "settings": In(settings(config)),
            "vectors": In(vectors(config)),
            "pulses": Out(pulses(config)),
            "read": Out(read(config)),
            "codes": In(codes(config)),
            "writes": Out(writes(config)),
            "status": Out(status(config)),
        }
    )
