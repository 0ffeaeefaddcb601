# SPDX-License-Identifier: Apache-2.0
"""Clock enables that are there only for the energy: registers keep a word that nobody looks at.

    enabled = always               in the Verilog as it is,
    enabled = always and needed    in that with clock enables, where a tool can stop the clock of an idle path

Both give the same outputs in every cycle. Who writes the Verilog (`hdl.output.modules`) says which of the two it is;
simulators of Amaranth and proofs see the first.
"""

from amaranth.hdl import Value


def has_clock_enables(platform: object) -> bool:
    """Whether the Verilog that is written has them."""
    return bool(getattr(platform, "clock_enables", False))


def enabled(platform: object, always: Value, needed: Value) -> Value:
    """When a register takes its word: whenever it may, or only where that is ``needed``, too."""
    return always & needed if has_clock_enables(platform) else always
