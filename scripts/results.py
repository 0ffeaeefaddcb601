# SPDX-License-Identifier: Apache-2.0
"""Run the experiments of docs/results.md and write the document from the results that are in the cache.

No run is made twice: the same command goes on where it was stopped, and Ctrl-C loses only what is in work. Runs that
results.json of the folder has recorded are done, too, unless they are to be made again. Rates are tuned first, and what
tuning.json of the folder has of that is not tuned again. The version in floating point belongs to the tests, so its
runs need a checkout; without one they are left out.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from functools import cache, partial
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from symtrack.cosim.compare.study import in_loop
from symtrack.model.analysis import digital_sgd
from symtrack.model.cache import checkout
from symtrack.model.study import document, execution, paper, questions, small, tuning
from symtrack.model.study.case import DIGITAL, FLOAT, RTL, Case, in_rtl
from symtrack.model.study.record import RECORD, adopt
from symtrack.model.study.runner import Runner, missing, run_all, shard
from symtrack.model.study.store import Result, Store
from symtrack.scripts.common import INTERRUPTED, Parser, default_output, integer, output_folder, program, progress, run

TUNING = "tuning"
OF_TUNED = paper.EXPERIMENTS | questions.EXPERIMENTS
EXPERIMENTS = (*small.EXPERIMENTS, TUNING, *OF_TUNED)
# The others are of algorithms and networks that are among these, or start in a state that RTL cannot be set to.
WITH_RTL = (*paper.EXPERIMENTS, "figure-4")
FLOAT_REFERENCE = Path("tests/model/references/float_digits.py")


@cache
def float_reference() -> ModuleType:
    """The training in floating point, loaded by its path in the checkout.

    It judges the golden model in the tests, and so it must not be part of what it judges; a package does not have it.
    The document shows runs of both, so this is the one place at which the project runs code of its tests.

    Raises
    ------
    ValueError
        There is no checkout.
    """
    root = checkout()
    if root is None:
        raise ValueError(f"{FLOAT_REFERENCE}: must be there for runs in floating point, which need a checkout")
    spec = spec_from_file_location("symtrack_float_reference", root / FLOAT_REFERENCE)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = module_from_spec(spec)  # where dataclasses look for their module
    spec.loader.exec_module(module)
    return module


def floating(case: Case) -> Result:
    """A run in floating point with the algorithm, offset and seed of a case; it needs a checkout."""
    return execution.floating(
        case,
        lambda one: float_reference().train(
            one.run.algorithm,
            epochs=one.epochs or 0,
            seed=one.run.seed,
            reference_mean=one.run.reference_mean or 0.0,
            reference_std=one.run.reference_std or 0.0,
        ),
    )


def digital(case: Case) -> Result:
    """A run of the digital baseline."""
    return execution.floating(case, lambda one: digital_sgd.train(one.run, one.epochs or 0))


RUNNERS: dict[str, Runner] = {FLOAT: floating, DIGITAL: digital, RTL: in_loop}


def possible(cases: Sequence[Case]) -> list[Case]:
    """Those that can be run here; a line tells of others."""
    left_out = 0 if checkout() else sum(case.kind == FLOAT for case in cases)
    if not left_out:
        return list(cases)
    text = f"{program()}: {left_out} runs in floating point need a checkout of symtrack and are left out"
    print(text, file=sys.stderr)
    return [case for case in cases if case.kind != FLOAT]


def cases_of(tuned: paper.Tuned) -> dict[str, list[Case]]:
    """The cases of all experiments but the tuning, with RTL in the loop of those of the paper's size."""
    found = {name: make() for name, make in small.EXPERIMENTS.items()}
    for name, make_tuned in OF_TUNED.items():
        cases = make_tuned(tuned)
        found[name] = [*(in_rtl(cases) if name in WITH_RTL else []), *cases]
    return found


def part(text: str) -> tuple[int, int]:
    """Argument type: ``i/n``, the part i of n."""
    number, _, of = text.partition("/")
    if number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of) <= 10_000:
        return int(number), int(of)
    raise argparse.ArgumentTypeError(f"{text!r}: must be i/n, part i of n parts, such as 1/4")


def parser() -> Parser:
    """The parser of the command line."""
    result = Parser(__doc__ or "")
    add = result.add_argument
    add(
        "--out",
        type=output_folder(RECORD, tuning.RECORD, "results.md"),
        default=Path("docs") if checkout() else default_output("results"),
        metavar="DIR",
        help="folder of results.md, its figures, results.json and tuning.json",
    )
    add(
        "--cache",
        type=output_folder(),
        default=default_output("results" if checkout() else "runs"),
        metavar="DIR",
        help="folder of the results of single runs, which several machines may share",
    )
    add("--jobs", type=integer(1, 1024), default=1, help="number of processes")
    add(
        "--only",
        choices=EXPERIMENTS,
        nargs="+",
        default=list(EXPERIMENTS),
        help="experiments to run; the document has all of them",
    )
    add(
        "--tune",
        choices=paper.WORKLOADS,
        nargs="+",
        default=list(paper.WORKLOADS),
        help="workloads whose rates are tuned; the others stay as they were",
    )
    add("--seeds", type=integer(1, len(paper.SEEDS)), default=len(paper.SEEDS), help="run only the first N seeds")
    add("--shard", type=part, metavar="I/N", help="run only part I of N parts of the runs; the tuning has no parts")
    add("--again", action="store_true", help="repeat recorded runs, too, unless they are in the cache")
    add("--render", action="store_true", help="run nothing, only write the document from the cache")
    return result


def tune(file: Path, workloads: Sequence[str], store: Store, jobs: int) -> None:
    """Make the trials that are missing, and write the record after each batch of them."""
    trials = tuning.read(file)
    tuning.adopt(trials, store)
    pairs = [pair for pair in tuning.left(trials) if pair[0] in workloads]
    with progress("tuning", len(pairs) * tuning.TRIALS) as advance:

        def make(cases: Sequence[Case]) -> None:
            run_all(cases, store, jobs, runners=RUNNERS)
            advance(len(cases))

        for pair in pairs:
            others = [one for one in trials if (one.workload, one.algorithm) != pair]
            done = tuning.tune(*pair, store, make, keep=partial(_write_trials, file, others))
            trials = [*others, *done]


def _write_trials(file: Path, others: Sequence[tuning.Trial], some: Sequence[tuning.Trial]) -> None:
    tuning.write(file, [*others, *some])


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    command = parser()
    options = command.parse_args(argv)
    for name in ("out", "cache"):
        folder: Path = getattr(options, name)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            command.error(f"argument --{name}: {str(folder)!r}: must be a writable folder ({error.strerror})")
    store, chosen = Store(options.cache), list[Case]()
    with command.checks():
        tuned = tuning.best(tuning.read(options.out / tuning.RECORD))
    try:
        if TUNING in options.only and not options.render:
            tune(options.out / tuning.RECORD, options.tune, store, options.jobs)
            tuned = tuning.best(tuning.read(options.out / tuning.RECORD))
        cases = cases_of(tuned)
        chosen = _chosen(cases, options)
        anew = {id(case) for case in chosen} if options.again else set()
        with command.checks():
            recorded = [case for some in cases.values() for case in some if id(case) not in anew]
            adopt(options.out / RECORD, recorded, store)
        if not options.render:
            chosen = possible(list(missing(chosen, store).values()))
            with progress("results", len(chosen), few=True) as advance:
                run_all(chosen, store, options.jobs, advance, RUNNERS)
    except KeyboardInterrupt:
        left = f", {len(missing(chosen, store))} runs are left" if chosen else ""
        print(f"interrupted{left}: the same command goes on where it was", file=sys.stderr)
        return INTERRUPTED
    planned = {name: len(some) for name, some in cases_of(tuning.untuned()).items()}
    document.write(cases, store, options.out, planned)
    print(f"the results: {options.out / 'results.md'}")
    return 0


def _chosen(cases: Mapping[str, Sequence[Case]], options: argparse.Namespace) -> list[Case]:
    """The cases that the command line asks for."""
    names = [name for name in options.only if name != TUNING]
    chosen = [case for name in names for case in cases[name] if case.run.seed in paper.SEEDS[: options.seeds]]
    return shard(chosen, *options.shard) if options.shard else chosen


if __name__ == "__main__":
    run(main)
