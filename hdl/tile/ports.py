# SPDX-License-Identifier: Apache-2.0
"""Signatures of the tile's ports, under the names of `docs/tile.md`."""

from typing import Any

from amaranth.hdl import signed, unsigned
from amaranth.lib import data
from amaranth.lib.wiring import In, Out, Signature

from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.polynomials import DEGREE
from symtrack.model.spec.settings import setting_specs
from symtrack.model.spec.status import STATUS, StatusKind
from symtrack.model.spec.streams import INTO_TILE


def stream(**payload: Any) -> Signature:
    """A stream seen from its source: a beat moves in every cycle with ``valid`` and ``ready`` high."""
    return Signature({"valid": Out(1), "ready": In(1), **{name: Out(shape) for name, shape in payload.items()}})


def settings(config: TileConfig) -> Signature:
    """Run-time settings, `model.spec.settings.Settings`, seen from their source."""
    return Signature({spec.name: Out(spec.width) for spec in setting_specs(config)})


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


def residuals(config: TileConfig) -> data.ArrayLayout:
    """L words of d, or of D."""
    return data.ArrayLayout(signed(config.difference_format.width), config.lanes)


def writes(config: TileConfig) -> Signature:
    """L results of a read per beat, for W, or for R with ``array``; D with ``residual_memory``."""
    return stream(
        array=1,
        column=config.column_bits,
        beat=config.beat_bits,
        pulses=data.ArrayLayout(signed(config.pulses_format.width), config.lanes),
        latch=config.lanes,
        reference=data.ArrayLayout(signed(config.reference_format.width), config.lanes),
        **({"residual": residuals(config)} if config.residual_memory else {}),
        last=1,
    )


def seeds(config: TileConfig) -> Signature:
    """States for the random sources, one source's per beat."""
    return stream(state=DEGREE)


def status(config: TileConfig) -> Signature:
    """What the tile tells about itself, `model.spec.status`."""
    return Signature(
        {
            "busy": Out(1),
            "chopper": Out(config.columns),
            "row_chopper": Out(config.rows),
            **{spec.name: Out(config.counter_bits if spec.kind == StatusKind.COUNTER else 1) for spec in STATUS},
        }
    )


def inject(config: TileConfig) -> Signature:
    """Wrong parity of the next word of a memory that is written, in one lane; only with ``self_test``."""
    point = {"q": Out(1), "qref": Out(1)} if config.symmetric_point else {}
    residual = {"residual": Out(1)} if config.residual_memory else {}
    return Signature({**point, "hidden": Out(1), **residual, "lane": Out(config.lane_bits)})


def tile(config: TileConfig) -> Signature:
    """All ports of the tile."""
    streams = {
        "vectors": vectors,
        "pulses": pulses,
        "read": read,
        "codes": codes,
        "writes": writes,
        "seeds": seeds,
    }
    return Signature(
        {
            "command": In(command(config)),
            "settings": In(settings(config)),
            **{name: (In if name in INTO_TILE else Out)(payload(config)) for name, payload in streams.items()},
            **({"inject": In(inject(config))} if config.self_test else {}),
            "status": Out(status(config)),
        }
    )
