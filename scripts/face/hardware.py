# SPDX-License-Identifier: Apache-2.0
"""A tile as hardware: its Verilog, its RTL in lock-step with the golden model, and what it costs in gates."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from symtrack.cosim.compare.scenario import play
from symtrack.cosim.engine.lockstep import Difference
from symtrack.cosim.engine.registry import ENGINES, WITH_WAVES
from symtrack.cosim.stimulus.scenarios import SCENARIOS
from symtrack.cosim.stimulus.training import DIGITS
from symtrack.hdl.output.memory import BEHAVIOURAL, BODIES
from symtrack.hdl.output.package import package
from symtrack.hdl.output.verilog import Port, memory_ports, module_name, tile_ports, tile_verilog
from symtrack.model.files import write_all
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.validated import check
from symtrack.model.training.trainer import Trainer

CYCLES_MAX = 10**9
SEED_MAX = 2**32 - 1


@dataclass(frozen=True)
class Verilog:
    """The Verilog of one configuration, converted once, when it is first asked for.

    Attributes
    ----------
    config : TileConfig
        What the hardware is built from.
    memory : str
        The body of its memories.
    """

    config: TileConfig
    memory: str = BEHAVIOURAL

    @property
    def module(self) -> str:
        """Name of the tile's module."""
        return module_name(self.config)

    @property
    def ports(self) -> list[Port]:
        """Name, width and direction of every port of the tile but ``clk`` and ``rst``."""
        return tile_ports(self.config) + memory_ports(self.config, self.memory)

    @cached_property
    def tile(self) -> str:
        """Verilog text of the tile with its streams, without buses."""
        return tile_verilog(self.config, memory=self.memory)

    @cached_property
    def files(self) -> Mapping[str, str]:
        """All that ``generate-verilog`` writes, texts by file name: tile, controller, register map, formats."""
        return package(self.config, tile=self.tile, memory=self.memory)

    def write(self, folder: str | Path) -> list[Path]:
        """Write `files` into ``folder``, which is made if it does not exist; the paths that were written."""
        there = Path(folder)
        there.mkdir(parents=True, exist_ok=True)
        files = {there / name: text.encode() for name, text in self.files.items()}
        write_all(files)
        return list(files)


@dataclass(frozen=True, kw_only=True)
class CosimResult:
    """What a lock-step run of RTL and golden model came to.

    Attributes
    ----------
    config : TileConfig
        The tile.
    scenario, engine : str
        What was played, and on what.
    seed : int
        Of the scenario.
    cycles, compared_cycles : int
        Clock cycles that were played, and those of which every output port was compared.
    states_compared : int
        Words of memories and registers that were compared, now and then and at the end.
    states_hidden : tuple of str
        State arrays that a foreign netlist does not show, and that were therefore not compared.
    mismatches : int
        0, or 1: the first difference stops the run.
    first_mismatch : Difference or None
        Cycle, signal, both values; its ``table()`` shows the cycles before it.
    seconds : float
        Processor time of the simulation, without builds.
    """

    config: TileConfig
    scenario: str
    engine: str
    seed: int
    cycles: int
    compared_cycles: int
    states_compared: int
    states_hidden: tuple[str, ...]
    mismatches: int
    first_mismatch: Difference | None
    seconds: float

    @property
    def passed(self) -> bool:
        """Something was compared and nothing differed."""
        return self.compared_cycles > 0 and self.mismatches == 0

    @property
    def cycles_per_second(self) -> float:
        """Speed of the simulation, comparison included, in Hz."""
        return self.cycles / self.seconds


@dataclass(frozen=True, kw_only=True)
class BlockCost:
    """What a block, or the whole tile, costs; None is what the target does not have or was not measured.

    Attributes
    ----------
    luts, flip_flops, memory_bits, block_rams, multipliers : float or None
        Counts of the target's cells, and bits of memory.
    gates : float
        Gates of no technology, from a mapping of their own.
    fmax_mhz : float or None
        Clock frequency after placing and routing, in MHz.
    """

    luts: float | None
    flip_flops: float | None
    memory_bits: float | None
    block_rams: float | None
    multipliers: float | None
    gates: float
    fmax_mhz: float | None


@dataclass(frozen=True, kw_only=True)
class SynthesisResult:
    """What a tile costs, whole and block by block. Blocks are mapped one by one, so they do not add up to the whole.

    Attributes
    ----------
    config : TileConfig
        The tile.
    target : str
        What it was mapped to.
    whole : BlockCost
        The tile, with its blocks dissolved.
    blocks : mapping of str to BlockCost
        Each block by itself.
    """

    config: TileConfig
    target: str
    whole: BlockCost
    blocks: Mapping[str, BlockCost]


def configuration(config: TileConfig | str | Path) -> TileConfig:
    """A configuration itself, or the one of a name or a TOML file."""
    return config if isinstance(config, TileConfig) else TileConfig.load(config)


def choice(name: str, value: str, allowed: Mapping[str, Any] | tuple[str, ...]) -> None:
    """Raise ValueError, naming the argument, unless it is one of those."""
    if value not in allowed:
        raise ValueError(f"{name} = {value!r}: must be one of {', '.join(sorted(allowed))}")


def generate_verilog(config: TileConfig | str | Path, *, memory: str = BEHAVIOURAL) -> Verilog:
    """The Verilog of a tile, the same text for the same configuration on every machine.

    Parameters
    ----------
    config : TileConfig, str or Path
        The configuration, its name, or a TOML file with what differs from the defaults.
    memory : str
        Body of the memories: ``behavioural``, an array in the same text; ``ecp5``, block RAMs of an ECP5; ``macro``, a
        template for macros of a memory compiler with ports for a self-test. The last two are files of their own.

    Returns
    -------
    Verilog
        Texts, ports, and ``write(folder)``.

    Raises
    ------
    TypeError, ValueError
        There is no such configuration or body; the message names the field, its value and what is allowed.

    Examples
    --------
    >>> config = symtrack.TileConfig(rows=32, columns=32, lanes=8)
    >>> symtrack.generate_verilog(config).write("build/my_tile")
    """
    choice("memory", memory, BODIES)
    return Verilog(configuration(config), memory)


def write_tiles(folder: str | Path, tiles: Mapping[str, tuple[str, TileConfig, TileConfig]]) -> list[Path]:
    """Write the Verilog of tiles: by name the layer, the tile and the hardware it is on; returns the files.

    A folder for every netlist below ``folder``, named as its module: tiles of one shape share it. ``tiles.json`` says
    which netlist each tile has, and the first state of each random source.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"folder = {str(folder)!r}: must be a folder, and is a file")
    netlists: dict[str, TileConfig] = {}
    listing: dict[str, Any] = {}
    for name, (layer, tile, config) in tiles.items():
        module = generate_verilog(config).module
        netlists.setdefault(module, config)
        shape = {"rows": tile.rows, "columns": tile.columns}
        listing[name] = {"layer": layer, "module": module, **shape, "seeds": list(config.seeds)}
    files: list[Path] = []
    for module, config in netlists.items():
        files += generate_verilog(config).write(folder / module)
    table = folder / "tiles.json"
    write_all({table: (json.dumps(listing, indent=2) + "\n").encode()})
    return [*files, table]


def run_cosim(
    config: TileConfig | str | Path,
    scenario: str = "random",
    *,
    engine: str = "cocotb",
    cycles: int = 10_000,
    seed: int = 1,
    verilog: str | None = None,
    waves: Path | None = None,
    progress: Callable[[int], None] = lambda cycles: None,
) -> CosimResult:
    """Play a scenario on the RTL in lock-step with the golden model.

    Every output port is compared in every cycle, and all memories and registers now and then and at the end. The first
    difference ends the run.

    Parameters
    ----------
    config : TileConfig, str or Path
        The configuration, its name, or a TOML file with what differs from the defaults.
    scenario : str
        ``random``, ``operations``, ``varied``, ``alone``, ``slots`` or ``training``; see `cosim.stimulus.scenarios`.
    engine : str
        ``cocotb``, Verilator as a process of its own; ``icarus``, Icarus Verilog in its place, which has to be
        installed; or ``native``, the RTL as a library in this process.
    cycles : int
        Clock cycles to play at least.
    seed : int
        Of the scenario.
    verilog : str, optional
        Text of other Verilog with the same top module and ports, such as a netlist.
    waves : Path, optional
        Where to leave all signals as VCD; not with ``native``.
    progress
        Told from time to time how many cycles were played.

    Returns
    -------
    CosimResult
        What was compared, and the first difference if there was one.

    Raises
    ------
    TypeError, ValueError
        An argument is not allowed.
    ToolError
        A program is missing, or the simulator cannot be built.

    Examples
    --------
    >>> symtrack.run_cosim("tiny", engine="native", cycles=5000).passed
    True
    """
    tile = configuration(config)
    choice("scenario", scenario, SCENARIOS)
    choice("engine", engine, ENGINES)
    cycles = check("cycles", cycles, 1, CYCLES_MAX)
    seed = check("seed", seed, 0, SEED_MAX)
    if waves is not None and engine not in WITH_WAVES:
        raise ValueError(f"engine = {engine!r}: must be {' or '.join(map(repr, WITH_WAVES))} with waves")
    if scenario == "training":
        Trainer(replace(DIGITS, config=tile))  # refuses what cannot train
    _, outcome = play(
        tile, scenario, engine=engine, cycles=cycles, seed=seed, verilog=verilog, waves=waves, progress=progress
    )
    verdict = outcome.verdict
    return CosimResult(
        config=tile,
        scenario=scenario,
        engine=engine,
        seed=seed,
        cycles=verdict.cycles,
        compared_cycles=verdict.compared_cycles,
        states_compared=verdict.states_compared,
        states_hidden=tuple(verdict.states_hidden),
        mismatches=verdict.mismatches,
        first_mismatch=verdict.first_mismatch,
        seconds=outcome.seconds,
    )


def synthesize(config: TileConfig | str | Path, target: str = "ecp5", *, seed: int = 1) -> SynthesisResult:
    """Map a tile to gates, and on an ECP5 place and route it. Needs the extra ``synthesis``.

    Parameters
    ----------
    config : TileConfig, str or Path
        The configuration, its name, or a TOML file with what differs from the defaults.
    target : str
        ``ecp5``, or ``generic`` for gates of no technology.
    seed : int
        Of the placement.

    Returns
    -------
    SynthesisResult
        Costs of the whole and of its blocks.

    Raises
    ------
    TypeError, ValueError
        An argument is not allowed.
    ToolError
        A program is missing or failed.

    Examples
    --------
    >>> symtrack.synthesize("tiny", "generic").whole.flip_flops
    """
    from symtrack.cosim.synthesis.report import TARGETS, report  # not needed by those who only want Verilog

    tile = configuration(config)
    choice("target", target, TARGETS)
    seed = check("seed", seed, 0, 2**31 - 1)
    found = report(tile, target, seed=seed)
    return SynthesisResult(
        config=tile,
        target=target,
        whole=_cost(found),
        blocks={name: _cost(entry) for name, entry in found["blocks"].items()},
    )


def _cost(entry: Mapping[str, Any]) -> BlockCost:
    return BlockCost(**{name: entry[name] for name in BlockCost.__dataclass_fields__})
