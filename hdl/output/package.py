# SPDX-License-Identifier: Apache-2.0
"""Writes what ``generate_verilog.py`` leaves: Verilog, its configuration, and a description of both for other tools."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from typing import Any

from symtrack.hdl.controller.stream_layout import stream_layouts
from symtrack.hdl.output.c_headers import MAP_FILE, map_header, register_header
from symtrack.hdl.output.constraints import constraints
from symtrack.hdl.output.fusesoc import bench, bench_name, fusesoc_core
from symtrack.hdl.output.interface_rules import interface_rules, rules_name
from symtrack.hdl.output.ip_xact import ip_xact
from symtrack.hdl.output.lint_waivers import verible_rules, verilator_waivers
from symtrack.hdl.output.memory import BEHAVIOURAL, body_files, lint_files
from symtrack.hdl.output.name_map import name_map
from symtrack.hdl.output.notice import json_notice, with_notice
from symtrack.hdl.output.register_documents import register_json, register_markdown
from symtrack.hdl.output.state_map import memories
from symtrack.hdl.output.system_rdl import register_rdl
from symtrack.hdl.output.verilog import (
    BRIDGES,
    Port,
    bridge_verilog,
    controller_name,
    controller_ports,
    controller_verilog,
    memory_ports,
    module_name,
    tile_ports,
    tile_verilog,
)
from symtrack.hdl.output.verilog_package import package_name, verilog_package
from symtrack.hdl.output.verilog_parameters import verilog_parameters
from symtrack.model.spec.config import BEAT_LATENCY, SLOT_LATENCY, TileConfig


def describe(
    config: TileConfig, *, asynchronous_reset: bool = False, clock_enables: bool = False, memory: str = BEHAVIOURAL
) -> dict[str, Any]:
    """Ports, reset, memories, streams, formats, cycle counts and random sources of one configuration, as plain data.

    ``seed`` of a source is its state after a reset.
    """
    formats = {
        "code": config.code_format,
        "reference": config.reference_format,
        "difference": config.difference_format,
        "hidden": config.hidden_format,
        "pulses": config.pulses_format,
        "magnitude": config.magnitude_format,
    }
    clock = [{"name": name, "width": 1, "direction": "input"} for name in ("clk", "rst")]
    tests = memory_ports(config, memory)
    return {
        "module": module_name(config),
        "config": asdict(config),
        "fingerprint": config.fingerprint,
        "ports": clock + _ports(tile_ports(config) + tests),
        "controller": {"module": controller_name(config), "ports": _ports(controller_ports(config) + tests)},
        "reset": "asynchronous" if asynchronous_reset else "synchronous",
        "clock_enables": clock_enables,
        "memory": {
            "body": memory,
            # In the order in which a self-test selects them.
            "memories": [
                {"name": item.name, "path": ".".join(item.path[:-1]), "width": item.width, "depth": item.rows}
                for item in memories(config)
            ],
        },
        "streams": {
            name: {"bits": layout.bits, "parts": [asdict(part) for part in layout.parts], "last": layout.last}
            for name, layout in stream_layouts(config).items()
        },
        "formats": {name: asdict(form) for name, form in formats.items()},
        "cycles": {
            "clear": config.clear_cycles,
            "load_seeds": config.seed_cycles,
            "update_without_slots": config.update_cycles(0),
            "transfer": config.transfer_cycles,
            "beat_latency": BEAT_LATENCY,
            # Cycles for the command itself and for each of the others; `any_slots` once if there are slots.
            "calibration": {
                "command": 1,
                "any_slots": SLOT_LATENCY,
                "slot": 1,
                "sweep": config.columns * config.read_cycles,
            },
            "programming": {"command": 1, "round": config.read_cycles},
        },
        "random_sources": {
            "rows": asdict(config.row_bank),
            "columns": asdict(config.column_bank),
            "chopper": asdict(config.chopper_source) if config.chopper_draws else None,
            "dither": asdict(config.dither_bank) if config.dither_bits else None,
            "row_chopper": asdict(config.row_chopper_bank) if config.row_chopper_bank.sources else None,
            # States that a host loads after a reset, one for each of the sources above in this order.
            "load": list(config.seeds),
        },
    }


def _ports(ports: list[Port]) -> list[dict[str, Any]]:
    return [
        {"name": port.name, "width": port.width, "direction": "output" if port.output else "input"} for port in ports
    ]


def to_toml(config: TileConfig) -> str:
    """A TOML file that loads as this configuration, every field with its meaning and range."""
    lines = []
    for spec in fields(config):
        allowed = f" ({spec.metadata['low']} to {spec.metadata['high']})" if "low" in spec.metadata else ""
        value = config.own_name if spec.name == "name" else getattr(config, spec.name)
        lines += [f"# {spec.metadata['text']}{allowed}", f"{spec.name} = {value!r}"]
    return "\n".join(lines) + "\n"


def package(
    config: TileConfig,
    *,
    tile: str | None = None,
    asynchronous_reset: bool = False,
    clock_enables: bool = False,
    memory: str = BEHAVIOURAL,
) -> dict[str, str]:
    """The texts of all files, by file name; each but the list of registers has the notice of generated files.

    tile: the text that `tile_verilog` gives, where it is there already, with the same options.
    memory: the body of its memories, one of `hdl.output.memory.BODIES`.
    """
    reset: dict[str, Any] = {"asynchronous_reset": asynchronous_reset}
    form = reset | {"clock_enables": clock_enables, "memory": memory}
    top, controller, described = module_name(config), controller_name(config), describe(config, **form)
    tile = tile_verilog(config, **form) if tile is None else tile
    bodies, tests = body_files(config, memory), memory_ports(config, memory)
    texts = {
        f"{top}.v": tile,
        f"{top}.toml": to_toml(config),
        f"{controller}.v": controller_verilog(config, **form),
        **bodies,
        **lint_files(memory),
        **{f"{name}.v": bridge_verilog(name, **reset) for name in BRIDGES},
        bench_name(config): bench(config),
        f"{controller}.core": fusesoc_core(config, memory),
        f"{controller}.vlt": verilator_waivers([*(f"{name}.v" for name in (top, controller, *BRIDGES)), *bodies]),
        f"{controller}.rules.verible_lint": verible_rules(),
        f"{controller}.sdc": constraints("aclk", controller_ports(config) + tests),
        f"{top}.sdc": constraints("clk", [Port("rst", 1, output=False), *tile_ports(config), *tests]),
        f"{controller}.xml": ip_xact(config, [f"{controller}.v", *bodies], tests),
        f"{controller}_parameters.vh": verilog_parameters(config, tests),
        f"{package_name(config)}.sv": verilog_package(config, described["formats"], described["cycles"]),
        f"{rules_name(config)}.sv": interface_rules(config),
        f"{controller}_registers.md": register_markdown(config),
        f"{controller}_registers.h": register_header(config),
        MAP_FILE: map_header(),
        f"{controller}_registers.rdl": register_rdl(config, controller),
    }
    return {name: with_notice(text, name.rpartition(".")[2]) for name, text in texts.items()} | {
        f"{top}.json": json.dumps(described | json_notice(), indent=2) + "\n",
        f"{top}_names.json": json.dumps(name_map(config, tile) | json_notice(), indent=1) + "\n",
        f"{controller}_registers.json": register_json(config),
    }
