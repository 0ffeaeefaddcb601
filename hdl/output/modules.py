# SPDX-License-Identifier: Apache-2.0
"""Writes a component as Verilog in which equal blocks are instances of one module.

Amaranth converts every block of `hdl.parts.written_once` by itself, once, and the rest with instances in their places;
Yosys writes all of them as Verilog. Constants that differ from instance to instance become parameters of the module.
What Amaranth writes for every word of a memory and every element of an array is left out: the initial words, in whose
place there is a loop, and names of single elements beside that of the array. So are names such as ``advance$10``, of a
port of an inner block, that nothing uses beside the name of the net it is on. Memories are instances of one module
(`hdl.output.memory`).
"""

import re
from collections import Counter
from typing import Any

from amaranth.back import rtlil, verilog
from amaranth.hdl import ClockDomain, ClockSignal, Const, Fragment, Instance, ResetSignal, Value
from amaranth.hdl._ir import PortDirection
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Component, In, Out

from symtrack.hdl.output.memory import BEHAVIOURAL_BODY, READ_DATA, MemoryInstances, MemoryTest, guarded
from symtrack.hdl.parts.memory_1r1w import Memory1R1W
from symtrack.hdl.parts.written_once import Elaborate

DIRECTIONS = {In: PortDirection.Input, Out: PortDirection.Output}
WIDTH = 32  # of a parameter
SCRIPT = "proc -nomux -norom; memory_collect; write_verilog -norename"  # as Amaranth's own
INITIAL_WORDS = re.compile(r"^  cell \$meminit_v2 .*?^  end\n", re.MULTILINE | re.DOTALL)
ELEMENT = re.compile(r"^ *(?:wire (?:.* )?\\\S+\[\d+\](?:\.\w+)?|connect \\\S+\[\d+\](?:\.\w+)? .*)\n", re.MULTILINE)
MEMORY = re.compile(r"^  reg \[(\d+):0\] (\w+) \[(\d+):0\];\n", re.MULTILINE)
NUMBERED = re.compile(r"(\\\S+\$\d+) ")
REPEATED = re.compile(r"^  (?:wire (?:\[\d+:0\] )?|assign )(\\\S+\$\d+) +[;=].*\n", re.MULTILINE)
ATTRIBUTED = re.compile(r"^  \(\* .*\n  wire (?:\[\d+:0\] )?(\\\S+\$\d+) ", re.MULTILINE)
MODULE = re.compile(r"^module .*?^endmodule\n", re.MULTILINE | re.DOTALL)
CLOCKS = re.compile(r"^  wire .*input \d+ +\\(clk|rst)$", re.MULTILINE)


class Modules:
    """An Amaranth platform that makes the modules below ``top`` and keeps their RTLIL.

    asynchronous : registers that have a reset take it as soon as it rises, and not with the clock
    clock_enables : see `hdl.parts.clock_enables`
    with_body : the text ends with the behavioural body of its memories, if it has any
    test : what tests the memories, whose ports the top module then has, too
    """

    def __init__(
        self,
        top: str,
        *,
        asynchronous: bool = False,
        clock_enables: bool = False,
        with_body: bool = True,
        test: MemoryTest | None = None,
    ) -> None:
        self.top = top
        self.clock_enables = clock_enables
        self._memories = MemoryInstances(test)
        self._with_body = with_body
        self._asynchronous = asynchronous
        self._rtlil: dict[str, str] = {}
        self._components: dict[str, Any] = {}  # the first of each module

    def instance(self, component: Any, elaborate: Elaborate) -> Instance:
        """Called by `hdl.parts.written_once` in place of elaborating the component."""
        name = f"{self.top}.{component.module}"
        if name not in self._rtlil:
            self._components[name] = component
            self._rtlil[name] = ""  # of what is inside it, its modules come first
            self._rtlil[name] = self._converted(component, elaborate(component, self), name)
        if component.signature != self._components[name].signature:
            raise ValueError(f"module = {component.module!r}: must have the same ports in all its instances")
        clocks = {"clk": ClockSignal(), "rst": ResetSignal()}
        return Instance(
            name,
            *(("p", parameter, Const(value, WIDTH)) for parameter, value in _parameters(component).items()),
            *(("i", port, clocks[port]) for port in CLOCKS.findall(self._rtlil[name])),
            *(
                ("i" if member.flow is In else "o", "__".join(map(str, path)), Value.cast(value))
                for path, member, value in component.signature.flatten(component)
            ),
        )

    def memory_1r1w(self, memory: Memory1R1W) -> Instance:
        """Called by `hdl.parts.memory_1r1w` in place of elaborating a memory."""
        return self._memories.instance(memory, ClockSignal())

    def get_memory(self, memory: Memory) -> Fragment:
        """Called by Amaranth in place of building a memory."""
        fragment = memory.elaborate(None)
        fragment._data._init._raw = []  # else it writes them all, bit by bit, see `INITIAL_WORDS`
        return fragment

    def verilog(self, component: Component) -> str:
        """The text of the component, whose module has the name ``top``, and of all modules below it.

        Raises
        ------
        YosysError
            Yosys fails.
        """
        whole = self._converted(component, component, self.top)
        text = "\n".join((whole, *self._rtlil.values()))
        text = ELEMENT.sub("", INITIAL_WORDS.sub("", text))
        yosys = verilog.find_yosys(lambda version: version >= (0, 40))
        text = yosys.run(["-q", "-"], f"read_rtlil <<rtlil\n{text}\nrtlil\n{SCRIPT}", ignore_warnings=True)
        for name, of in self._components.items():
            if parameters := _parameters(of):
                text = _parametrised(text, name, parameters, getattr(of, "derived", {}))
        text = MEMORY.sub(_cleared, MODULE.sub(_without_repeated_names, text))
        return f"{text}\n{guarded(BEHAVIOURAL_BODY)}" if self._with_body and self._memories.count else text

    def _converted(self, component: Component, elaborated: Any, name: str) -> str:
        ports = {
            "__".join(map(str, path)): (Value.cast(value), DIRECTIONS[member.flow])
            for path, member, value in component.signature.flatten(component)
        }
        fragment = Fragment.get(elaborated, self)
        if name == self.top and READ_DATA in (tested := self._memories.signals):
            fragment.add_statements("comb", tested[READ_DATA].eq(self._memories.joined()))
            ports |= {
                port: (signal, PortDirection.Output if port == READ_DATA else PortDirection.Input)
                for port, signal in tested.items()
            }
        if self._asynchronous:
            if "sync" not in fragment.domains:  # else Amaranth makes one, whose reset is synchronous
                fragment.add_domains(domain := ClockDomain("sync"))
                ports |= {name: (getattr(domain, name), PortDirection.Input) for name in ("clk", "rst")}
            for domain in fragment.domains.values():
                domain.async_reset = True
        return rtlil.convert_fragment(fragment, ports, name, emit_src=False)[0]


def _parameters(component: Any) -> dict[str, int]:
    return getattr(component, "parameters", {})


def _parametrised(text: str, name: str, parameters: dict[str, int], derived: dict[str, tuple[int, str]]) -> str:
    """The text with parameters, and what is derived from them, in place of constants in the module ``name``."""
    head, start, rest = re.split(rf"^(module \\{re.escape(name)} .*\n)", text, maxsplit=1, flags=re.MULTILINE)
    body, end, tail = rest.partition("\nendmodule\n")
    names = {value: parameter for parameter, value in parameters.items()}
    names |= {value: parameter for parameter, (value, _) in derived.items()}
    if len(names) != len(parameters) + len(derived):
        raise ValueError(f"parameters of {name}: must all differ")
    constant = re.compile(rf"\b{WIDTH}'d(\d+)\b")
    if lost := [one for value, one in names.items() if str(value) not in constant.findall(body)]:
        raise ValueError(f"parameters of {name}: {', '.join(lost)} must be constants of {WIDTH} bits in its hardware")
    body = constant.sub(lambda found: names.get(int(found[1]), found[0]), body)
    lines = [f"  parameter [{WIDTH - 1}:0] {one} = {WIDTH}'d{value};" for one, value in parameters.items()]
    lines += [f"  localparam [{WIDTH - 1}:0] {one} = {of};" for one, (_, of) in derived.items()]
    return "".join((head, start, "\n".join(lines), "\n", body, end, tail))


def _without_repeated_names(module: re.Match[str]) -> str:
    """A module without the nets that are declared and set, and used nowhere."""
    lines = Counter(REPEATED.findall(module[0]))
    uses = Counter(NUMBERED.findall(module[0]))
    unused = {name for name, count in lines.items() if count == uses[name]} - {*ATTRIBUTED.findall(module[0])}
    return REPEATED.sub(lambda line: "" if line[1] in unused else line[0], module[0])


def _cleared(declared: re.Match[str]) -> str:
    """The declaration of a memory, and a loop that makes its words zero at the start of a simulation."""
    width, name, last = int(declared[1]) + 1, declared[2], declared[3]
    return (
        f"{declared[0]}  integer row;\n  initial begin\n    for (row = 0; row <= {last}; row = row + 1)\n"
        f"      {name}[row] = {width}'d0;\n  end\n"
    )
