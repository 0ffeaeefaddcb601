# SPDX-License-Identifier: Apache-2.0
"""Formal properties of the bridges from APB4 and Wishbone: each access goes out once, as it is, and has one answer."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Assert, Assume, Cat, Const, Mux, Signal, Value

from symtrack.cosim.formal.sby import Checked
from symtrack.hdl.controller.apb_bridge import ApbBridge
from symtrack.hdl.controller.wishbone_bridge import WishboneBridge


def _one_access(
    checked: Checked, dut: Any, begins: Value, write: Value, address: Value, word: Value, strobes: Value
) -> Any:
    """What goes out from the cycle after ``begins`` until it is answered; three signals: it is out, it has been
    answered, and not as asked for.

    The slave answers an access that it has taken, once.
    """
    m, master = checked.module, checked.blocks["master"]
    out, answered, failed = Signal(name="out"), Signal(name="answered"), Signal(name="failed")
    m.d.sync += [
        out.eq(begins | (out & ~answered)),
        answered.eq(dut.bvalid | dut.rvalid),
        failed.eq(Mux(dut.bvalid, dut.bresp[1], dut.rresp[1])),
    ]
    taken = {}
    for channel in ("aw", "w", "ar"):
        valid, ready = getattr(dut, f"{channel}valid"), getattr(dut, f"{channel}ready")
        taken[channel] = took = Signal(name=f"took_{channel}")
        m.d.sync += took.eq(~begins & (took | (valid & ready)))
        goes = write if channel != "ar" else ~write
        m.d.comb += Assert(valid == (out & goes & ~took & ~answered))
    m.d.comb += [
        Assume(~dut.bvalid | (out & write & taken["aw"] & taken["w"] & ~answered)),
        Assume(~dut.rvalid | (out & ~write & taken["ar"] & ~answered)),
        Assert(~dut.awvalid | (dut.awaddr == address)),
        Assert(~dut.arvalid | (dut.araddr == address)),
        Assert(~dut.wvalid | (Cat(dut.wdata, dut.wstrb) == Cat(word, strobes))),
        Assert(dut.bready & dut.rready),
        Assert(~answered | out),
        Assert(master.busy == (out & ~answered)),
        Assert(master.done == answered),
        Assert(~answered | (master.failed == failed)),
    ]
    return out, answered, failed


def apb_bridge() -> Checked:
    """Property of the bridge from APB4: ``pready`` ends each access once it has been answered, with that answer."""
    dut: Any = ApbBridge()
    checked = Checked(dut)
    m = checked.module
    begins = dut.psel & ~dut.penable
    given = Cat(dut.pwrite, dut.paddr, dut.pwdata, dut.pstrb)
    kept = Signal.like(given, name="kept")
    with m.If(begins):
        m.d.sync += kept.eq(given)
    access = dut.pwrite, dut.paddr, dut.pwdata, dut.pstrb
    out, answered, failed = _one_access(checked, dut, begins, *access)
    word = Signal.like(dut.prdata)
    with m.If(dut.rvalid):
        m.d.sync += word.eq(dut.rdata)
    m.d.comb += [
        # The requester begins with a setup phase and keeps all as it is until the end of the access phase.
        Assume((dut.psel & dut.penable) == out),
        Assume(~out | (given == kept)),
        Assert(dut.pready == answered),
        Assert(~dut.pready | (dut.pslverr == failed)),
        Assert(~dut.pready | dut.pwrite | (dut.prdata == word)),
    ]
    return checked


def wishbone_bridge() -> Checked:
    """Property of the bridge from Wishbone: an access that has been taken is answered once with ``ack`` or ``err``
    unless its master has gone, and no other one is taken until then.
    """
    dut: Any = WishboneBridge()
    checked = Checked(dut)
    m = checked.module
    begins = dut.cyc & dut.stb & ~dut.stall
    kept = [Signal.like(part, name=f"kept_{part.name}") for part in (dut.we, dut.adr, dut.dat_w, dut.sel)]
    with m.If(begins):
        m.d.sync += [one.eq(part) for one, part in zip(kept, (dut.we, dut.adr, dut.dat_w, dut.sel), strict=True)]
    write, address, word, strobes = kept
    out, answered, failed = _one_access(checked, dut, begins, write, Cat(Const(0, 2), address), word, strobes)
    stays, answer, fails = Signal(), Signal(), Signal()  # the master since the access began; the last cycle's answer
    m.d.sync += [
        stays.eq(begins | (stays & dut.cyc)),
        answer.eq(answered & stays & dut.cyc),
        fails.eq(failed),
    ]
    read = Signal.like(dut.dat_r)
    with m.If(dut.rvalid):
        m.d.sync += read.eq(dut.rdata)
    m.d.comb += [
        Assert(Cat(dut.ack, dut.err) == Cat(answer & ~fails, answer & fails)),
        Assert(dut.stall == (out | dut.ack | dut.err)),
        Assert(~out | (checked.state["left"] == ~stays)),
        Assert(~answer | write | (dut.dat_r == read)),
    ]
    return checked
