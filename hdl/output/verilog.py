# SPDX-License-Identifier: Apache-2.0
"""Generates the Verilog of a configuration, and lists its ports from the component's own signature."""

import gc
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from amaranth.back.verilog import YosysError
from amaranth.hdl import Shape
from amaranth.lib.wiring import Component, Out, Signature

from symtrack.hdl.controller.apb_bridge import ApbBridge
from symtrack.hdl.controller.controller import Controller, members
from symtrack.hdl.controller.wishbone_bridge import WishboneBridge
from symtrack.hdl.output.memory import BEHAVIOURAL, MACRO, MemoryTest
from symtrack.hdl.output.modules import Modules
from symtrack.hdl.tile import ports
from symtrack.hdl.tile.chopper import Chopper
from symtrack.hdl.tile.counters import Counters
from symtrack.hdl.tile.sequencer import Sequencer
from symtrack.hdl.tile.tile import Tile
from symtrack.hdl.tile.transfer import TransferPath
from symtrack.hdl.tile.update import UpdatePath
from symtrack.model.spec.config import TileConfig

BLOCKS: dict[str, type[Any]] = {
    "update": UpdatePath,
    "transfer": TransferPath,
    "chopper": Chopper,
    "counters": Counters,
    "sequencer": Sequencer,
}
LONG, BROKEN = re.compile(r"^.{301,}$", re.MULTILINE), 120  # characters: lists of ports, and of bits side by side

# Modules that join a controller to other buses, the same for all configurations.
BRIDGES: dict[str, type[Any]] = {"symtrack_apb4_bridge": ApbBridge, "symtrack_wishbone_bridge": WishboneBridge}


@dataclass(frozen=True)
class Port:
    """One flattened port of the top module: its Verilog name, width in bits, and direction."""

    name: str
    width: int
    output: bool


def tile_ports(config: TileConfig) -> list[Port]:
    """All ports of the tile but ``clk`` and ``rst``, in the order of the signature."""
    return _flattened(ports.tile(config))


def _flattened(signature: Signature) -> list[Port]:
    return [
        Port("__".join(map(str, path)), Shape.cast(member.shape).width, member.flow is Out)
        for path, member, _ in signature.flatten(signature.create())
    ]


def block_verilog(config: TileConfig, name: str) -> tuple[str, list[Port]]:
    """One of `BLOCKS` by itself as the module ``name``, and its ports but ``clk`` and ``rst``."""
    component = BLOCKS[name](config)
    ports = _flattened(component.signature)
    return _converted(component, name), ports


def controller_ports(config: TileConfig) -> list[Port]:
    """All ports of the controller, its clock and reset among them."""
    return _flattened(Signature(members(config)))


def memory_ports(config: TileConfig, memory: str) -> list[Port]:
    """The ports of tile and controller that test memories with this body, one of `hdl.output.memory.BODIES`."""
    test = _test(config, memory)
    return [Port(*port) for port in test.ports] if test else []


def _test(config: TileConfig, memory: str) -> MemoryTest | None:
    return MemoryTest.of(config) if memory == MACRO else None


def _memories(config: TileConfig, memory: str) -> dict[str, Any]:
    """What `Modules` is told of the memories of a tile with this body."""
    return {"with_body": memory == BEHAVIOURAL, "test": _test(config, memory)}


def controller_verilog(
    config: TileConfig, *, asynchronous_reset: bool = False, clock_enables: bool = False, memory: str = BEHAVIOURAL
) -> str:
    """Verilog text of the controller, see `tile_verilog`."""
    form = {"asynchronous": asynchronous_reset, "clock_enables": clock_enables} | _memories(config, memory)
    return _converted(Controller(config), controller_name(config), **form)


def controller_name(config: TileConfig) -> str:
    """Name of the controller's module."""
    return f"{module_name(config)}_controller"


@cache
def bridge_verilog(name: str, *, asynchronous_reset: bool = False) -> str:
    """Verilog text of one of `BRIDGES`, whose ``clk`` and ``rst`` are a clock and a reset, active high."""
    return _converted(BRIDGES[name](), name, asynchronous=asynchronous_reset)


def module_name(config: TileConfig) -> str:
    """Name of the top module."""
    return f"symtrack_{config.name}"


def tile_verilog(
    config: TileConfig, *, asynchronous_reset: bool = False, clock_enables: bool = False, memory: str = BEHAVIOURAL
) -> str:
    """Verilog text of the tile, the same text for the same configuration on every machine.

    With ``asynchronous_reset``, registers that have a reset take it as soon as it rises; it must fall with the clock.
    With ``clock_enables``, registers of an idle path keep their words, so that a tool can stop their clock; the outputs
    of every cycle are the same.

    Parameters
    ----------
    memory
        The body of its memories, one of `hdl.output.memory.BODIES`. The text has the behavioural one in it; the others
        are files of their own, and with a macro there are ports that test it, `memory_ports`.

    Raises
    ------
    OSError
        Yosys fails, as where the disk or memory is full.
    """
    form = {"asynchronous": asynchronous_reset, "clock_enables": clock_enables} | _memories(config, memory)
    return _converted(Tile(config), module_name(config), **form)


@contextmanager
def _uncollected() -> Iterator[None]:
    """No search for garbage: a conversion makes millions of objects that all live to its end, a third of its time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _converted(component: Component, name: str, **form: Any) -> str:
    """Verilog without spaces at the ends of lines, and without the attribute that would make this module the top of any
    design that Yosys finds it in.

    Blocks ``always @*`` wait at first for a register of Yosys's own to become 0. In SystemVerilog a register that is
    declared with its value has it before any process starts, and they would wait for ever: a process gives it.

    Raises OSError where Yosys fails: with a design that is shown to convert, that is a fault of the machine.
    """
    try:
        with _uncollected():
            text = Modules(name, **form).verilog(component)
    except YosysError as error:
        raise OSError(f"Yosys, which writes the Verilog, fails: {str(error).strip().rpartition(chr(10))[2]}") from error
    text = re.sub(r"^\(\* top = +1 +\*\)\n| +$", "", text, flags=re.MULTILINE)
    text = re.sub(r"^  reg (\\\$auto\$\S+ ) = 0;$", r"  reg \1;\n  initial \1 = 0;", text, flags=re.MULTILINE)
    return LONG.sub(_broken, text)


def _broken(line: re.Match[str]) -> str:
    """A long line, broken behind commas."""
    lines = [""]
    for piece in re.split(r"(?<=, )", line[0]):
        if len(lines[-1]) + len(piece) > BROKEN and lines[-1].strip():
            lines.append("      ")
        lines[-1] += piece
    return "\n".join(one.rstrip() for one in lines)
