# SPDX-License-Identifier: Apache-2.0
"""Writes the rules of a controller's interface as SystemVerilog assertions, in a module that is bound to it.

A rule of the controller is an assertion. One of what is connected is an assumption, which simulators check as well and
formal tools start from. Rules look at ports only, so they hold for a netlist, too; what a rule needs of the past, such
as requests without an answer, the module keeps itself. Source: docs/integration.md and docs/tile.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from symtrack.hdl.controller.axi_lite import CHANNELS, OKAY, SLVERR
from symtrack.hdl.controller.controller import LITE, SINKS, SOURCES
from symtrack.hdl.controller.stream_layout import Part, stream_layouts
from symtrack.hdl.output.verilog import controller_name, controller_ports
from symtrack.hdl.output.verilog_package import package_name
from symtrack.model.spec.config import TileConfig

REQUESTS = ("aw", "w", "ar")  # channels into the controller
ANSWERS = {"b": ("aw", "w"), "r": ("ar",)}  # channels out of it, and those that they answer


@dataclass(frozen=True)
class Rule:
    """A property at every rising edge of ``aclk``, its name, and what is wrong if it does not hold.

    ``host``: it binds what is connected, not the controller. ``lane``: it is for the lanes ``k`` from this one on.
    """

    name: str
    holds: str
    wrong: str
    host: bool = False
    lane: int | None = None

    def lines(self) -> list[str]:
        """The rule in SystemVerilog."""
        kind = "assume" if self.host else "assert"
        text = [
            f"  {self.name}: {kind} property (",
            f"    @(posedge aclk) {self.holds}",
            f'  ) else $error("{self.wrong}");',
        ]
        if self.lane is None:
            return text
        start = f"  for (genvar k = {self.lane}; k < LANES; k++) begin : {self.name}_of"
        return [start, *(f"  {line}" for line in text), "  end"]


def rules_name(config: TileConfig) -> str:
    """Name of the module with the rules."""
    return f"{controller_name(config)}_rules"


def interface_rules(config: TileConfig) -> str:
    """The module with all rules, and the statement that binds it to the controller."""
    controller, module = controller_name(config), rules_name(config)
    widths = {port.name: f"[{port.width - 1}:0] " if port.width > 1 else "" for port in controller_ports(config)}
    lines = [
        f"// Rules of the interface of {controller}: assertions of what it does, assumptions of what is connected.",
        f"module {module} import {package_name(config)}::*; (",
        ",\n".join(f"  input logic {width}{name}" for name, width in widths.items()),
        ");",
        STATE.replace("`OKAY", f"2'd{OKAY}"),
    ]
    lines += [line for rule in rules(config) for line in rule.lines()]
    return "\n".join([*lines, "endmodule", "", f"bind {controller} {module} rules (.*);", ""])


def rules(config: TileConfig) -> list[Rule]:
    """All rules of a configuration; one that no value of a port can break is left out."""
    return [*_bus(), *_streams(), *_payloads(config), *_writes(config)]


def _handshake(port: str, valid: str, ready: str, payload: list[str]) -> Iterator[Rule]:
    """What is offered stays, and stays the same, until it is taken.

    A host may do anything in a reset; streams out of the controller are withdrawn by a reset of the tile.
    """
    host = port.removeprefix(f"{LITE}_") in REQUESTS or port.removeprefix("s_axis_") in SOURCES
    spared = " && !resets" if port.removeprefix("m_axis_") in SINKS else ""
    waits, reset = f"live && {valid} && !{ready}{spared} |=>", " || !aresetn" if host else ""
    same = f"$stable({{{', '.join(payload)}}})"
    yield Rule(f"{port}_stays", f"{waits} {valid}{reset}", f"{valid} fell before {ready}", host)
    yield Rule(f"{port}_stable", f"{waits} {same}{reset}", f"{port} changed while it waited for {ready}", host)


def _bus() -> Iterator[Rule]:
    """The rules of AXI4-Lite and the interrupt."""
    yield Rule("irq_reset", "!aresetn |=> !irq", "irq is high after a reset")
    for channel in (*REQUESTS, *ANSWERS):
        port = f"{LITE}_{channel}"
        names = {f"{LITE}_{name}" for name in CHANNELS if name.startswith(channel)}
        valid, ready = f"{port}valid", f"{port}ready"
        yield from _handshake(port, valid, ready, sorted(names - {valid, ready}))
    for channel in REQUESTS:
        port = f"{LITE}_{channel}"
        two = f"live && {channel}_inside >= 2 |-> !{port}ready"
        yield Rule(f"{port}_waiting", two, f"{port}ready is high while two requests wait inside")
    for channel, requests in ANSWERS.items():
        port = f"{LITE}_{channel}"
        asked = " && ".join(f"{request}_count != 0" for request in requests)
        told = f"live && {port}valid |-> {port}resp == {OKAY} || {port}resp == {SLVERR}"
        yield Rule(f"{port}_reset", f"!aresetn |=> !{port}valid", f"{port}valid is high after a reset")
        yield Rule(f"{port}_request", f"live && {channel}_fresh |-> {asked}", f"{port}valid is high without a request")
        yield Rule(f"{port}_response", told, f"{port}resp is neither OKAY nor SLVERR")


def _streams() -> Iterator[Rule]:
    """The rules of the handshakes of streams."""
    for stream in (*SOURCES, *SINKS):
        port = f"{'m' if stream in SINKS else 's'}_axis_{stream}"
        yield from _handshake(port, f"{port}_tvalid", f"{port}_tready", [f"{port}_tdata", f"{port}_tlast"])
        if stream in SINKS:
            none = f"!aresetn || resets |=> !{port}_tvalid"
            early = f"live && {stream}_fresh |-> ordered && !draining && clearing == 0"
            yield Rule(f"{port}_reset", none, f"{port}_tvalid is high after a reset")
            yield Rule(f"{port}_early", early, f"{port} offers a beat before a command, while clearing, or in a drain")
    taken = "live && s_axis_vectors_tready |-> clearing == 0 && (ordered || draining)"
    yield Rule("s_axis_vectors_early", taken, "s_axis_vectors_tready is high before a command or while clearing")
    taken = "live && s_axis_codes_tready |-> asked"
    yield Rule("s_axis_codes_early", taken, "s_axis_codes_tready is high before a read was requested")
    yield Rule("m_axis_read_last", "live && m_axis_read_tvalid |-> m_axis_read_tlast", "m_axis_read_tlast is low")


def _payloads(config: TileConfig) -> Iterator[Rule]:
    """The ranges of the payloads out of the controller, each with the bits that extend it."""
    highest = {
        "column": config.columns - 1,
        "beat": config.row_beats - 1,
        "array": config.programmer,
    }
    for stream in SINKS:
        layout, port = stream_layouts(config)[stream], f"m_axis_{stream}"
        for part in layout.parts:
            value = f"{stream}.{part.name}"
            if part.lane is None:
                inside = _unsigned(part, value, highest.get(part.name, (1 << part.width) - 1))
            elif part.lane == 0:
                most = config.pulses_max if part.name == "pulses" else (1 << (part.width - 1)) - 1
                least = -most if part.name == "pulses" else -most - 1
                whole = (least, most) == (-1 << (part.room - 1), (1 << (part.room - 1)) - 1)
                inside = "" if whole else f"{value}[k] >= {least} && {value}[k] <= {most}"
            else:
                continue
            if inside:
                name, lane = f"{port}_{part.name}", part.lane
                yield Rule(name, f"live && {port}_tvalid |-> {inside}", f"{name} is out of its range", lane=lane)
        if layout.padding:
            zero = f"live && {port}_tvalid |-> {stream}.padding == '0"
            yield Rule(f"{port}_padding", zero, f"{port} has ones above its last payload")
    polarity = "live && m_axis_pulses_tvalid |-> pulses.up[0] == ^pulses.quadrant[1:0]"
    yield Rule("m_axis_pulses_polarity", polarity, "m_axis_pulses_up is not the product of the signs of its quadrant")


def _unsigned(part: Part, value: str, most: int) -> str:
    """Whether an unsigned payload is at most ``most``; of long ones only the bits above are looked at."""
    if most == (1 << part.room) - 1:
        return ""
    width = most.bit_length()
    if most == (1 << width) - 1:
        return f"{value}[{part.room - 1}:{width}] == '0"
    return f"{value} <= {most}"


def _writes(config: TileConfig) -> Iterator[Rule]:
    """The rules of the beats of a column in ``m_axis_writes``."""
    port, last = "m_axis_writes", config.row_beats - 1
    offered = f"live && {port}_tvalid"
    end = f"{offered} && writes.beat == {last} |-> {port}_tlast"
    of = "live && writes_fresh |-> asked && writes.column == asked_column && writes.array == asked_array"
    yield Rule(f"{port}_last", end, f"{port}_tlast is low at the end of a column")
    yield Rule(f"{port}_request", of, f"{port} has a column that was not requested")
    yield Rule(f"{port}_order", "live && writes_fresh |-> writes.beat == next_beat", f"{port} skips or repeats a beat")
    if beyond := config.rows % config.lanes:
        names = ["pulses", "reference", *(["residual"] if config.residual_memory else [])]
        zero = " && ".join([*(f"writes.{name}[k] == 0" for name in names), "!writes.latch[k]"])
        empty = f"{offered} && writes.beat == {last} |-> {zero}"
        yield Rule(f"{port}_lanes", empty, f"{port} has something in a lane beyond the last row", lane=beyond)
    if config.programmer:
        kept = f"{offered} && writes.array[0] |-> writes.latch == '0"
        yield Rule(f"{port}_kept", kept, f"{port} latches a reference in a programming")


STATE = """
  pulses_t pulses;
  read_t read;
  writes_t writes;
  assign pulses = m_axis_pulses_tdata;
  assign read = m_axis_read_tdata;
  assign writes = m_axis_writes_tdata;

  // Rules hold from the first reset on.
  logic seen;
  initial seen = 1'b0;
  wire live = seen && aresetn;

  // What is fresh was not on offer in the cycle before, or was taken.
  logic pulses_waited, read_waited, writes_waited, b_waited, r_waited;
  wire pulses_fresh = m_axis_pulses_tvalid && !pulses_waited;
  wire read_fresh = m_axis_read_tvalid && !read_waited;
  wire writes_fresh = m_axis_writes_tvalid && !writes_waited;
  wire b_fresh = s_axil_bvalid && !b_waited;
  wire r_fresh = s_axil_rvalid && !r_waited;

  // Requests without an answer, and those of them that wait inside; of writes what matters below, the oldest lowest.
  logic [2:0] aw_count, w_count, ar_count;
  wire [2:0] aw_inside = aw_count - 3'(b_fresh);
  wire [2:0] w_inside = w_count - 3'(b_fresh);
  wire [2:0] ar_inside = ar_count - 3'(r_fresh);
  wire aw_taken = s_axil_awvalid && s_axil_awready;
  wire w_taken = s_axil_wvalid && s_axil_wready;
  wire ar_taken = s_axil_arvalid && s_axil_arready;
  wire to_control = s_axil_awaddr[11:2] == REG_CONTROL[11:2];
  wire to_command = s_axil_awaddr[11:2] == REG_COMMAND[11:2];
  logic [3:0][1:0] addresses;
  logic [3:0][2:0] words;

  // A write has been done in the cycle before its answer is fresh.
  wire written = b_fresh && s_axil_bresp == `OKAY;
  wire command = written && addresses[0][0] && words[0][2];
  wire reset = written && addresses[0][1] && words[0][1];
  wire drain = written && addresses[0][1] && words[0][0] && !words[0][1];

  // The tile is reset at the end of a cycle with resets; then its memories are cleared.
  logic ordered, drains, drained;
  int clearing;
  wire draining = drain || drains;
  wire resets = reset || drained;

  // A column was requested, and the last beat of its writes has not been taken.
  logic asked;
  logic [$bits(read.column)-1:0] asked_column;
  logic [$bits(read.array)-1:0] asked_array;
  logic [$bits(writes.beat)-1:0] next_beat;

  always @(posedge aclk) begin
    seen <= seen || !aresetn;
    pulses_waited <= aresetn && m_axis_pulses_tvalid && !m_axis_pulses_tready;
    read_waited <= aresetn && m_axis_read_tvalid && !m_axis_read_tready;
    writes_waited <= aresetn && m_axis_writes_tvalid && !m_axis_writes_tready;
    b_waited <= aresetn && s_axil_bvalid && !s_axil_bready;
    r_waited <= aresetn && s_axil_rvalid && !s_axil_rready;

    aw_count <= aresetn ? aw_inside + 3'(aw_taken) : '0;
    w_count <= aresetn ? w_inside + 3'(w_taken) : '0;
    ar_count <= aresetn ? ar_inside + 3'(ar_taken) : '0;
    if (b_fresh) begin
      addresses <= addresses >> 2;
      words <= words >> 3;
    end
    if (aw_taken) addresses[aw_inside[1:0]] <= {to_control, to_command};
    if (w_taken)
      words[w_inside[1:0]] <= {3{s_axil_wstrb[0]}} &
        {1'b1, s_axil_wdata[REG_CONTROL_RESET_SHIFT], s_axil_wdata[REG_CONTROL_DRAIN_SHIFT]};

    ordered <= aresetn && (command || (ordered && !reset && !drain));
    drains <= aresetn && draining && !resets;
    drained <= aresetn && draining && !resets && !(pulses_waited || read_waited || writes_waited);
    if (!aresetn || resets) clearing <= CYCLES_CLEAR;
    else if (clearing != 0) clearing <= clearing - 1;

    if (!aresetn || resets) begin
      asked <= 1'b0;
      next_beat <= '0;
    end else begin
      if (m_axis_writes_tvalid && m_axis_writes_tready) begin
        next_beat <= m_axis_writes_tlast ? '0 : next_beat + 1'b1;
        if (m_axis_writes_tlast) asked <= 1'b0;
      end
      if (m_axis_read_tvalid && m_axis_read_tready) begin
        asked <= 1'b1;
        asked_column <= read.column;
        asked_array <= read.array;
      end
    end
  end
"""
