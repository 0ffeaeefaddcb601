"""Verilog of one configuration and the list of its ports, from the component's own signature."""

from dataclasses import dataclass

from amaranth.back import verilog
from amaranth.hdl import Shape
from amaranth.lib.wiring import Out

from hdl import ports
from hdl.controller import Controller
from hdl.tile import Tile
from model.config import TileConfig


@dataclass(frozen=True)
class Port:
    """One flattened port of the top module: its Verilog name, width in bits, and direction."""

    name: str
    width: int
    output: bool


def tile_ports(config: TileConfig) -> list[Port]:
    """All ports of the tile but ``clk`` and ``rst``, in the order of the signature."""
    signature = ports.tile(config)
    return [
        Port("__".join(map(str, path)), Shape.cast(member.shape).width, member.flow is Out)
        for path, member, _ in signature.flatten(signature.create())
    ]


def controller_ports(config: TileConfig) -> list[Port]:
    """All ports of the controller, its clock and reset among them."""
    return [
        Port(name, Shape.cast(member.shape).width, member.flow is Out)
        for name, member in Controller(config).signature.members.items()
    ]


def controller_verilog(config: TileConfig) -> str:
    """Verilog text of the controller, see `tile_verilog`."""
    return verilog.convert(Controller(config), name=controller_name(config), emit_src=False)


def controller_name(config: TileConfig) -> str:
    """Name of the controller's module."""
    return f"{module_name(config)}_controller"


def module_name(config: TileConfig) -> str:
    """Name of the top module."""
    return f"symtrack_{config.name}"


def tile_verilog(config: TileConfig) -> str:
    """Verilog text of the tile, the same text for the same configuration on every machine."""
    return verilog.convert(Tile(config), name=module_name(config), emit_src=False)
