#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run the whole project once: Verilog of a two-layer network, its golden training, and RTL beside it.

1  writes the Verilog of both layers of the digits network
2  trains it on the golden model with E-RIDER and with TT-v2, on devices whose symmetric point is off by 0.3 ± 0.1
3  repeats the first steps of the E-RIDER run with the RTL of the hidden layer in the loop
4  prints one table, golden beside RTL, and leaves Verilog, reports, a picture and a page to read in a folder
"""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from symtrack.cosim.report.tables import comparison_table, training_curves
from symtrack.cosim.tools.toolchain import ToolError, find_verilator
from symtrack.hdl.output.package import package
from symtrack.model.tasks.task import TASKS
from symtrack.model.training.history import SAMPLES
from symtrack.model.training.spec import TrainingSpec
from symtrack.model.training.trainer import Trainer
from symtrack.scripts.common import (
    FAILED,
    Parser,
    default_output,
    integer,
    other,
    output_folder,
    progress,
    run,
    write_all,
    write_report,
)
from symtrack.scripts.compare_metrics import comparison, write_page

REFERENCE_MEAN, REFERENCE_STD = 0.3, 0.1
ALGORITHMS = ("e-rider", "tt-v2")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demonstration; the exit code is 0 only if RTL and golden model agree."""
    parser = Parser(__doc__ or "")
    parser.add_argument("--out", type=output_folder(), default=default_output("demo"), help="folder for the results")
    parser.add_argument("--epochs", type=integer(1, 1000), default=10, help="epochs of golden training")
    parser.add_argument("--steps", type=integer(1, 10**6), default=1500, help="training steps with RTL in the loop")
    parser.add_argument("--seed", type=integer(0, 2**32 - 1), default=1, help="seed of everything random")
    options = parser.parse_args(arguments)
    out: Path = options.out
    try:
        out.mkdir(parents=True, exist_ok=True)
        find_verilator()
    except OSError as error:
        parser.error(f"argument --out: {str(out)!r}: must be a writable folder ({error.strerror})")
    except ToolError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return FAILED

    task = TASKS["digits"]()
    for config in task.tile_configs:
        write_all({out / name: text.encode() for name, text in package(config).items()})
        print(f"Verilog of {config.name}, {config.rows}x{config.columns}: {out / f'symtrack_{config.name}.v'}")

    runs = {}
    for algorithm in ALGORITHMS:
        trainer = Trainer(
            TrainingSpec(
                task=task,
                algorithm=algorithm,
                reference_mean=REFERENCE_MEAN,
                reference_std=REFERENCE_STD,
                seed=options.seed,
            )
        )
        with progress(algorithm, options.epochs) as advance:
            for _ in range(options.epochs):
                trainer.run(trainer.steps_per_epoch)
                trainer.evaluate()
                advance(1)
        runs[algorithm] = trainer
        last = trainer.metrics()
        write_report(out / f"train_{algorithm}.json", last.as_dict())
        print(f"golden {algorithm}, {options.epochs} epochs: accuracy {last.accuracy:.2%}, loss {last.loss:.4f}")
    picture = out / "training_curves.png"
    training_curves({name: trainer.curve for name, trainer in runs.items()}, task, picture)

    print(f"RTL of the hidden layer in the loop for the first {options.steps} steps of the e-rider run ...")
    first = TrainingSpec(reference_mean=REFERENCE_MEAN, reference_std=REFERENCE_STD, seed=options.seed)
    report = comparison(first, engine="cocotb", steps=options.steps, samples=SAMPLES)
    write_report(out / "compare_metrics.json", report)
    command = f"{other('compare_metrics')} --steps {options.steps} --seed {options.seed}"
    command += f" --report {shlex.quote(str(out))}"
    page_file = write_page(out, report, command)
    print(comparison_table(report))
    print(f"everything is in {out}; the training curves: {picture}")
    print(f"the report to read: {page_file}")
    return 0 if report["agree"] else FAILED


if __name__ == "__main__":
    run(main)
