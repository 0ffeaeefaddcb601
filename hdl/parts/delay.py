# SPDX-License-Identifier: Apache-2.0
"""Delay line: registers that carry a value along the stages of a pipeline."""

from typing import Any

from amaranth.hdl import Module, Signal, Value


def delayed(m: Module, value: Any, stages: int, advance: Value, name: str) -> Any:
    """``value`` as it was ``stages`` moves of the pipeline ago, from registers ``name_1`` to ``name_<stages>``.

    A view, as of the words of all lanes, comes out as one.

    The registers carry payload and have no reset; a flag beside them says whether the payload is valid.
    """
    for stage in range(1, stages + 1):
        register = Signal(value.shape(), name=f"{name}_{stage}", reset_less=True)
        with m.If(advance):
            m.d.sync += register.eq(value)
        value = register
    return value
