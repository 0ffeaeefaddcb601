# SPDX-License-Identifier: Apache-2.0
"""Delay line: registers that carry a value along the stages of a pipeline."""

from amaranth.hdl import Module, Signal, Value


def delayed(m: Module, value: Value, stages: int, advance: Value, name: str) -> Value:
    """``value`` as it was ``stages`` moves of the pipeline ago, from registers ``name_1`` to ``name_<stages>``.

    The registers carry payload and have no reset; a flag beside them says whether the payload is valid.
    """
    for stage in range(1, stages + 1):
        register = Signal(Value.cast(value).shape(), name=f"{name}_{stage}", reset_less=True)
        with m.If(advance):
            m.d.sync += register.eq(value)
        value = register
    return value
