# SPDX-License-Identifier: Apache-2.0
"""Tests of the bridges from APB4 and Wishbone B4: every access reaches AXI4-Lite once, as it is, and is answered."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from types import ModuleType
from typing import Any

import pytest

import symtrack.hdl.controller.apb_bridge
import symtrack.hdl.controller.lite_master
import symtrack.hdl.controller.wishbone_bridge
from symtrack.hdl.controller.apb_bridge import ApbBridge
from symtrack.hdl.controller.axi_lite import OKAY, SLVERR
from symtrack.hdl.controller.lite_master import LiteMaster
from symtrack.hdl.controller.wishbone_bridge import WishboneBridge
from tests.cosim.helpers.bent import elaborated_with
from tests.hdl.helpers.simulate import Dut, simulate

Access = tuple[int, int, int, int]  # write, address, word, strobes
REFUSED = 0x40  # addresses from here on are answered with errors


def word_of(address: int) -> int:
    """What the slave answers."""
    return address * 0x01010101 & 0xFFFFFFFF


class Slave:
    """An AXI4-Lite slave with random delays in each channel, which notes what it was asked for."""

    def __init__(self, rng: Random) -> None:
        self.rng, self.seen, self.kept = rng, list[Access](), dict[str, tuple[int, ...]]()
        self.drive = {"awready": 0, "wready": 0, "arready": 0, "bvalid": 0, "bresp": 0, "rvalid": 0, "rresp": 0}
        self.drive["rdata"] = 0
        self.pending: dict[str, tuple[int, ...]] = {}  # of each channel, how it was offered so far

    def set(self, dut: Dut) -> None:
        """Drive this cycle."""
        for name in ("awready", "wready", "arready"):
            self.drive[name] = self.rng.random() < 0.5
        for answer in ("b", "r"):
            self.drive[f"{answer}valid"] = answer in self.kept and self.rng.random() < 0.4
        if self.drive["bvalid"]:
            self.drive["bresp"] = SLVERR if self.kept["b"][0] >= REFUSED else OKAY
        if self.drive["rvalid"]:
            address = self.kept["r"][0]
            self.drive |= {"rdata": word_of(address), "rresp": SLVERR if address >= REFUSED else OKAY}
        dut.set(**self.drive)

    def take(self, dut: Dut) -> None:
        """Look at the end of this cycle."""
        for channel, parts in (("aw", ("awaddr",)), ("w", ("wdata", "wstrb")), ("ar", ("araddr",))):
            valid, offered = dut.get(f"{channel}valid"), dut.read(*parts)
            if channel in self.pending:
                assert valid, "an offer is not withdrawn"
                assert offered == self.pending[channel], "nor changed"
            self.pending.pop(channel, None)
            if valid and self.drive[f"{channel}ready"]:
                assert channel not in self.kept
                self.kept[channel] = offered
            elif valid:
                self.pending[channel] = offered
        for answer in ("b", "r"):
            if self.drive[f"{answer}valid"]:
                assert dut.get(f"{answer}ready")
                del self.kept[answer]
        if "aw" in self.kept and "w" in self.kept:
            (address,), (word, strobes) = self.kept.pop("aw"), self.kept.pop("w")
            self.seen.append((1, address, word, strobes))
            self.kept["b"] = (address,)
        if "ar" in self.kept:
            (address,) = self.kept.pop("ar")
            self.seen.append((0, address, 0, 0))
            self.kept["r"] = (address,)
        assert not {"b", "r"} <= self.kept.keys(), "one access at a time"


def drawn(rng: Random) -> Access:
    if rng.random() < 0.5:
        return 0, 4 * rng.randrange(32), 0, 0
    return 1, 4 * rng.randrange(32), rng.getrandbits(32), rng.randrange(16)


def check(access: Access, error: int, word: int) -> None:
    """The answer of the slave has come back."""
    assert error == (access[1] >= REFUSED)
    if not access[0]:
        assert word == word_of(access[1])


async def cycle(dut: Dut, slave: Slave, look: Callable[[], None] = lambda: None) -> None:
    slave.set(dut)
    look()
    slave.take(dut)
    await dut.tick()


def play_apb(seed: int, accesses: int = 150) -> None:
    rng = Random(seed)
    slave, asked = Slave(rng), []

    async def program(dut: Dut) -> None:
        while len(asked) < accesses:
            if rng.random() < 0.3:
                dut.set(psel=0, penable=rng.getrandbits(1), paddr=rng.getrandbits(12))
                await cycle(dut, slave, lambda: check_quiet(dut))
                continue
            write, address, word, strobes = access = drawn(rng)
            dut.set(psel=1, penable=0, pwrite=write, paddr=address, pwdata=word, pstrb=strobes)
            await cycle(dut, slave, lambda: check_quiet(dut))
            dut.set(penable=1)
            ready = 0
            for _ in range(60):
                slave.set(dut)
                ready = dut.get("pready")
                if ready:
                    check(access, *dut.read("pslverr", "prdata"))
                slave.take(dut)
                await dut.tick()
                if ready:
                    break
            assert ready
            asked.append(access)
            assert slave.seen == asked
        dut.set(psel=0)

    simulate(ApbBridge(), program)


def check_quiet(dut: Dut) -> None:
    assert not dut.get("pready")


def play_wishbone(seed: int, accesses: int = 150, *, pipelined: bool) -> int:
    """How many accesses were given up by the master."""
    rng = Random(seed)
    slave, begun, given_up = Slave(rng), list[Access](), 0

    async def program(dut: Dut) -> None:
        nonlocal given_up
        while len(begun) < accesses:
            if rng.random() < 0.3:
                dut.set(cyc=0, stb=rng.getrandbits(1))
                await cycle(dut, slave)
                continue
            write, address, word, strobes = access = drawn(rng)
            dut.set(cyc=1, stb=1, we=write, adr=address >> 2, dat_w=word, sel=strobes)
            accepted = over = False
            for _ in range(80):
                slave.set(dut)
                stall, ack, err = dut.read("stall", "ack", "err")
                if ack or err:
                    assert accepted, "an answer to an access that was given up"
                    assert ack != err
                    check(access, err, dut.get("dat_r"))
                    over = True
                takes = not stall and not accepted
                slave.take(dut)
                await dut.tick()
                if takes:
                    accepted = True
                    begun.append(access)
                    if pipelined:
                        dut.set(stb=0)
                if over:
                    break
                if accepted and rng.random() < 0.03:
                    given_up += 1
                    dut.set(cyc=0, stb=0)
                    await cycle(dut, slave)
                    break
            else:
                raise AssertionError("no answer")
            assert begun[: len(slave.seen)] == slave.seen
            assert len(begun) - len(slave.seen) <= 1
            dut.set(cyc=pipelined and not rng.getrandbits(1) and over, stb=0)
        for _ in range(40):
            await cycle(dut, slave)
        assert slave.seen == begun

    simulate(WishboneBridge(), program)
    return given_up


def test_apb() -> None:
    play_apb(1)


@pytest.mark.parametrize("pipelined", [False, True])
def test_wishbone(pipelined: bool) -> None:
    assert play_wishbone(2, pipelined=pipelined) > 5


def play_all(component: Any) -> None:
    """What uses a component."""
    if component is not WishboneBridge:
        play_apb(1)
    for seed in (2, 3, 4) if component is not ApbBridge else ():
        for pipelined in (False, True):
            play_wishbone(seed, pipelined=pipelined)


APB, WISHBONE, MASTER = (
    (symtrack.hdl.controller.apb_bridge, ApbBridge),
    (symtrack.hdl.controller.wishbone_bridge, WishboneBridge),
    (symtrack.hdl.controller.lite_master, LiteMaster),
)


@pytest.mark.parametrize(
    ("where", "old", "new"),
    [
        (APB, "self.psel & ~self.penable", "self.psel & self.penable"),
        (APB, "self.pslverr.eq(master.failed)", "self.pslverr.eq(0)"),
        (APB, "master.strobes.eq(self.pstrb)", "master.strobes.eq(15)"),
        (WISHBONE, "self.cyc & self.stb & ~self.stall", "self.stb & ~self.stall"),
        (WISHBONE, "self.cyc & self.stb & ~self.stall", "self.cyc & self.stb & ~master.busy"),
        (WISHBONE, "master.done & self.cyc & ~left", "master.done & self.cyc"),
        (WISHBONE, "left | ~self.cyc", "~self.cyc"),
        (WISHBONE, "answers & master.failed", "answers & ~master.failed"),
        (WISHBONE, "Const(0, 2), self.adr", "self.adr, Const(0, 2)"),
        (MASTER, "self.start & ~self.busy", "self.start & self.busy"),
        (MASTER, "self.bvalid & self.bresp[1]", "self.bvalid & self.bresp[0]"),
        (MASTER, "valid & ready", "valid | ready"),
        (MASTER, "self.awvalid.eq(self.write)", "self.awvalid.eq(1)"),
    ],
)
def test_an_error_is_found(where: tuple[ModuleType, Any], old: str, new: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, component = where
    monkeypatch.setattr(component, "elaborate", elaborated_with(module, component, old, new))
    with pytest.raises(AssertionError):
        play_all(component)
