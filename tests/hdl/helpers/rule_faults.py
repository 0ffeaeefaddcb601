# SPDX-License-Identifier: Apache-2.0
"""Errors that break the rules of an interface: for every rule a cycle of a record, and bits of ports to be inverted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from symtrack.hdl.controller.controller import SINKS, SOURCES
from symtrack.hdl.controller.registers import registers
from symtrack.hdl.controller.stream_layout import Part, stream_layouts
from symtrack.model.spec.config import TileConfig
from tests.hdl.helpers.rules_bench import Row

CHANNELS = {  # the payload of every channel, and of every stream
    "s_axil_aw": ("s_axil_awaddr",),
    "s_axil_w": ("s_axil_wdata", "s_axil_wstrb"),
    "s_axil_b": ("s_axil_bresp",),
    "s_axil_ar": ("s_axil_araddr",),
    "s_axil_r": ("s_axil_rdata", "s_axil_rresp"),
    **{f"s_axis_{name}": (f"s_axis_{name}_tdata", f"s_axis_{name}_tlast") for name in SOURCES},
    **{f"m_axis_{name}": (f"m_axis_{name}_tdata", f"m_axis_{name}_tlast") for name in SINKS},
}


@dataclass(frozen=True)
class Fault:
    """In the first cycle of which ``when`` is true, given the cycles up to it, ports are inverted as ``flips`` says."""

    rule: str
    when: Callable[[list[Row]], bool]
    flips: Callable[[Row], Row]

    def place(self, rows: list[Row]) -> tuple[int, Row]:
        """The cycle and the bits; there must be one."""
        for cycle in range(8, len(rows)):
            if self.when(rows[: cycle + 1]):
                return cycle, self.flips(rows[cycle])
        raise AssertionError(f"the record has no place to break {self.rule}")


def _names(port: str) -> tuple[str, str]:
    t = "" if port.startswith("s_axil") else "_t"
    return f"{port}{t}valid", f"{port}{t}ready"


def faults(config: TileConfig, rows: list[Row]) -> Iterator[Fault]:
    """At least one for every rule of a configuration."""
    yield Fault("irq_reset", lambda past: not past[-2]["aresetn"] and not past[-1]["irq"], lambda row: {"irq": 1})
    yield from _handshakes()
    yield from _bus(rows)
    yield from _moments(config, _written(config, rows))
    yield from _payloads(config)
    yield from _beats(config)


def _handshakes() -> Iterator[Fault]:
    for port, payload in CHANNELS.items():
        valid, ready = _names(port)

        def waits(past: list[Row], valid: str = valid, ready: str = ready) -> bool:
            before, now = past[-2:]
            return bool(before["aresetn"] and now["aresetn"] and before[valid] and not before[ready] and now[valid])

        yield Fault(f"{port}_stays", waits, lambda row, valid=valid: {valid: 1})
        for name in payload:
            yield Fault(f"{port}_stable", waits, lambda row, name=name: {name: 1})
        if port.startswith("m_axis") or port in ("s_axil_b", "s_axil_r"):
            yield Fault(
                f"{port}_reset",
                lambda past, valid=valid: not past[-2]["aresetn"] and not past[-1][valid],
                lambda row, valid=valid: {valid: 1},
            )


def _open_requests(rows: list[Row]) -> list[dict[str, int]]:
    """Of every cycle, how many requests of each channel have been taken before it and have no answer yet."""
    counts, found = dict.fromkeys(("aw", "w", "ar"), 0), []
    for row in rows:
        found.append(dict(counts))
        for one, answer in (("aw", "b"), ("w", "b"), ("ar", "r")):
            counts[one] += row[f"s_axil_{one}valid"] & row[f"s_axil_{one}ready"]
            counts[one] -= row[f"s_axil_{answer}valid"] & row[f"s_axil_{answer}ready"]
        if not row["aresetn"]:
            counts = dict.fromkeys(counts, 0)
    return found


def _bus(rows: list[Row]) -> Iterator[Fault]:
    open_requests = _open_requests(rows)
    for channel in ("aw", "w", "ar"):
        ready = f"s_axil_{channel}ready"
        yield Fault(
            f"s_axil_{channel}_waiting",
            lambda past, ready=ready: past[-1]["aresetn"] and past[-2]["aresetn"] and not past[-1][ready],
            lambda row, ready=ready: {ready: 1},
        )
    for channel, requests in {"b": ("aw", "w"), "r": ("ar",)}.items():
        port, valid = f"s_axil_{channel}", f"s_axil_{channel}valid"
        for missing in requests:

            def none(
                past: list[Row], valid: str = valid, missing: str = missing, others: tuple[str, ...] = requests
            ) -> bool:
                waiting = open_requests[len(past) - 1]
                rest = all(waiting[one] for one in others if one != missing)
                return bool(past[-1]["aresetn"] and not past[-1][valid] and not waiting[missing] and rest)

            yield Fault(f"{port}_request", none, lambda row, valid=valid: {valid: 1})
        yield Fault(
            f"{port}_response",
            lambda past, valid=valid: past[-1]["aresetn"] and past[-1][valid],
            lambda row, name=f"{port}resp": {name: 1},
        )


def _written(config: TileConfig, rows: list[Row]) -> dict[int, str]:
    """What was written, in the cycles in which its answer is new: a command, and a reset or a drain of the tile."""
    table = {register.name: register for register in registers(config)}
    control = table["control"]
    addresses, words, told, waits = [], [], {}, False
    for cycle, row in enumerate(rows):
        if row["s_axil_bvalid"] and not waits:
            address, (word, strobes) = addresses.pop(0), words.pop(0)
            if row["s_axil_bresp"] == 0 and strobes & 1:
                if address == table["command"].offset:
                    told[cycle] = "command"
                elif address == control.offset and word & control.field("reset").mask:
                    told[cycle] = "reset"
                elif address == control.offset and word & control.field("drain").mask:
                    told[cycle] = "drain"
        waits = bool(row["s_axil_bvalid"] and not row["s_axil_bready"])
        if row["s_axil_awvalid"] and row["s_axil_awready"]:
            addresses.append(row["s_axil_awaddr"] & ~3)
        if row["s_axil_wvalid"] and row["s_axil_wready"]:
            words.append((row["s_axil_wdata"], row["s_axil_wstrb"]))
        if not row["aresetn"]:
            addresses, words, waits = [], [], False
    return told


def _moments(config: TileConfig, told: dict[int, str]) -> Iterator[Fault]:
    """Beats too early: with no command since a reset, while memories are cleared, and in a drain."""
    clear = config.clear_cycles

    def idle(past: list[Row]) -> bool:
        now, *resets = len(past) - 1, *(cycle for cycle, row in enumerate(past) if not row["aresetn"])
        begun = max(resets) + 1
        return now > begun + clear + 4 and not any(begun < cycle <= now for cycle in told)

    def clearing(past: list[Row]) -> bool:
        now = len(past) - 1
        events = {cycle: kind for cycle, kind in told.items() if now - clear < cycle < now}
        kinds = [events[cycle] for cycle in sorted(events)]
        steady = all(row["aresetn"] for row in past[-clear:])
        return steady and "reset" in kinds and kinds[-1] == "command" and told.get(now) is None

    def withdrawn(past: list[Row]) -> bool:
        return bool(told.get(len(past) - 2) == "reset" and past[-1]["aresetn"] and past[-2]["aresetn"])

    def drained(past: list[Row]) -> bool:
        """The first cycle of a drain, which is that of its answer: a command may run."""
        return bool(told.get(len(past) - 1) == "drain" and past[-1]["aresetn"])

    for stream in SINKS:
        valid = f"m_axis_{stream}_tvalid"

        def silent(when: Callable[[list[Row]], bool], valid: str = valid) -> Callable[[list[Row]], bool]:
            return lambda past: when(past) and not past[-1][valid] and not past[-2][valid]

        for when in (idle, clearing, drained):
            yield Fault(f"m_axis_{stream}_early", silent(when), lambda row, valid=valid: {valid: 1})
        yield Fault(f"m_axis_{stream}_reset", silent(withdrawn), lambda row, valid=valid: {valid: 1})
    for when in (idle, clearing):
        yield Fault("s_axis_vectors_early", when, lambda row: {"s_axis_vectors_tready": 1})
    yield Fault("s_axis_codes_early", idle, lambda row: {"s_axis_codes_tready": 1})
    yield Fault(
        "s_axis_codes_early",  # its column has been written
        lambda past: bool(
            all(row["aresetn"] for row in past[-2:])
            and past[-2]["m_axis_writes_tvalid"]
            and past[-2]["m_axis_writes_tready"]
            and past[-2]["m_axis_writes_tlast"]
        ),
        lambda row: {"s_axis_codes_tready": 1},
    )


def _value(row: Row, stream: str, part: Part) -> int:
    return row[f"m_axis_{stream}_tdata"] >> part.low & ((1 << part.room) - 1)


def _part(config: TileConfig, stream: str, name: str, lane: int | None = None) -> Part:
    parts = stream_layouts(config)[stream].parts
    return next(part for part in parts if part.name == name and part.lane == lane)


def offered(stream: str) -> Callable[[list[Row]], bool]:
    """Whether a beat is on offer that was not on offer before."""
    valid, ready = f"m_axis_{stream}_tvalid", f"m_axis_{stream}_tready"
    return lambda past: bool(
        past[-1]["aresetn"]
        and past[-1][valid]
        and past[-2]["aresetn"]
        and not (past[-2][valid] and not past[-2][ready])
    )


def _payloads(config: TileConfig) -> Iterator[Fault]:
    """The next value beyond the range of every payload, and one with the highest of its bits inverted."""
    most = {"column": config.columns - 1, "beat": config.row_beats - 1, "array": config.programmer}
    for stream in SINKS:
        layout, data = stream_layouts(config)[stream], f"m_axis_{stream}_tdata"
        for part in layout.parts:
            whole = (1 << part.room) - 1
            if part.signed:
                high = config.pulses_max if part.name == "pulses" else (1 << (part.width - 1)) - 1
                low = -high if part.name == "pulses" else -high - 1
                beyond = [high + 1, (low - 1) & whole] if high < whole >> 1 else []
            else:
                high = most.get(part.name, (1 << part.width) - 1)
                beyond = [high + 1, high | 1 << (part.room - 1)] if high < whole else []
            for value in beyond:
                yield Fault(
                    f"m_axis_{stream}_{part.name}",
                    offered(stream),
                    lambda row, stream=stream, part=part, value=value, data=data: {
                        data: (_value(row, stream, part) ^ value) << part.low
                    },
                )
        if layout.padding:
            for bit in (layout.bits - 1, layout.bits - layout.padding):
                yield Fault(f"m_axis_{stream}_padding", offered(stream), lambda row, d=data, bit=bit: {d: 1 << bit})


def _beats(config: TileConfig) -> Iterator[Fault]:
    pulses, writes = "m_axis_pulses_tdata", "m_axis_writes_tdata"
    for name in ("up", "quadrant"):
        low = _part(config, "pulses", name).low
        yield Fault("m_axis_pulses_polarity", offered("pulses"), lambda row, low=low: {pulses: 1 << low})
    yield Fault("m_axis_read_last", offered("read"), lambda row: {"m_axis_read_tlast": 1})
    beat, array = (_part(config, "writes", name) for name in ("beat", "array"))

    def last(past: list[Row]) -> bool:
        return offered("writes")(past) and _value(past[-1], "writes", beat) == config.row_beats - 1

    yield Fault("m_axis_writes_last", last, lambda row: {"m_axis_writes_tlast": 1})
    for name in ("column", *(["array"] if config.programmer else [])):
        low = _part(config, "writes", name).low
        yield Fault("m_axis_writes_request", offered("writes"), lambda row, low=low: {writes: 1 << low})
    yield Fault("m_axis_writes_order", offered("writes"), lambda row: {writes: 1 << beat.low})
    latch = _part(config, "writes", "latch")
    if config.rows % config.lanes:
        names = ["pulses", "reference", *(["residual"] if config.residual_memory else [])]
        for lane in range(config.rows % config.lanes, config.lanes):
            for low in (*(_part(config, "writes", name, lane).low for name in names), latch.low + lane):
                yield Fault("m_axis_writes_lanes", last, lambda row, low=low: {writes: 1 << low})
    if config.programmer:
        yield Fault(
            "m_axis_writes_kept",
            lambda past: offered("writes")(past) and _value(past[-1], "writes", array) == 1,
            lambda row: {writes: 1 << latch.low},
        )
