# SPDX-License-Identifier: Apache-2.0
"""Random verification campaign: legal tile configurations at random, played on RTL and golden, shrunk when one fails.

Kinds of programs: "native" and "cocotb" have waits and resets anywhere, on that engine; those of "varied" are whole
operations that never wait, on the native engine, so that it plays many more of them.

A campaign has batches, each drawn by hypothesis from a seed of its own, so that one that was stopped goes on with the
next batch. What fails is made small: field by field the configuration is the least that fails, then the program is
the one of some seeds that fails first, and ends there.

An exception is a failure as a difference is, but may be the machine's, as where a disk is full: it counts only if the
least configuration can still be played, and it comes again.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import uuid4

import hypothesis
from hypothesis import strategies as st

import symtrack.cosim
import symtrack.hdl
import symtrack.model
from symtrack.cosim.compare.scenario import play
from symtrack.cosim.engine.job import Outcome
from symtrack.cosim.engine.lockstep import Difference
from symtrack.cosim.tools.build_cache import temporary_builds
from symtrack.cosim.tools.journal import Journal, key_of
from symtrack.cosim.tools.processes import Pool
from symtrack.cosim.tools.toolchain import ToolError, find_verilator, package_version
from symtrack.cosim.tools.verilog_texts import tile_verilog
from symtrack.hdl.output.package import to_toml
from symtrack.model.files import write_all
from symtrack.model.spec.config import CHOPPER_RANDOM_BITS, NAMED, PARTS, TileConfig

FEW = 3  # other programs that a smaller configuration is tried with, and values above the least that are tried
SEEDS = 20  # programs among which the one that fails first is looked for
CONTROL_CYCLES = 100
SOURCES = (".py", ".h", ".v")
CELLS = 2000  # most of a crossbar: larger ones take long to build and show nothing else
LEAST: dict[str, float] = {
    "rows": 1,
    "columns": 1,
    "lanes": 1,
    "adc_bits": 2,
    "magnitude_bits": 1,
    "bl_max": 1,
    "latch_shift": 0,
    "filter_shift": 0,
    "reference_fraction_bits": 0,
    "gain_bits": 1,
    "threshold_shift": 0,
    "hidden_bits": 4,
    "pulses_max": 1,
    "momentum_bits": 1,
    "chopper_period": 1,
    "chopper_probability": 0.0,
    "row_chopper": 0,
    "programmer": 0,
    "counter_bits": 8,
    "seed": 0,
    "self_test": 0,
    "residual_memory": 0,
    "shared_sources": 0,
    "symmetric_point": 0,
    **dict.fromkeys(PARTS, 0),
}
"""The least value of every field of the tile, in the order in which they are made small."""
KINDS = {"native": ("native", "random"), "cocotb": ("cocotb", "random"), "varied": ("native", "varied")}
"""Engine and scenario of every kind of programs."""
Rewrite = Callable[[TileConfig], str] | None
"""Makes other Verilog of a configuration than the project's own."""


@dataclass(frozen=True)
class Trial:
    """One program of a kind."""

    config: TileConfig
    kind: str
    cycles: int
    seed: int


@dataclass(frozen=True)
class Failure:
    """The smallest case that was found to fail, and how it fails: by a difference or by an exception."""

    case: Trial
    text: str


@dataclass
class Totals:
    """What was played so far, up to the first difference if there was one."""

    fingerprints: set[str] = field(default_factory=set)  # of the configurations
    runs: int = 0
    cycles: Counter[str] = field(default_factory=Counter)  # by kind
    words: int = 0
    seconds: float = 0.0
    bins: Counter[str] = field(default_factory=Counter)

    @property
    def configurations(self) -> int:
        """Number of different configurations."""
        return len(self.fingerprints)

    def add(self, other: Totals) -> None:
        """Adds the totals of another batch."""
        self.fingerprints |= other.fingerprints
        for name in ("runs", "cycles", "words", "seconds", "bins"):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def entry(self) -> dict[str, Any]:
        """The totals as an entry of a journal."""
        return vars(self) | {"fingerprints": sorted(self.fingerprints)}

    @staticmethod
    def of(entry: dict[str, Any]) -> Totals:
        """The totals that an `entry` of a journal holds."""
        counters = {name: Counter(entry[name]) for name in ("cycles", "bins")}
        return Totals(**entry | {"fingerprints": set(entry["fingerprints"]), **counters})


@st.composite
def configurations(draw: st.DrawFn) -> TileConfig:
    """Hypothesis strategy for legal configurations of up to `CELLS` cells; it shrinks to one cell and narrow words."""
    rows = draw(st.integers(1, 70))
    columns = draw(st.integers(1, min(70, CELLS // rows)))
    adc_bits = draw(st.integers(2, 16))
    filter_shift = draw(st.integers(0, 8))
    fraction = draw(st.integers(filter_shift, 12))
    hidden_bits = draw(st.integers(4, 40))
    step = 2.0**-CHOPPER_RANDOM_BITS
    parts: dict[str, Any] = {name: draw(st.integers(0, 1)) for name in PARTS}
    programmer = draw(st.integers(0, 1))
    return TileConfig(
        rows=rows,
        columns=columns,
        lanes=draw(st.integers(1, min(rows, 16))),
        adc_bits=adc_bits,
        magnitude_bits=draw(st.integers(1, 16)),
        bl_max=draw(st.integers(1, 63)),
        filter_shift=filter_shift,
        reference_fraction_bits=fraction,
        latch_shift=draw(st.integers(0, min(12, adc_bits + fraction - 2))),
        gain_bits=draw(st.integers(1, 16)),
        hidden_bits=hidden_bits,
        threshold_shift=draw(st.integers(0, min(38, hidden_bits - 2))),
        pulses_max=draw(st.integers(1, 127)),
        momentum_bits=draw(st.integers(1, 8)),
        chopper_period=draw(st.one_of(st.integers(1, 6), st.integers(1, 65535))),
        chopper_probability=draw(st.sampled_from((0.0, 1.0, step, 0.05, 0.3, 0.5, 1 - step))),
        row_chopper=draw(st.integers(0, 1)),
        programmer=programmer,
        counter_bits=draw(st.sampled_from((8, 12, 16, 32, 48))),
        seed=draw(st.integers(0, 2**32 - 1)),
        self_test=draw(st.integers(0, parts["parity"])),
        residual_memory=draw(st.integers(0, 1)),
        shared_sources=draw(st.integers(0, 1)),
        symmetric_point=draw(st.integers(programmer, 1)),
        **parts,
    )


def judge(case: Trial, rewrite: Rewrite, totals: Totals) -> tuple[Difference | None, str]:
    """Play one case; the first difference, and the text of it or of an exception, which is empty if all is well.

    Raises
    ------
    ToolError
        The case cannot be played, but neither can a `control`.
    """
    try:
        told, outcome = _played(case, rewrite)
    except Exception:
        control(case.kind)
        try:
            told, outcome = _played(case, rewrite)
        except Exception as error:
            return None, _line(error)
    verdict = outcome.verdict
    totals.runs += 1
    totals.cycles[case.kind] += verdict.compared_cycles
    totals.words += verdict.states_compared
    totals.bins += told
    difference = verdict.first_mismatch
    return difference, "" if verdict.passed else str(difference or "nothing was compared")


def _played(case: Trial, rewrite: Rewrite) -> tuple[Counter[str], Outcome]:
    """The report of a random program's job, and its outcome."""
    engine, scenario = KINDS[case.kind]
    verilog = rewrite(case.config) if rewrite else None
    report, outcome = play(case.config, scenario, engine=engine, cycles=case.cycles, seed=case.seed, verilog=verilog)
    told = (report["result"] or {}) if scenario == "random" else {}
    return Counter({name: int(count) for name, count in told.items()}), outcome


def control(kind: str) -> None:
    """Build and play the smallest configuration, to see whether the machine works.

    Raises
    ------
    ToolError
        It cannot be played.
    """
    case = Trial(NAMED["tiny"].replace(**LEAST), kind, CONTROL_CYCLES, 0)
    try:
        _played(case, lambda config: f"// control {uuid4()}\n{tile_verilog(config)}")  # no earlier build has that text
    except Exception as error:
        raise ToolError(f"the least configuration cannot be played, either: {_line(error)}") from error


def _line(error: Exception) -> str:
    """The type of an exception and the last line of its text, which may be a traceback of another process."""
    *_, last = str(error).strip().split("\n")
    return f"{type(error).__name__}: {last}"


def batch(number: int, size: int, lengths: dict[str, int], rewrite: Rewrite = None) -> tuple[Totals, Failure | None]:
    """Play ``count`` random configurations with one program of every kind each; ``lengths`` gives cycles by kind."""
    drawn: dict[tuple[str, int, int], TileConfig] = {}

    @hypothesis.seed(number)
    @hypothesis.settings(
        max_examples=size,
        database=None,
        deadline=None,
        phases=(hypothesis.Phase.generate,),
        suppress_health_check=list(hypothesis.HealthCheck),
        verbosity=hypothesis.Verbosity.quiet,
    )
    @hypothesis.given(config=configurations(), seed=st.integers(0, 2**32 - 1))
    def draw(config: TileConfig, seed: int) -> None:
        drawn[config.fingerprint, config.seed, seed] = config

    draw()
    totals, start, failure = Totals(), time.perf_counter(), None
    for (fingerprint, _, seed), config in drawn.items():
        totals.fingerprints.add(fingerprint)
        failure = _first(config, seed, lengths, rewrite, totals)
        if failure:
            failure = _earliest(_least(failure, rewrite), rewrite)
            break
    totals.seconds = time.perf_counter() - start
    return totals, failure


def _first(config: TileConfig, seed: int, lengths: dict[str, int], rewrite: Rewrite, totals: Totals) -> Failure | None:
    with temporary_builds():
        for kind, cycles in lengths.items():
            case = Trial(config, kind, cycles, seed)
            _, text = judge(case, rewrite, totals)
            if text:
                return Failure(case, text)
    return None


def _least(failure: Failure, rewrite: Rewrite) -> Failure:
    """The same program on a configuration of which no single field can be made smaller without losing the failure."""
    with temporary_builds():
        before = None
        while failure.case.config != before:
            before = failure.case.config
            for name, low in LEAST.items():
                failure = _lowered(failure, name, low, rewrite)
    return failure


def _lowered(failure: Failure, name: str, low: float, rewrite: Rewrite) -> Failure:
    """The failure with a smaller value of a field: one of its least values, or one found by bisection."""
    high = getattr(failure.case.config, name)
    few = low + FEW if name in _COUNTS else low
    value = low
    while value < high:
        smaller = _with(failure.case, name, value, rewrite)
        if smaller:
            return smaller if value <= few else _lowered(smaller, name, low, rewrite)
        low = value
        value = high if name not in _COUNTS else value + 1 if value < few else (low + high + 1) // 2
    return failure


_COUNTS = frozenset(LEAST) - {"chopper_probability", "seed"}  # of which a value between two others can matter


def _with(case: Trial, name: str, value: float, rewrite: Rewrite) -> Failure | None:
    """The failure with another value of a field, if that is legal and one of some programs still fails."""
    try:
        case = replace(case, config=case.config.replace(**{name: value}))
    except ValueError:
        return None
    for seed in (case.seed, *range(FEW)):
        _, text = judge(replace(case, seed=seed), rewrite, Totals())
        if text:
            return Failure(replace(case, seed=seed), text)
    return None


def _earliest(failure: Failure, rewrite: Rewrite) -> Failure:
    """The program that fails first among some, cut to the cycles that it takes if it still fails as a short one."""
    best, at = failure, failure.case.cycles
    with temporary_builds():
        for seed in (failure.case.seed, *range(SEEDS)):
            case = replace(failure.case, seed=seed)
            difference, _ = judge(case, rewrite, Totals())
            if difference is None or (cycles := max(1, difference.cycle - case.config.clear_cycles + 1)) >= at:
                continue
            short = replace(case, cycles=cycles)
            _, text = judge(short, rewrite, Totals())
            if text:
                best, at = Failure(short, text), cycles
    return best


def key(count: int, cycles: dict[str, int], seed: int, size: int) -> str:
    """Key of a journal: which batches belong together, and everything that their outcomes depend on."""
    tools = find_verilator().version, *(package_version(name) for name in ("amaranth", "cocotb", "hypothesis", "numpy"))
    return key_of(_code(), tools, seed, size, _lengths(count, cycles))


def _lengths(count: int, cycles: dict[str, int]) -> dict[str, int]:
    return {kind: -(-total // count) for kind, total in cycles.items()}


def campaign(
    count: int,
    cycles: dict[str, int],
    seed: int,
    *,
    jobs: int,
    size: int,
    journal: Journal,
    progress: Callable[[int], None],
) -> tuple[Totals, Failure | None]:
    """Play batches until ``count`` configurations are done; those in the journal are kept. The first failure ends the
    campaign; batches that run beside it come to their end.

    Parameters
    ----------
    cycles
        Clock cycles of the whole campaign, by kind of program.

    Raises
    ------
    ToolError
        The machine failed, see `judge`.
    BrokenProcessPool
        A process was killed.
    """
    lengths = _lengths(count, cycles)
    totals, done = Totals(), set()
    for entry in journal.entries:
        done.add(entry.pop("batch"))
        totals.add(Totals.of(entry))
    progress(min(count, totals.configurations))
    numbers = (number for number in range(seed << 16, (seed + 1) << 16) if number not in done)
    while totals.configurations < count:
        with Pool(jobs) as pool:  # a new one each time: libraries that are loaded stay in a process
            running = {pool.submit(batch, number, size, lengths): number for number in islice(numbers, jobs)}
            failures = []
            for future in as_completed(running):
                if future.exception():
                    continue
                found, failure = future.result()
                totals.add(found)
                if failure:
                    failures.append(failure)
                else:
                    journal.append({"batch": running[future], **found.entry()})
                progress(min(count, totals.configurations))
        if failures:
            return totals, failures[0]
        for future in running:
            future.result()
    return totals, None


def _code() -> list[bytes]:
    """All source code of the three packages, on which results depend."""
    folders = [Path(package.__file__ or "").parent for package in (symtrack.cosim, symtrack.hdl, symtrack.model)]
    return [file.read_bytes() for folder in folders for file in sorted(folder.rglob("*")) if file.suffix in SOURCES]


def written(failure: Failure, folder: Path, verilog: str | None = None) -> Sequence[str]:
    """Write what is needed to play a failure again into a folder; the command line that does so."""
    case, folder = failure.case, folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "failing.toml"
    files = {config: to_toml(case.config).encode()}
    engine, scenario = KINDS[case.kind]
    command = ["scripts/run_cosim.py", "--config", str(config), "--engine", engine]
    command += ["--scenario", scenario, "--cycles", str(case.cycles), "--seed", str(case.seed)]
    if verilog is not None:
        files[folder / "failing.v"] = verilog.encode()
        command += ["--verilog", str(folder / "failing.v")]
    write_all(files)
    return command
