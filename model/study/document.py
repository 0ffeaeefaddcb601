# SPDX-License-Identifier: Apache-2.0
"""Writes the document about all experiments: Markdown with tables, figures, and one compact JSON file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from symtrack.model.files import write_all
from symtrack.model.markdown import wrapped
from symtrack.model.study import paper_tables, question_tables, small_tables, tuning
from symtrack.model.study import small as study
from symtrack.model.study.case import Case
from symtrack.model.study.figures import NONE, Results
from symtrack.model.study.record import RECORD, record
from symtrack.model.study.runner import newest
from symtrack.model.study.store import Store
from symtrack.model.study.tuning import Trial

SECTIONS = paper_tables.SECTIONS | question_tables.SECTIONS | small_tables.SECTIONS


def document(found: Mapping[str, Results], trials: Sequence[Trial]) -> str:
    """The whole text."""
    planned, done = sum(some.count for some in found.values()), sum(some.done() for some in found.values())
    parts = [
        "# Results",
        "Written by `make results` from runs of the golden model; figures are mean ± sample standard deviation over "
        f"seeds {', '.join(map(str, study.SEEDS))} unless they are said to be others, of the runs that are in, and "
        f"{NONE} where none is. `results.json` has the figures of every run with the SHA-256 of its final state. Runs "
        "of an earlier version, whose devices, products or tiles computed otherwise (`model/semantics.py`), have not "
        "been repeated yet: equal settings give other numbers now. Their lines in `results.json` say which semantics "
        "they had.",
        f"{done:,} of {planned:,} planned runs are in, and {len(trials)} of "
        f"{len(tuning.PAIRS) * tuning.TRIALS} trials of the tuning.",
        f"## Tuned settings: {len(trials)} of {len(tuning.PAIRS) * tuning.TRIALS} trials",
        paper_tables.tuned(trials),
    ]
    for name, (title, text) in SECTIONS.items():
        parts += [f"## {title}: {found[name].state()}", text(found[name])]
    return wrapped("\n\n".join(parts) + "\n")


def write(
    cases: Mapping[str, Sequence[Case]], store: Store, out: Path, planned: Mapping[str, int] | None = None
) -> None:
    """Write results.md, results.json and figures/results-*.png; nothing before all of it is made.

    planned: how many cases an experiment will have once all rates are tuned.
    """
    found = {
        name: Results(some, [newest(case, store) for case in some], (planned or {}).get(name))
        for name, some in cases.items()
    }
    every = [pair for some in found.values() for pair in zip(some.cases, some.results, strict=True)]
    folder = out / "figures"
    files = {
        folder / "results-weight-programming.png": small_tables.programming_picture(found["weight-programming"]),
        folder / "results-widths.png": small_tables.widths_picture(found["widths"]),
        out / RECORD: record(every).encode(),
        out / "results.md": document(found, tuning.read(out / tuning.RECORD)).encode(),
    }
    folder.mkdir(exist_ok=True)
    write_all(files)
