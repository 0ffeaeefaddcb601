# SPDX-License-Identifier: Apache-2.0
"""Writes the controller as an IP-XACT component (IEEE 1685-2014): ports, bus interfaces, registers and files.

The buses are those of Arm's definitions of AMBA 4, AXI4-Lite with the registers behind it and AXI4-Stream; clock and
reset are signals of each. Values that are refused are constraints where the standard has a word for them: the largest
of a field, and that it is not zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from xml.etree import ElementTree

from symtrack.hdl.controller.controller import LITE
from symtrack.hdl.controller.registers import ADDRESS_BITS, WORD, Field, Register, registers
from symtrack.hdl.output.c_headers import largest
from symtrack.hdl.output.system_rdl import codes, manner
from symtrack.hdl.output.verilog import Port, controller_name, controller_ports
from symtrack.model.spec.config import TileConfig

NAMESPACE = "http://www.accellera.org/XMLSchema/IPXACT/1685-2014"
VENDOR, LIBRARY = "symtrack", "controllers"
ACCESS = {"ro": "read-only", "rw": "read-write", "wo": "write-only", "w1c": "read-write"}
VOLATILE = ("told", "counted", "event")  # ways in which a field comes that hardware changes
LITE_BUS = ("amba.com", "AMBA4", "AXI4Lite", "r0p0_0")
STREAM_BUS = ("amba.com", "AMBA4", "AXI4Stream", "r0p0_1")
_MAP, _FILES, _VIEW = "registers", "verilog", "rtl"

Element = ElementTree.Element


def ip_xact(config: TileConfig, files: Sequence[str], more: Sequence[Port] = ()) -> str:
    """The text of the component; ``files`` are those that it is compiled from, ``more`` ports that are in no bus."""
    ports = controller_ports(config)
    top = Element("ipxact:component", {"xmlns:ipxact": NAMESPACE})
    _named(top, vendor=VENDOR, library=LIBRARY, name=controller_name(config), version=version("symtrack"))
    _buses(_under(top, "busInterfaces"), ports)
    _memory_map(_under(top, "memoryMaps"), config)
    _model(_under(top, "model"), config, [*ports, *more])
    file_set = _under(_under(top, "fileSets"), "fileSet")
    _named(file_set, name=_FILES)
    for name in files:
        file = _under(file_set, "file")
        _named(file, name=name)
        _under(file, "fileType").text = "verilogSource"
    size = f"{config.rows}x{config.columns}"
    _named(top, description=f"Controller of an analog crossbar tile with dynamic symmetric point tracking, {size}")
    ElementTree.indent(top)
    return ElementTree.tostring(top, encoding="unicode") + "\n"


def _under(parent: Element, tag: str, **attributes: str) -> Element:
    return ElementTree.SubElement(parent, f"ipxact:{tag}", attributes)


def _named(parent: Element, **texts: str) -> None:
    """Children that are a text each, in this order."""
    for tag, text in texts.items():
        _under(parent, tag).text = text


def _buses(parent: Element, ports: Sequence[Port]) -> None:
    for prefix in dict.fromkeys(port.name.rpartition("_")[0] for port in ports if "_" in port.name):
        bus = _under(parent, "busInterface")
        kind = LITE_BUS if prefix == LITE else STREAM_BUS
        mapped = {"ACLK": "aclk", "ARESETn": "aresetn"}
        mapped |= {_last(port).upper(): port.name for port in ports if port.name == f"{prefix}_{_last(port)}"}
        _named(bus, name=prefix)
        _under(bus, "busType", **_identifier(kind))
        abstraction = _under(_under(bus, "abstractionTypes"), "abstractionType")
        _under(abstraction, "abstractionRef", **_identifier((*kind[:2], f"{kind[2]}_rtl", kind[3])))
        maps = _under(abstraction, "portMaps")
        for logical, physical in mapped.items():
            pair = _under(maps, "portMap")
            _named(_under(pair, "logicalPort"), name=logical)
            _named(_under(pair, "physicalPort"), name=physical)
        side = _under(bus, "slave" if prefix.startswith("s_") else "master")
        if prefix == LITE:
            _under(side, "memoryMapRef", memoryMapRef=_MAP)


def _last(port: Port) -> str:
    return port.name.rpartition("_")[2]


def _identifier(parts: tuple[str, ...]) -> dict[str, str]:
    return dict(zip(("vendor", "library", "name", "version"), parts, strict=True))


def _memory_map(parent: Element, config: TileConfig) -> None:
    memory_map = _under(parent, "memoryMap")
    _named(memory_map, name=_MAP)
    block = _under(memory_map, "addressBlock")
    _named(block, name=_MAP, baseAddress="'h0", range=f"'h{1 << ADDRESS_BITS:x}", width=f"{WORD}", usage="register")
    for register in registers(config):
        _register(_under(block, "register"), config, register)
    _named(memory_map, addressUnitBits="8")


def _register(parent: Element, config: TileConfig, register: Register) -> None:
    offset = f"'h{register.offset:x}"
    _named(parent, name=register.name, description=register.text, addressOffset=offset, size=f"{WORD}")
    for field in register.fields:
        _field(_under(parent, "field"), config, register, field)


def _field(parent: Element, config: TileConfig, register: Register, field: Field) -> None:
    _named(parent, name=field.name, description=field.text, bitOffset=f"{field.low}")
    reset = _under(_under(parent, "resets"), "reset")
    _named(reset, value=f"'h{field.reset:x}")
    volatile = str(manner(config, register, field) in VOLATILE).lower()
    _named(parent, bitWidth=f"{field.width}", volatile=volatile, access=ACCESS[field.access])
    if values := codes(config, field):
        listed = _under(parent, "enumeratedValues")
        for name, value in values.items():
            _named(_under(listed, "enumeratedValue"), name=name, value=f"{value}")
    if field.access == "w1c":
        _named(parent, modifiedWriteValue="oneToClear")
    elif field.access != "ro" and (field.high is not None or field.nonzero):
        limits = {"minimum": f"{int(field.nonzero)}", "maximum": f"{largest(field)}"}
        _named(_under(parent, "writeValueConstraint"), **limits)


def _model(parent: Element, config: TileConfig, ports: Sequence[Port]) -> None:
    name = controller_name(config)
    view = _under(_under(parent, "views"), "view")
    _named(view, name=_VIEW, envIdentifier="::", componentInstantiationRef=_VIEW)
    made = _under(_under(parent, "instantiations"), "componentInstantiation")
    _named(made, name=_VIEW, language="verilog", moduleName=name)
    _named(_under(made, "fileSetRef"), localName=_FILES)
    listed = _under(parent, "ports")
    for port in ports:
        one = _under(listed, "port")
        _named(one, name=port.name)
        wire = _under(one, "wire")
        _named(wire, direction="out" if port.output else "in")
        if port.width > 1:
            vector = _under(_under(wire, "vectors"), "vector")
            _named(vector, left=f"{port.width - 1}", right="0")
