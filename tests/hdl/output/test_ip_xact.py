# SPDX-License-Identifier: Apache-2.0
"""Tests of the IP-XACT component: PeakRDL reads our registers in it, and its ports are those that slang reads."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

import pytest
from systemrdl.rdltypes import AccessType

from symtrack.cosim.tools.verilog_texts import controller_verilog
from symtrack.hdl.controller.registers import registers
from symtrack.hdl.output.package import package
from symtrack.hdl.output.verilog import controller_name
from symtrack.model.spec.config import NAMED, TileConfig
from tests.hdl.output.test_register_documents import CONFIGS
from tests.hdl.output.test_system_rdl import CODES, compiled

SPACE = "{http://www.accellera.org/XMLSchema/IPXACT/1685-2014}"
ORDER = {  # of the children of elements, as the schema has them in sequence
    "component": (
        *("vendor", "library", "name", "version", "busInterfaces", "memoryMaps", "model", "fileSets", "description"),
    ),
    "busInterface": ("name", "busType", "abstractionTypes", "slave", "master"),
    "addressBlock": ("name", "baseAddress", "range", "width", "usage", "register"),
    "memoryMap": ("name", "addressBlock", "addressUnitBits"),
    "register": ("name", "description", "addressOffset", "size", "field"),
    "field": (
        *("name", "description", "bitOffset", "resets", "bitWidth", "volatile", "access"),
        *("enumeratedValues", "modifiedWriteValue", "writeValueConstraint"),
    ),
    "writeValueConstraint": ("minimum", "maximum"),
    "model": ("views", "instantiations", "ports"),
    "componentInstantiation": ("name", "language", "moduleName", "fileSetRef"),
    "wire": ("direction", "vectors"),
    "vector": ("left", "right"),
}
LITE = {  # of AXI4-Lite, whose AxPROT no part of the controller looks at
    *("ACLK", "ARESETn", "AWADDR", "AWVALID", "AWREADY", "WDATA", "WSTRB", "WVALID", "WREADY", "BRESP", "BVALID"),
    *("BREADY", "ARADDR", "ARVALID", "ARREADY", "RDATA", "RRESP", "RVALID", "RREADY"),
}
STREAM = {"ACLK", "ARESETn", "TDATA", "TVALID", "TREADY", "TLAST"}


@cache
def text(name: str) -> str:
    config = CONFIGS[name]
    return package(config)[f"{controller_name(config)}.xml"]


def component(name: str) -> ElementTree.Element:
    return ElementTree.fromstring(text(name))


def child(element: ElementTree.Element, *tags: str) -> str:
    found = element.find("/".join(f"{SPACE}{tag}" for tag in tags))
    assert found is not None
    return found.text or ""


def number(value: str) -> int:
    return int(value.removeprefix("'h"), 16) if value.startswith("'h") else int(value)


@pytest.mark.parametrize("name", ["tiny", "large"])
def test_elements_are_in_the_order_of_the_schema(name: str) -> None:
    seen = set()
    for element in component(name).iter():
        tag = element.tag.removeprefix(SPACE)
        assert element.tag == SPACE + tag
        if tag in ORDER:
            seen.add(tag)
            places = [ORDER[tag].index(one.tag.removeprefix(SPACE)) for one in element]
            assert places == sorted(places), tag
    assert seen == set(ORDER)


@pytest.mark.skipif(find_spec("peakrdl_ipxact") is None, reason="peakrdl-ipxact is not installed")
@pytest.mark.parametrize("name", ["tiny", "large"])
def test_an_independent_reader_finds_the_fields_of_the_systemrdl(name: str, tmp_path: Path) -> None:
    from peakrdl_ipxact import IPXACTImporter
    from systemrdl import RDLCompiler

    file = tmp_path / "component.xml"
    file.write_text(text(name), encoding="utf-8")
    compiler = RDLCompiler()
    IPXACTImporter(compiler).import_file(str(file))
    top = f"{controller_name(CONFIGS[name])}__registers__registers"  # by its memory map and the block in it
    read = {
        (register.inst_name, field.inst_name): field
        for register in compiler.elaborate(top).top.registers()
        for field in register.fields()
    }
    ours = compiled(CONFIGS[name], tmp_path)
    assert read.keys() == ours.keys()
    assert read
    for place, field in read.items():
        other = ours[place]
        assert field.parent.absolute_address == other.parent.absolute_address
        assert (field.low, field.high) == (other.low, other.high)
        for told in ("sw", "reset", "onwrite"):
            assert field.get_property(told) == other.get_property(told), (place, told)
        names = field.get_property("encode"), other.get_property("encode")
        assert (names[0] is None) == (names[1] is None)
        if names[0] is not None:
            values = [{one.name: one.value for one in code} for code in names]
            assert values[0] == values[1]
            assert place[1] in CODES


@pytest.mark.parametrize("name", ["tiny", "large"])
def test_fields_are_volatile_where_hardware_writes_them(name: str, tmp_path: Path) -> None:
    ours, told = compiled(CONFIGS[name], tmp_path), set()
    for register in component(name).iter(f"{SPACE}register"):
        for element in register.iter(f"{SPACE}field"):
            field = ours[child(register, "name"), child(element, "name")]
            volatile = child(element, "volatile")
            assert volatile == str(field.get_property("hw") == AccessType.w).lower()
            told.add(volatile)
    assert told == {"false", "true"}


@pytest.mark.parametrize("name", ["tiny", "large"])
def test_values_that_are_refused_are_constraints(name: str) -> None:
    table = {(register.name, field.name): field for register in registers(CONFIGS[name]) for field in register.fields}
    constrained = 0
    for register in component(name).iter(f"{SPACE}register"):
        for element in register.iter(f"{SPACE}field"):
            field = table[child(register, "name"), child(element, "name")]
            limit = element.find(f"{SPACE}writeValueConstraint")
            if field.access in ("ro", "w1c") or (field.high is None and not field.nonzero):
                assert limit is None
                continue
            constrained += 1
            assert limit is not None
            most = (1 << field.width) - 1 if field.high is None else field.high
            assert (int(child(limit, "minimum")), int(child(limit, "maximum"))) == (int(field.nonzero), most)
    assert constrained > 3


@pytest.mark.skipif(find_spec("pyslang") is None, reason="pyslang is not installed")
@pytest.mark.parametrize("name", ["tiny", "one cell"])
def test_ports_are_those_of_the_verilog(name: str) -> None:
    config = {**CONFIGS, "one cell": TileConfig(rows=1, columns=1, lanes=1)}[name]
    assert ports_of(package(config)[f"{controller_name(config)}.xml"]) == slang_ports(config)


def ports_of(xml: str) -> dict[str, tuple[str, int]]:
    found = {}
    for port in ElementTree.fromstring(xml).iter(f"{SPACE}port"):
        vector = port.find(f".//{SPACE}vector")
        width = 1 if vector is None else number(child(vector, "left")) - number(child(vector, "right")) + 1
        found[child(port, "name")] = child(port, "wire", "direction"), width
    return found


def slang_ports(config: TileConfig) -> dict[str, tuple[str, int]]:
    from pyslang.ast import Compilation
    from pyslang.syntax import SyntaxTree

    compilation = Compilation()
    compilation.addSyntaxTree(SyntaxTree.fromText(controller_verilog(config)))
    tops = {top.name: top for top in compilation.getRoot().topInstances}
    ports = tops[controller_name(config)].body.portList
    return {port.name: (str(port.direction).rpartition(".")[2].lower(), port.type.bitWidth) for port in ports}


def test_every_port_but_the_interrupt_is_a_signal_of_one_bus() -> None:
    root, mapped = component("tiny"), []
    for bus in root.iter(f"{SPACE}busInterface"):
        name = child(bus, "name")
        pairs = {
            child(pair, "logicalPort", "name"): child(pair, "physicalPort", "name")
            for pair in bus.iter(f"{SPACE}portMap")
        }
        assert set(pairs) == (LITE if name == "s_axil" else STREAM)
        assert pairs.pop("ACLK") == "aclk"
        assert pairs.pop("ARESETn") == "aresetn"
        assert all(physical == f"{name}_{logical.lower()}" for logical, physical in pairs.items())
        assert (bus.find(f"{SPACE}slave") is None) == name.startswith("m_")
        mapped += pairs.values()
    assert sorted([*mapped, "aclk", "aresetn", "irq"]) == sorted(ports_of(text("tiny")))


def test_the_map_is_that_of_the_bus_and_the_files_are_there() -> None:
    root = component("tiny")
    (reference,) = root.iter(f"{SPACE}memoryMapRef")
    assert reference.get("memoryMapRef") == child(root, "memoryMaps", "memoryMap", "name")
    assert child(root, "fileSets", "fileSet", "file", "name") in package(NAMED["tiny"])
    assert child(root, "name") == "symtrack_tiny_controller"
