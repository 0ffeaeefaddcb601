# SPDX-License-Identifier: Apache-2.0
"""Run the experiments of docs/results.md and write the document from the results that are in the cache.

No run is made twice: the same command goes on where it was stopped, and Ctrl-C loses only what is in work. Runs that
results.json of the folder has recorded are done, too, unless they are to be made again. The version in floating point
belongs to the tests, so its runs need a checkout; without one they are left out.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from symtrack.model.cache import checkout
from symtrack.model.study import tables
from symtrack.model.study.case import Case
from symtrack.model.study.record import RECORD, adopt
from symtrack.model.study.runner import Curve, missing, run_all
from symtrack.model.study.small import EXPERIMENTS, SEEDS
from symtrack.scripts.common import INTERRUPTED, Parser, default_output, integer, output_folder, program, progress, run

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


def floating(case: Case) -> Curve:
    """A run in floating point with the algorithm, offset and seed of a case; it needs a checkout."""
    curve: Curve = float_reference().train(
        case.run.algorithm,
        epochs=case.epochs or 0,
        seed=case.run.seed,
        reference_mean=case.run.reference_mean or 0.0,
        reference_std=case.run.reference_std or 0.0,
    )
    return curve


def possible(cases: Sequence[Case]) -> list[Case]:
    """Those that can be run here; a line tells of others."""
    left_out = 0 if checkout() else sum(case.floating for case in cases)
    if not left_out:
        return list(cases)
    text = f"{program()}: {left_out} runs in floating point need a checkout of symtrack and are left out"
    print(text, file=sys.stderr)
    return [case for case in cases if not case.floating]


def parser() -> Parser:
    """The parser of the command line."""
    result = Parser(__doc__ or "")
    add = result.add_argument
    add(
        "--out",
        type=output_folder(RECORD, "results.md"),
        default=Path("docs") if checkout() else default_output("results"),
        metavar="DIR",
        help="folder of results.md, its figures and results.json",
    )
    add(
        "--cache",
        type=output_folder(),
        default=default_output("results" if checkout() else "runs"),
        metavar="DIR",
        help="folder of the results of single runs",
    )
    add("--jobs", type=integer(1, 1024), default=1, help="number of processes")
    add(
        "--only",
        choices=EXPERIMENTS,
        nargs="+",
        default=list(EXPERIMENTS),
        help="experiments to run; the document has all of them",
    )
    add("--seeds", type=integer(1, len(SEEDS)), default=len(SEEDS), help="run only the first N seeds")
    add("--again", action="store_true", help="repeat recorded runs, too, unless they are in the cache")
    add("--render", action="store_true", help="run nothing, only write the document from the cache")
    return result


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
    cases = {name: make() for name, make in EXPERIMENTS.items()}
    chosen = [case for name in options.only for case in cases[name] if case.run.seed in SEEDS[: options.seeds]]
    anew = {id(case) for case in chosen} if options.again else set()
    with command.checks():
        recorded = [case for some in cases.values() for case in some if id(case) not in anew]
        adopt(options.out / RECORD, recorded, options.cache)
    if not options.render:
        try:
            chosen = possible(missing(chosen, options.cache))
            with progress("results", len(missing(chosen, options.cache))) as advance:
                run_all(chosen, options.cache, options.jobs, advance, floating)
        except KeyboardInterrupt:
            left = len(missing(chosen, options.cache))
            print(f"interrupted, {left} runs are left: the same command goes on where it was", file=sys.stderr)
            return INTERRUPTED
    tables.write(cases, options.cache, options.out)
    print(f"the results: {options.out / 'results.md'}")
    return 0


if __name__ == "__main__":
    run(main)
