"""Mutants of the tile's netlist, made by Yosys, against the lock-step checker: does it notice every error?

A mutant has one error at one bit of one cell's port: stuck, inverted, or inverted where another bit has a certain
value. It is killed when an output differs from golden in some cycle, or the final state does, or a flipped bit of a
memory is not told; it survives when nothing differs. A survivor that a solver shows to do the same is equivalent; the
others are for people to look at.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path

from cosim import lockstep, native_engine, parity, scenarios
from cosim.bench import Job
from cosim.build import not_kept
from cosim.journal import Journal
from cosim.native_build import native_library
from cosim.native_engine import run_job
from cosim.parity import silent
from cosim.toolchain import ToolError
from cosim.yosys import yosys
from hdl.verilog import module_name, tile_verilog
from model.config import TileConfig

CONFIG = TileConfig.load(Path(__file__).with_name("complete.toml"))
STIMULI = (("varied", 50_000), ("random", 20_000))  # scenarios and cycles
LONG_STIMULI = (("varied", 1_000_000), ("random", 400_000))  # for what survives those and is not shown to be the same
KILLED, SURVIVED, EQUIVALENT, REJECTED = "killed", "survived", "equivalent", "rejected"
# Of the form in which Yosys writes what it has read, and loops that an error of one bit seems to close; all other
# warnings still end a build.
RULES = ("WIDTH", "CMPCONST", "UNSIGNED", "CASEINCOMPLETE", "CASEOVERLAP", "UNOPTFLAT")
LINT = "".join(f"/* verilator lint_off {rule} */\n" for rule in RULES)
BATCH = 100  # mutants that are written by one run of Yosys


@dataclass(frozen=True)
class Mutant:
    """``error``: the arguments of Yosys's `mutate`. block: its module's path below the tile."""

    number: int
    error: str
    block: str


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant; cycle and signal of the first difference. rejected: Verilator does not take it."""

    number: int
    error: str
    block: str
    fate: str
    cycle: int | None = None
    signal: str | None = None


def mutants(config: TileConfig, count: int, seed: int) -> list[Mutant]:
    """So many different errors, drawn by Yosys with weights that spread them over cells and lines of source."""
    top = module_name(config)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "tile.v").write_text(tile_verilog(config), encoding="utf-8")
        yosys(work, f"{_prepared(top)}; mutate -list {count} -seed {seed} -o list.txt")
        lines = (work / "list.txt").read_text().splitlines()
    found = []
    for number, line in enumerate(lines):
        error = line.removeprefix("mutate ").partition(" -wire ")[0].partition(" -src ")[0]
        module = error.partition("-module ")[2].split()[0]
        found.append(Mutant(number, error, module.removeprefix(top).removeprefix(".") or "tile"))
    return found


def texts(config: TileConfig, chosen: Sequence[Mutant]) -> Iterator[tuple[Mutant, str]]:
    """Every mutant with its Verilog."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "tile.v").write_text(tile_verilog(config), encoding="utf-8")
        steps = [f"{_prepared(module_name(config))}; design -save whole"]
        for mutant in chosen:
            steps.append(f"design -load whole; mutate {mutant.error}; write_verilog -noattr {mutant.number}.v")
        yosys(work, "; ".join(steps))
        for mutant in chosen:
            yield mutant, LINT + (work / f"{mutant.number}.v").read_text(encoding="utf-8")


def _prepared(top: str) -> str:
    return f"read_verilog tile.v; hierarchy -check -top {top}; proc; opt_clean; memory_collect"


def judge(config: TileConfig, mutant: Mutant, verilog: str) -> Outcome:
    """Play a mutant until something differs."""
    told = asdict(mutant)
    with not_kept():
        try:
            library = native_library(verilog, config)
        except ToolError:
            return Outcome(**told, fate=REJECTED)
        for number, (scenario, cycles) in enumerate((*STIMULI, *LONG_STIMULI)):
            if number == len(STIMULI) and equivalent(config, mutant):
                return Outcome(**told, fate=EQUIVALENT)
            arguments = {"cycles": cycles, "seed": number + 1}
            job = Job(config, f"cosim.scenarios:{scenario}", arguments, own_netlist=False)
            try:
                difference = run_job(job, verilog=verilog).verdict.first_mismatch
            except ToolError:  # the netlist has hung or ended the simulation
                return Outcome(**told, fate=KILLED)
            if difference is not None:
                return Outcome(**told, fate=KILLED, cycle=difference.cycle, signal=difference.signal)
        if _forgets(library, config):
            return Outcome(**told, fate=KILLED, signal="status__memory_error")
    return Outcome(**told, fate=SURVIVED)


def _forgets(library: Path, config: TileConfig) -> bool:
    """A flipped bit of a memory is not told as it should be."""
    try:
        return bool(silent(library, config, seed=1))
    except ToolError:  # the netlist does not show its memories
        return False


def equivalent(config: TileConfig, mutant: Mutant) -> bool:
    """Induction shows that the block does the same with the error, whatever is done to it. False: it does not.

    Only ports and registers have to be equal: other wires are hidden, so that nothing is compared by their names.
    """
    top = module_name(config)
    block = top if mutant.block == "tile" else f"{top}.{mutant.block}"
    hide = f"cd {block}; select -set kept t:*dff* %co1:+[Q] i:* o:* %u %u; rename -hide w:* @kept %d; cd"
    sides = "; ".join(
        f"design -load whole; {change}hierarchy -top {block}; flatten; memory_map; opt; {hide}; "
        f"rename {block} {side}; design -stash {side}"
        for side, change in (("gold", ""), ("gate", f"mutate {mutant.error}; "))
    )
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "tile.v").write_text(tile_verilog(config), encoding="utf-8")
        try:
            yosys(
                work,
                f"{_prepared(top)}; design -save whole; {sides}; design -copy-from gold -as gold gold; "
                "design -copy-from gate -as gate gate; equiv_make gold gate both; hierarchy -top both; opt -full; "
                "equiv_simple; equiv_induct -seq 2; equiv_status -assert",
            )
        except ToolError:
            return False
    return True


def key(config: TileConfig, count: int, seed: int) -> str:
    """For the journal: the netlist, the choice of its mutants, and what is played."""
    played = [Path(module.__file__ or "").read_bytes() for module in (scenarios, parity, lockstep, native_engine)]
    parts = (tile_verilog(config), played, STIMULI, LONG_STIMULI, seed, count)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def control(config: TileConfig, batch: int) -> None:
    """The netlist without an error builds and passes: what stopped the mutants around it was their errors.

    Raises
    ------
    ToolError
        It does not, as where the disk is full.
    """
    verilog = f"// control of batch {batch}\n{tile_verilog(config)}"
    with not_kept():
        scenario, cycles = STIMULI[0]
        job = Job(config, f"cosim.scenarios:{scenario}", {"cycles": cycles // 10, "seed": 1})
        verdict = run_job(job, verilog=verilog).verdict
    if not verdict.passed:
        raise ToolError(f"the netlist without an error differs from the golden model: {verdict.first_mismatch}")


def campaign(
    config: TileConfig, count: int, seed: int, *, jobs: int, journal: Journal, progress: Callable[[int], None]
) -> list[Outcome]:
    """Judge so many mutants, but those whose outcome the journal has.

    Raises
    ------
    ToolError
        The machine failed; what it said of the last `BATCH` mutants is not kept.
    """
    every = mutants(config, count, seed)
    done = {entry["number"]: Outcome(**entry) for entry in journal.entries}
    left = [mutant for mutant in every if mutant.number not in done]
    progress(len(done))
    for first in range(0, len(left), BATCH):
        batch = left[first : first + BATCH]
        with ProcessPoolExecutor(jobs) as pool:  # a new one each time: libraries that are loaded stay in a process
            futures = [pool.submit(judge, config, *pair) for pair in texts(config, batch)]
            for judged, _ in enumerate(as_completed(futures), 1):
                progress(len(done) + judged)
            pool.submit(control, config, first).result()
        for future in futures:
            outcome = future.result()
            done[outcome.number] = outcome
            journal.append(asdict(outcome))
    return [done[mutant.number] for mutant in every]
