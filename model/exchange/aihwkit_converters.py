# SPDX-License-Identifier: Apache-2.0
"""Parameters of aihwkit's inputs and outputs as converters.

dac_bits, adc_bits    res = 1 / (2**b - 2), rounded to whole bits
output_bound          out_bound * 2**(b - 1) / (2**(b - 1) - 1), so that the LSB is the same
"""

from __future__ import annotations

import math
from typing import NamedTuple

from symtrack.model.arithmetic.converters import Converters
from symtrack.model.exchange.aihwkit_reader import Fields

BOUND_MANAGEMENTS = ("NONE", "ITERATIVE", "ITERATIVE_WORST_CASE", "SHIFT")
PERFECT = ("is_perfect", "mv_type")  # fields that say so
PERFECT_BITS, PERFECT_BOUND = 16, 12.0  # of converters that stand for perfect ones


class InOut(NamedTuple):
    """Converters of a direction, and read noise of the cells, a weight."""

    converters: Converters
    perfect: bool
    w_noise: float


def in_out(fields: Fields, *, transfer: bool = False) -> InOut:
    """Converters of a direction; ``transfer`` for reads of columns, which need no management of their range.

    Raises
    ------
    TypeError, ValueError
        A field has no counterpart.
    """
    if any((fields.take("is_perfect"), fields.take("mv_type") == "IDEAL")):
        fields.note(
            "is_perfect" if fields.take("is_perfect") else "mv_type", f"{PERFECT_BITS} bits within {PERFECT_BOUND:g}"
        )
        fields.ignore("the converters are perfect", *(name for name in fields.default if name not in PERFECT))
        fields.done()
        bound = PERFECT_BOUND
        converters = Converters(dac_bits=PERFECT_BITS, adc_bits=PERFECT_BITS, output_bound=bound, output_noise=0.0)
        return InOut(converters, True, 0.0)
    fields.must("positive and negative inputs go through together", mv_type="ONE_PASS")
    fields.ignore("inputs of both signs go together", "inp_asymmetry", "out_asymmetry")
    fields.must(
        "there is no such effect here",
        inp_noise=0,
        inp_sto_round=False,
        out_noise_std=0,
        out_sto_round=False,
        out_scale=1,
        ir_drop=0,
        out_nonlinearity=0,
        v_offset_std=0,
        r_series=0,
        w_read_asymmetry_dtod=0,
    )
    fields.ignore("its effect is off", "ir_drop_g_ratio", "out_nonlinearity_std", "slope_calibration", "v_offset_w_min")
    fields.must("inputs are relative to their maximum", inp_bound=1)
    if transfer:
        fields.ignore("aihwkit switches it off", "noise_management", "bound_management", "nm_thres")
    else:
        fields.must("inputs are relative to their maximum", noise_management="ABS_MAX", nm_thres=0)
        told = "outputs beyond out_bound are clipped, with no further pass"
        fields.must(told, bound_management=BOUND_MANAGEMENTS)
        if fields.take("bound_management") != "NONE" and not fields.path.startswith("backward"):
            fields.note("bound_management", told)
        fields.ignore("outputs are clipped", "bound_management")
    fields.ignore("there is one pass", "max_bm_factor", "max_bm_res", "bm_test_negative_bound")
    w_noise = 0.0
    fields.must("read noise is the same for all weights", w_noise_type=("NONE", "ADDITIVE_CONSTANT"))
    if fields.take("w_noise_type") != "NONE":
        w_noise = max(float(fields.take("w_noise")), 0.0)
    fields.ignore("w_noise_type = NONE", "w_noise")
    out_bound, dac_bits, adc_bits = fields.take("out_bound"), _bits(fields, "inp_res"), _bits(fields, "out_res")
    half = 1 << (adc_bits - 1)
    try:
        converters = Converters(
            dac_bits=dac_bits,
            adc_bits=adc_bits,
            output_bound=out_bound * half / (half - 1),  # aihwkit has as many codes above as below zero
            output_noise=fields.take("out_noise"),
        )
    except ValueError as error:
        name = "out_noise" if "noise" in str(error) else "out_bound"
        raise fields.refused(name, str(error).rpartition("must be ")[2]) from None
    fields.done()
    return InOut(converters, False, w_noise)


def _bits(fields: Fields, name: str) -> int:
    """Width of a converter from its resolution: the part that a step is of the range, or the steps of the range."""
    value = float(fields.take(name))
    high = 16
    if value <= 0:
        fields.note(name, f"{high} bits")
        return high
    steps = 1 / value if value <= 1 else value
    exact = math.log2(steps + 2)
    bits = min(max(round(exact), 2), high)
    if abs(exact - bits) > 1e-6:
        fields.note(name, f"{bits} bits, {2**bits - 2} steps instead of {steps:g}")
    return bits


def agree(io: InOut, other: InOut, path: str, *, bounds: bool = True) -> None:
    """Converters of two directions are the same, with their ``bounds`` or but for these.

    Raises
    ------
    ValueError
        A field differs.
    """
    same = "as in forward: one array has one set of converters"
    if io.perfect != other.perfect:
        raise ValueError(f"{path}.is_perfect = {other.perfect}: must be {io.perfect}, {same}")
    names = {"dac_bits": "inp_res", "adc_bits": "out_res", "output_bound": "out_bound", "output_noise": "out_noise"}
    for name, theirs in names.items():
        if name == "output_bound" and not bounds:
            continue
        ours, value = getattr(io.converters, name), getattr(other.converters, name)
        if value != ours:
            unit = " bits" if name.endswith("bits") else ""
            if name == "output_bound":
                half = 1 << (io.converters.adc_bits - 1)
                ours, value = ours * (half - 1) / half, value * (half - 1) / half
            raise ValueError(f"{path}.{theirs} = {value:g}{unit}: must be {ours:g}{unit}, {same}")
    if path == "backward" and other.w_noise != io.w_noise:
        raise ValueError(f"{path}.w_noise = {other.w_noise:g}: must be {io.w_noise:g}, {same}")
