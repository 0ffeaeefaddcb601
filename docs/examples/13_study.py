# SPDX-License-Identifier: Apache-2.0
"""Runs two algorithms at two offsets and with two seeds in two processes, and makes one table of them."""

from itertools import product

import symtrack


def main():
    study = symtrack.Study("build/study")
    for algorithm, offset, seed in product(("agad", "e-rider"), (0.0, 0.3), (1, 2)):
        run = symtrack.Experiment("digits", network=[8], algorithm=algorithm, reference_mean=offset, batch=8, seed=seed)
        study.add(run, epochs=1, algorithm=algorithm, offset=offset, seed=seed)
    study.run(jobs=2)  # what has a result is not run again
    table = study.to_frame(energies={"coincidences": 0.1, "adc_products": 2.0, "adc_reads": 2.0})  # picojoules
    print(table.groupby(["algorithm", "offset"])[["accuracy", "coincidences", "cycles", "joules"]].mean())
    study.save("build/study.csv")
    assert study.left == 0


if __name__ == "__main__":
    main()
