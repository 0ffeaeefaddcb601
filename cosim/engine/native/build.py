# SPDX-License-Identifier: Apache-2.0
"""Builds the shared library of the native engine from the Verilog, ``loop.h`` and code for its ports.

Ports travel as 64-bit words, a port of w bits taking ⌈w/64⌉ of them, inputs and outputs each in the order of the
component's signature, with ``rst`` as the first input.

The tile gets its inputs from registers in front of it. Verilator works off everything that depends on an input whenever
it is called; now that is nothing, and the logic behind the inputs runs once a cycle with all the rest. The registers
have their own clock ``load``, which rises before the falling edge of ``clk``, or with its rising edge where the inputs
of the next cycle are known by then.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from symtrack.cosim.tools import build_cache as build
from symtrack.cosim.tools.toolchain import find_verilator, run
from symtrack.hdl.output.state_map import all_items
from symtrack.hdl.output.verilog import Port, module_name, tile_ports
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.streams import STREAMS

WORD = 64
QUADRANTS = 4
LINK = ("g++", "-shared")
RANDOM_START = ("--x-initial", "unique")
COVERAGE = ("--coverage-line", "--coverage-toggle", "--coverage-max-width", str(2**20))  # of memories, too
LOOP = Path(__file__).with_name("loop.h")
TOP = "native"  # the tile behind registers

Span = tuple[int, int]  # first word, number of words


@dataclass(frozen=True)
class Layout:
    """Where every port lies in its row of words."""

    inputs: dict[str, Span]
    outputs: dict[str, Span]

    @staticmethod
    def of(config: TileConfig) -> Layout:
        """The layout of one configuration."""
        inputs: dict[str, Span] = {}
        outputs: dict[str, Span] = {}
        for port in (Port("rst", 1, False), *tile_ports(config)):
            side = outputs if port.output else inputs
            side[port.name] = (length(side), words(port.width))
        return Layout(inputs, outputs)

    def payload(self, stream: str) -> Span:
        """The payload of a stream, whose ports follow each other."""
        side = self.outputs if f"{stream}__valid" in self.outputs else self.inputs
        handshake = (f"{stream}__valid", f"{stream}__ready")
        spans = [span for name, span in side.items() if name.startswith(f"{stream}__") and name not in handshake]
        return spans[0][0], sum(count for _, count in spans)


def words(width: int) -> int:
    """64-bit words that ``width`` bits take."""
    return -(-width // WORD)


def length(side: dict[str, Span]) -> int:
    """Words in a row."""
    return sum(count for _, count in side.values())


def native_library(verilog: str, config: TileConfig, *, coverage: bool = False, random_start: bool = False) -> Path:
    """The shared library of ``verilog``, built if it is not there yet; it can count what is covered.

    With ``random_start``, registers and memories that have no initial value can start with random ones.

    Raises
    ------
    ToolError
        A program is missing, or Verilator or the compiler rejects the text.
    """
    tool = find_verilator()
    wrapper = _registered(config)
    flags = [*build.FLAGS, "-CFLAGS", "-fPIC", *(COVERAGE if coverage else ()), *(RANDOM_START if random_start else ())]
    loop = LOOP.read_text(encoding="utf-8")

    def produce(work: Path) -> Iterable[Path]:
        source, registers = work / "loop.cpp", work / "native.v"
        source.write_text(f'#include "Vtop.h"\n#include "Vtop___024root.h"\n#include "{LOOP.name}"\n', encoding="utf-8")
        (work / LOOP.name).write_text(loop, encoding="utf-8")
        registers.write_text(wrapper, encoding="utf-8")
        files = build.verilate(work, tool, verilog, TOP, build.CONTROL, flags, source, registers)
        header = (work / "Vtop___024root.h").read_text(encoding="utf-8")
        (work / "generated.h").write_text(_generated(config, header), encoding="utf-8")
        # The loop is compiled by Verilator's makefile too: its flags decide the layout of Verilator's classes.
        objects: tuple[str, ...] = ("loop.o", "Vtop__ALL.a", "verilated.o", "verilated_threads.o")
        objects += ("verilated_cov.o",) if coverage else ()
        build.make(work, tool, flags, *objects)
        library = work / "tile.so"
        parts = [str(work / name) for name in objects]
        run([*LINK, *parts, "-pthread", "-o", str(library)], tool.environment, work / "build.log")
        return [*files, registers, work / "generated.h", library]

    ours = (loop, _generated(config, ""), repr(all_items(config)), wrapper)
    identity = (tool.version, *build.compile_options(), *flags, *LINK, build.CONTROL, *ours, verilog)
    return build.cached(identity, produce) / "tile.so"


def _registered(config: TileConfig) -> str:
    """The module `TOP`: the tile with registers, clocked by ``load``, in front of all its inputs."""
    ports = [Port("rst", 1, False), *tile_ports(config)]
    inputs = [port.name for port in ports if not port.output]
    # A netlist may have outputs that nobody here knows.
    lines = ["/* verilator lint_off PINMISSING */", f"module {TOP} (input clk, input load"]
    lines += [f"  , {'output' if port.output else 'input'} [{port.width - 1}:0] {port.name}" for port in ports]
    lines.append(");")
    lines += [f"  reg [{port.width - 1}:0] held_{port.name};" for port in ports if not port.output]
    lines += ["  always @(posedge load) begin", *(f"    held_{name} <= {name};" for name in inputs), "  end"]
    lines.append(f"  {module_name(config)} tile (.clk(clk)")
    lines += [f"    , .{port.name}({port.name if port.output else f'held_{port.name}'})" for port in ports]
    lines += ["  );", "endmodule", ""]
    return "\n".join(lines)


def _generated(config: TileConfig, header: str) -> str:
    """``generated.h`` for a design whose root class is declared in ``header``."""
    layout = Layout.of(config)
    lines = [
        "// Written from the port list of the component.",
        "namespace generated {",
        f"constexpr int IN_WORDS = {length(layout.inputs)};",
        f"constexpr int OUT_WORDS = {length(layout.outputs)};",
        "struct Stream { int valid, ready, payload, words; };",
    ]
    both = {**layout.inputs, **layout.outputs}
    for stream in STREAMS:
        payload, count = layout.payload(stream)
        valid, ready = both[f"{stream}__valid"][0], both[f"{stream}__ready"][0]
        lines.append(f"constexpr Stream {stream.upper()} = {{{valid}, {ready}, {payload}, {count}}};")
    lines.append(f"constexpr int RESET = {both['rst'][0]};")
    lines.append(f"constexpr int BUSY = {both['status__busy'][0]};")
    lines.append("inline void drive(Vtop& top, const Word* in) {")
    lines += [f"    put(top.{_mangled(name)}, in + {first});" for name, (first, _) in layout.inputs.items()]
    lines += ["}", "inline void sample(const Vtop& top, Word* out) {"]
    lines += [f"    get(top.{_mangled(name)}, out + {first});" for name, (first, _) in layout.outputs.items()]
    lines.append("}")
    for function, constness, words in (("get_state", "const ", "Word*"), ("set_state", "", "const Word*")):
        lines += [f"inline bool {function}({constness}Vtop___024root& root, int index, {words} words) {{"]
        lines += ["    switch (index) {"]
        for index, item in enumerate(all_items(config)):
            member = "__DOT__".join((TOP, "tile", *item.path))
            if f" {member};" in header:
                form = f"{item.rows}, {_bytes(item.width)}"
                port = f"::set_state(root.{_mangled(item.port)}, words, {form}) && "
                too = port if function == "set_state" and item.port else ""
                wire = "__DOT__".join((TOP, "tile", item.wire))
                if function == "set_state" and item.wire and f" {wire};" in header:
                    too += f"::set_state(root.{wire}, words, {form}) && "
                lines.append(f"    case {index}: return {too}::{function}(root.{member}, words, {form});")
        lines += ["    default: return false;", "    }", "}"]
    return "\n".join([*lines, "}  // namespace generated", ""])


def _bytes(width: int) -> int:
    """Size of the C++ variable that Verilator makes of so many bits."""
    return next((size for size in (1, 2, 4, 8) if width <= 8 * size), -(-width // 32) * 4)


def _mangled(port: str) -> str:
    """Verilator's name of a port: double underscores are its own."""
    return port.replace("__", "___05F")
