# SPDX-License-Identifier: Apache-2.0
"""Sections of the document about experiments of the paper's size (`model.study.paper`), its figures beside ours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from statistics import mean
from typing import Any

from symtrack.model.files import markdown
from symtrack.model.study import paper, published, tuning
from symtrack.model.study.case import RTL
from symtrack.model.study.figures import NONE, Labels, Results, percent
from symtrack.model.study.statistics import paired, standard_error
from symtrack.model.study.store import Result

PAIRS = (("tt-v2", "agad"), ("agad", "e-rider"), ("tt-v2", "e-rider"))


def cell(accuracies: Sequence[float], reported: float | None) -> tuple[str, bool | None]:
    """Mean ± standard error in %, the paper's in brackets, and whether both agree within two standard errors."""
    theirs = f" ({reported:.1f})" if reported is not None else ""
    if not accuracies:
        return NONE + theirs, None
    ours, error = 100 * mean(accuracies), 100 * standard_error(accuracies)
    agree = None if reported is None else abs(ours - reported) <= 2 * error
    return f"{ours:.1f} ± {error:.1f}{theirs}", agree


def offsets_table(found: Results, reported: published.Table, choices: Sequence[tuple[str, int]]) -> str:
    """A table of algorithms and offsets for every choice of settings and epochs, and how many cells agree."""
    parts = []
    for settings, epochs in choices:
        rows, agreed = [], list[bool]()
        planned = [named for case in found.cases if (named := dict(case.labels)).get("epochs") == epochs]
        means, spreads = (
            list(dict.fromkeys(float(named[axis]) for named in planned if axis in named)) for axis in ("mean", "std")
        )
        for algorithm, m in product(paper.ALGORITHMS, means):
            cells = []
            for s in spreads:
                labels: Labels = {"settings": settings, "algorithm": algorithm, "epochs": epochs, "mean": m, "std": s}
                text, agree = cell(found.values("accuracy", **labels), published.accuracy(reported, algorithm, m, s))
                cells.append(text)
                agreed += [] if agree is None else [agree]
            rows.append((algorithm, f"{m:g}", *cells))
        heading = ("algorithm", "mean", *(f"spread {s:g}" for s in spreads))
        text = f"Settings: {settings}, {epochs} epochs; the paper's {published.EPOCHS} epochs in brackets."
        told = f"{sum(agreed)} of {len(agreed)} cells agree with the paper within two standard errors."
        parts.append(f"{text} {told}\n\n{markdown(heading, rows)}")
    return "\n\n".join(parts)


def order(found: Results, choices: Sequence[tuple[str, int]]) -> str:
    """How far algorithms are ahead of each other, over all offsets and seeds that both have."""
    rows = []
    for settings, epochs in choices:
        for first, second in PAIRS:
            sides = [_by_place(found, settings=settings, epochs=epochs, algorithm=name) for name in (first, second)]
            places = [place for place in sides[0] if place in sides[1]]
            if not places:
                continue
            compared = paired(*[[100 * side[place] for place in places] for side in sides])
            interval = NONE if compared.half_width is None else f"± {compared.half_width:.2f}"
            p = NONE if compared.p is None else f"{compared.p:.2g}"
            text = f"{compared.difference:+.2f}"
            rows.append(
                (f"{settings}, {epochs} epochs", f"{second} over {first}", f"{compared.pairs}", text, interval, p)
            )
    heading = ("settings", "ahead", "pairs", "points", "95 % interval", "Wilcoxon p")
    return markdown(heading, rows, left=2) if rows else "No pair is in."


def _by_place(found: Results, **labels: Any) -> dict[tuple[Any, ...], float]:
    """Accuracies by what else tells the runs apart."""
    result = {}
    for case, one in zip(found.cases, found.results, strict=True):
        named = dict(case.labels)
        if one and case.kind != RTL and labels.items() <= named.items():
            place = tuple(sorted((name, value) for name, value in named.items() if name not in labels))
            result[place] = one["metrics"]["accuracy"]
    return result


def wear(found: Results, choices: Sequence[tuple[str, int]]) -> str:
    """What each algorithm asks of cells and converters, and what is left after drift."""
    rows = []
    for settings, epochs in choices:
        for algorithm in (*paper.ALGORITHMS, *paper.LITERAL):
            runs = [
                one for one in found.pick(settings=settings, algorithm=algorithm, epochs=epochs) if "endurance" in one
            ]
            if not runs:
                continue
            later = [one["retention"]["accuracy"] for one in runs]
            pulses = [_pulses(runs, array) for array in ("P", "W")]
            counts = [one["metrics"]["counts"] for one in runs]
            events = [
                f"{mean(count[name] for count in counts):.3g}"
                for name in ("coincidences", "transfer_pulses", "adc_products", "adc_reads", "cycles")
            ]
            rows.append((f"{settings}, {epochs} epochs", algorithm, percent(later), *pulses, *events))
    heading = (
        *("settings", "algorithm", "after drift, %", "pulses a cell, P", "W", "coincidences", "pulses to W"),
        *("conversions of products", "of reads", "cycles"),
    )
    return markdown(heading, rows, left=2) if rows else "No run is in."


def _pulses(runs: Sequence[Result], array: str) -> str:
    """Mean and most of a cell."""
    found = [one["endurance"][array] for one in runs if array in one["endurance"]]
    return f"{mean(one['mean'] for one in found):.3g}, at most {max(one['most'] for one in found):,}" if found else NONE


def in_rtl(found: Results) -> str:
    """Runs with RTL in the loop."""
    rows = []
    for case, one in zip(found.cases, found.results, strict=True):
        if case.kind == RTL:
            named = dict(case.labels)
            name = ", ".join(str(named[part]) for part in ("workload", "algorithm", "settings") if part in named)
            if one is None:
                rows.append((name, f"{case.steps}", NONE, NONE, NONE))
                continue
            rtl, digest = one["rtl"], one["metrics"]["state_sha256"]
            end = f"`{digest[:16]}`" if rtl["agree"] else "they differ"
            rows.append((name, f"{case.steps}", f"{rtl['cycles']:,}", f"{rtl['mismatches']}", end))
    return markdown(("first seed of", "steps", "cycles", "mismatches", "SHA-256 of both ends with"), rows, left=1)


def digital(found: Results, epochs: int) -> str:
    """The baseline in a sentence."""
    accuracies = found.values("accuracy", algorithm=paper.DIGITAL_ALGORITHM, epochs=epochs)
    return f"Digital SGD, same network, batch and {epochs} epochs, tuned with the same budget: {percent(accuracies)} %."


def table_2(found: Results) -> str:
    """The perceptron."""
    choices = [(paper.TUNED, paper.EPOCHS), (paper.PAPER, paper.EPOCHS), (paper.PAPER, paper.LONG_EPOCHS)]
    literal = [
        (algorithm, *(percent(found.values("accuracy", algorithm=algorithm, mean=m, std=s)) for m, s in paper.CORNERS))
        for algorithm in paper.LITERAL
    ]
    heading = ("algorithm", *(f"{m:g} ± {s:g}" for m, s in paper.CORNERS))
    return f"""\
784-256-128-10 with sigmoids on MNIST, batch {paper.BATCH}, {paper.BL} slots, the HfO2 preset for both arrays, \
reference offsets of P. Test accuracy in %, mean ± standard error over seeds and test set, the paper's in brackets.

{digital(found, paper.EPOCHS)}

{offsets_table(found, published.TABLE_2, choices)}

RIDER and the literal variants with slow filters, tuned, {paper.EPOCHS} epochs, by offset:

{markdown(heading, literal)}

Who is ahead, in points of accuracy, paired over offsets and seeds:

{order(found, choices)}

What it costs and how it lasts, means of the runs that are in:

{wear(found, choices)}

In RTL:

{in_rtl(found)}"""


def table_1(found: Results) -> str:
    """LeNet-5."""
    choices = [(paper.TUNED, paper.EPOCHS), (paper.PAPER, paper.EPOCHS)]
    return f"""\
LeNet-5 with tanh on MNIST, batch {paper.BATCH}, {paper.BL} slots, the HfO2 preset, four offsets.

{digital(found, paper.EPOCHS)}

{offsets_table(found, published.TABLE_1, choices)}

{order(found, choices)}

{wear(found, choices)}

In RTL:

{in_rtl(found)}"""


def others(found: Results) -> str:
    """Other data and devices."""
    rows = []
    for workload in paper.WORKLOADS:
        if any(dict(case.labels).get("workload") == workload for case in found.cases):
            for algorithm in (paper.DIGITAL_ALGORITHM, *paper.ALGORITHMS):
                labels: Labels = {"workload": workload, "algorithm": algorithm}
                offsets = (
                    [{}]
                    if algorithm == paper.DIGITAL_ALGORITHM
                    else [{"mean": m, "std": s} for m, s in paper.OTHER_OFFSETS]
                )
                cells = [percent(found.values("accuracy", **labels, **offset)) for offset in offsets]
                rows.append((workload, algorithm, *(cells * 2 if len(cells) == 1 else cells)))
    heading = ("workload", "algorithm", *(f"{m:g} ± {s:g}" for m, s in paper.OTHER_OFFSETS))
    return f"""\
The same perceptron on Fashion-MNIST, and on MNIST with the metal-oxide preset and with 1200 states; tuned, \
{paper.OTHER_EPOCHS} epochs, test accuracy in % by offset.

{markdown(heading, rows, left=2)}

In RTL:

{in_rtl(found)}"""


def tuned(trials: Sequence[tuning.Trial]) -> str:
    """The budget and the best settings of every algorithm."""
    chosen, rows = tuning.best(trials), []
    for workload, algorithm in tuning.PAIRS:
        some = [one for one in trials if (one.workload, one.algorithm) == (workload, algorithm)]
        settings = chosen.get((workload, algorithm))
        text = ", ".join(f"{name} {value:g}" for name, value in settings.items()) if settings else NONE
        losses = [one.loss for one in some]
        best = f"{min(losses):.3f}" if losses else NONE
        rows.append((workload, algorithm, f"{len(some)} of {tuning.TRIALS}", best, text))
    m, s = paper.TUNING_OFFSET
    return f"""\
Trials of an epoch at the offset {m:g} ± {s:g}, judged by the loss on {tuning.VALIDATION} training samples that are \
held out; all of them are in `{tuning.RECORD}`. The test set has no part in it.

{markdown(("workload", "algorithm", "trials", "best loss", "settings"), rows, left=2)}"""


SECTIONS: dict[str, tuple[str, Callable[[Results], str]]] = {
    "table-2": ("The paper's table 2, a perceptron on MNIST", table_2),
    "table-1": ("The paper's table 1, LeNet-5 on MNIST", table_1),
    "others": ("Other data and devices", others),
}
