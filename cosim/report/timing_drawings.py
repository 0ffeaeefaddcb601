# SPDX-License-Identifier: Apache-2.0
"""Draws the timing diagrams of docs/integration.md from a simulation of the controller of `tiny`.

A host writes registers, queues of beats feed the streams, and every output is taken at once. Values are those of the
end of a cycle, before the rising edge that acts on them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from amaranth.sim import Simulator

from symtrack.cosim.report.html import element
from symtrack.cosim.report.wave_grid import HEAD, ROW, Lane, WaveGrid
from symtrack.hdl.controller.controller import Controller
from symtrack.hdl.controller.registers import EVENTS, registers
from symtrack.hdl.controller.stream_layout import stream_layouts
from symtrack.model.spec.config import NAMED
from symtrack.model.spec.settings import Op

CONFIG = NAMED["tiny"]
GRID = WaveGrid(label=190, cycle=40)
CHANNELS = ("aw", "w", "ar")
SOURCES = ("vectors", "codes")
STYLE = """\
text { font: 12px system-ui, sans-serif; fill: #1d2330 } .name, .value { font-family: ui-monospace, monospace }
.value { font-size: 10px } .paper { fill: #fff } .grid { stroke: #e0e2e8 } .high { fill: #5a6273; opacity: .2 }
.level { fill: none; stroke: #1d2330; stroke-width: 1.6 } .word { fill: none; stroke: #5a6273; stroke-width: 1.2 }
"""
REGISTERS = {register.name: register for register in registers(CONFIG)}
DONE = 1 << list(EVENTS).index("done")


@dataclass
class Host:
    """The host that drives the controller: a queue of words for every channel, whose first moves when it is taken."""

    queues: dict[str, deque[int]] = field(default_factory=lambda: {name: deque() for name in (*CHANNELS, *SOURCES)})
    seen: list[dict[str, int]] = field(default_factory=list)

    def write(self, name: str, word: int) -> None:
        """Queue the write of a register."""
        self.queues["aw"].append(REGISTERS[name].offset)
        self.queues["w"].append(word)

    def read(self, name: str) -> None:
        """Queue the read of a register."""
        self.queues["ar"].append(REGISTERS[name].offset)

    def update(self, bl: int, x: Sequence[int], delta: Sequence[int]) -> None:
        """Queue an update of signed magnitudes."""
        put = stream_layouts(CONFIG)["vectors"].put
        self.write("command", int(Op.UPDATE) | bl << REGISTERS["command"].field("bl").low)
        self.queues["vectors"].extend(put(magnitude=abs(v), negative=int(v < 0)) for v in (*x, *delta))

    def transfer(self, codes: Sequence[int]) -> None:
        """Queue a transfer of a column with these codes."""
        put = stream_layouts(CONFIG)["codes"].put
        self.write("command", int(Op.TRANSFER))
        self.queues["codes"].extend(put(code=code) for code in codes)


class DrawingBench:
    """A controller after its reset in Amaranth's simulator, played cycle by cycle."""

    def __init__(self) -> None:
        self.controller = Controller(CONFIG)
        self.host = Host()

    def play(self, steps: Iterable[tuple[int, Any]]) -> list[dict[str, int]]:
        """Do each action of ``steps`` on the host and wait the cycles that follow it; the values of every cycle."""

        async def bench(ctx: Any) -> None:
            await self._cycle(ctx, reset=True)
            for cycles, action in steps:
                action(self.host)
                for _ in range(cycles):
                    await self._cycle(ctx)

        simulator = Simulator(self.controller)
        simulator.add_testbench(bench)
        simulator.run()
        return self.host.seen

    async def _cycle(self, ctx: Any, reset: bool = False) -> None:
        members, queues = self.controller.signature.members, self.host.queues
        inputs = {f"s_axil_{name}ready": 1 for name in ("b", "r")}
        inputs |= {f"m_axis_{name}_tready": 1 for name in ("pulses", "read", "writes")}
        inputs |= {"s_axil_wstrb": 15, "aresetn": int(not reset)}
        handshakes = {}
        for name, queue in queues.items():
            lite = name in CHANNELS
            port, bit = (f"s_axil_{name}", "") if lite else (f"s_axis_{name}_", "t")
            data = {"w": "data"}.get(name, "addr") if lite else "data"
            inputs |= {f"{port}{bit}valid": int(bool(queue)), f"{port}{bit}{data}": queue[0] if queue else 0}
            handshakes[name] = f"{port}{bit}ready"
        for name, value in inputs.items():
            ctx.set(getattr(self.controller, name), value)
        ctx.set(self.controller.aclk, 0)
        await ctx.delay(5e-9)
        values = {name: int(ctx.get(getattr(self.controller, name))) for name in members}
        self.host.seen.append(values)
        for name, ready in handshakes.items():
            if queues[name] and values[ready] and not reset:
                queues[name].popleft()
        ctx.set(self.controller.aclk, 1)
        await ctx.delay(5e-9)


def _nothing(_: Host) -> None:
    """An action that does nothing, so that only time passes."""


def _parts(seen: Sequence[dict[str, int]], name: str) -> list[int]:
    """The values of a port, or of one payload of a stream such as ``pulses.rows``."""
    if "." not in name:
        return [cycle[name] for cycle in seen]
    stream, part = name.split(".")
    layout, side = stream_layouts(CONFIG)[stream], "s" if stream in SOURCES else "m"
    found = [layout.get(cycle[f"{side}_axis_{stream}_tdata"], part) for cycle in seen]
    return [value[0] if isinstance(value, list) else value for value in found]


def drawing(seen: Sequence[dict[str, int]], names: Sequence[str], bits: Container[str], what: str) -> str:
    """A picture of these ports in these cycles, counted from 0; payloads are shown while their stream is valid."""
    width, height = GRID.label + GRID.cycle * len(seen) + 8, HEAD + ROW * len(names) + 8
    parts = [element("style", STYLE), element("rect", width=width, height=height, class_="paper")]
    for index in range(len(seen)):
        x = GRID.label + GRID.cycle * index
        parts.append(element("line", x1=x, x2=x, y1=HEAD - 8, y2=height, class_="grid"))
        parts.append(element("text", str(index), x=x + GRID.cycle / 2, y=18, text_anchor="middle"))
    for index, name in enumerate(names):
        low = HEAD + ROW * index + ROW - 6
        bit = name in bits
        values: list[int | None] = list(_parts(seen, name))
        if not bit:
            valid = _valid(name)
            values = [value if cycle[valid] else None for value, cycle in zip(values, seen, strict=True)]
        parts.append(element("text", name, x=GRID.label - 10, y=low - 4, text_anchor="end", class_="name"))
        parts.append(element("g", GRID.wave(Lane(name, "both", values, bit), low)))
    return element(
        "svg",
        *parts,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width} {height}",
        width=width,
        role="img",
        aria_label=what,
    )


def _valid(name: str) -> str:
    """The port that says whether a word is valid."""
    if "." in name:
        stream = name.split(".")[0]
        return f"{'s' if stream in SOURCES else 'm'}_axis_{stream}_tvalid"
    for channel in ("aw", "ar", "w", "b", "r"):
        if name.startswith(f"s_axil_{channel}"):
            return f"s_axil_{channel}valid"
    return name.replace("tdata", "tvalid")


def drawings() -> dict[str, str]:
    """All drawings, by the name of their file."""
    bench = DrawingBench()

    def registers_scene(host: Host) -> None:
        host.write("gain", 0x400)
        host.write("identification", 1)  # cannot be written

    def prepare(host: Host) -> None:
        host.write("interrupt", DONE)
        host.write("events", (1 << len(EVENTS)) - 1)

    def clear(host: Host) -> None:
        host.write("events", DONE)

    def seed(state: int) -> Callable[[Host], None]:
        return lambda host: host.write("seed", state)

    bl = 2
    x, delta = (4095, 2000, 0, 0, 3000), (4095, 3000, 1000)
    lengths = {"registers": 7, "update": 6 + CONFIG.update_cycles(bl), "transfer": 6 + CONFIG.transfer_cycles}
    settle, apart = 8, 3  # cycles for a write of a seed, which is in before the next one comes
    start = max(CONFIG.clear_cycles + 4, apart * len(CONFIG.seeds) + settle)
    seen = bench.play(
        [
            *((apart, seed(state)) for state in CONFIG.seeds),
            (start - apart * len(CONFIG.seeds), _nothing),
            (3, registers_scene),
            (lengths["registers"] - 3, lambda host: host.read("gain")),
            (settle, prepare),
            (lengths["update"], lambda host: host.update(bl, x, delta)),
            (settle, clear),
            (lengths["transfer"], lambda host: host.transfer((5, -3, 2))),
        ]
    )
    scenes, first = {}, 1 + start  # after the cycle of reset
    for name, length in lengths.items():
        scenes[name] = seen[first : first + length]
        first += length + settle
    command = ("s_axil_awvalid", "s_axil_wvalid", "s_axil_wdata", "s_axil_bvalid")
    names = {
        "registers": (
            *("s_axil_awvalid", "s_axil_awready", "s_axil_awaddr", "s_axil_wvalid", "s_axil_wready", "s_axil_wdata"),
            *("s_axil_bvalid", "s_axil_bresp", "s_axil_arvalid", "s_axil_arready", "s_axil_araddr"),
            *("s_axil_rvalid", "s_axil_rresp", "s_axil_rdata"),
        ),
        "update": (
            *command,
            *("s_axis_vectors_tvalid", "s_axis_vectors_tready", "vectors.magnitude", "vectors.negative"),
            *("m_axis_pulses_tvalid", "m_axis_pulses_tlast", "pulses.rows", "pulses.columns", "pulses.up", "irq"),
        ),
        "transfer": (
            *command,
            *("m_axis_read_tvalid", "read.column", "s_axis_codes_tvalid", "s_axis_codes_tready", "codes.code"),
            *("m_axis_writes_tvalid", "m_axis_writes_tlast", "writes.beat", "writes.pulses", "writes.reference", "irq"),
        ),
    }
    what = {
        "registers": "A write of a register, a read of it, and a write that is refused",
        "update": f"An update with bl = {bl} and one non-empty quadrant",
        "transfer": "A transfer of one column",
    }
    bits = {name for name, member in bench.controller.signature.members.items() if member.shape == 1}
    return {f"timing-{name}.svg": drawing(scenes[name], names[name], bits, what[name]) + "\n" for name in scenes}
