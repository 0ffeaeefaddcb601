# SPDX-License-Identifier: Apache-2.0
"""Sections of the document about `model.study.questions`."""

from __future__ import annotations

from collections.abc import Callable

from symtrack.model.files import markdown
from symtrack.model.study import paper, published, questions
from symtrack.model.study.figures import NONE, Labels, Results, figure, percent, targets
from symtrack.model.study.paper_tables import in_rtl
from symtrack.model.study.statistics import paired

SPENT = {
    "steps": "steps",
    "paper_slots": "paper's slots",
    "update_slots": "update slots",
    "coincidences": "coincidences",
    "transfer_pulses": "pulses to W",
    "reads": "reads",
    "adc_reads": "conversions of reads",
    "adc_products": "of products",
    "dac_vectors": "input vectors",
    "reference_pulses": "pulses to R",
    "cycles": "cycles",
}


def figure_4(found: Results) -> str:
    """The paper's measure, then everything that was counted."""
    ways: dict[str, Labels] = {way: {"algorithm": way} for way in questions.WAYS}
    short, whole = targets(found, questions.SLOT_STATES, ways, tuple(SPENT), published.SLOTS, ",.3g")
    m, s = questions.SLOT_OFFSET
    return f"""\
What it costs until LeNet-5 has a training loss of {questions.SLOT_TARGET}, on {questions.SLOT_SEEN} training samples: \
batch {paper.WORKLOADS[paper.SLOTS].batch}, {paper.BL} slots, soft bounds of {paper.SLOT_RANGE}/states, offset {m:g} ± \
{s:g}, rates tuned at 1000 states. Evaluated every {questions.SLOT_EVERY} steps, given up after \
{questions.SLOT_EPOCHS} epochs; figures are of the seeds that arrived.

The paper's measure, slots of a train for every step and the pulses of the calibration:

{markdown(("states", "source", *questions.WAYS), short, left=2)}

Everything counted, summed over the tiles; calibration slots are among the update slots:

{markdown(("states", "way", "reached", *SPENT.values()), whole, left=2)}

In RTL:

{in_rtl(found)}"""


def figure_5(found: Results) -> str:
    """A table for every gamma."""
    parts = []
    for gamma in questions.GRID_GAMMAS:
        rows = [
            (
                f"1/{period}",
                *(
                    percent(found.values("accuracy", chopper_period=period, filter_shift=shift, gamma=gamma))
                    for shift in questions.GRID_SHIFTS
                ),
            )
            for period in questions.GRID_PERIODS
        ]
        heading = ("flip probability", *(f"η = 1/{1 << shift}" for shift in questions.GRID_SHIFTS))
        parts.append(f"γ = {gamma:g}:\n\n{markdown(heading, rows)}")
    return f"""\
E-RIDER on the perceptron with its tuned settings but for these, {questions.GRID_EPOCHS} epochs, one seed, test \
accuracy in %. A flip probability of 1/n is a chopper that flips with every n-th read.

""" + "\n\n".join(parts)


def tracking(found: Results) -> str:
    """Accuracy beside the error of Q."""
    names = list(dict.fromkeys(str(dict(case.labels)["reference"]) for case in found.cases if case.labels))
    rows, base = [], found.values("accuracy", reference="tracked from zero")
    for name in names:
        accuracies, errors = found.values("accuracy", reference=name), found.values("sp_rmse_pulsed", reference=name)
        ahead = NONE
        if len(accuracies) == len(base) > 0:
            ahead = f"{100 * paired(base, accuracies).difference:+.2f}"
        rows.append((name, figure(errors), percent(accuracies), ahead))
    return f"""\
Whether tracking matters: E-RIDER on the perceptron, tuned, {questions.TRACKING_EPOCHS} epochs, where Q \
is held at a part of the symmetric points, at them with an error from cell to cell, or tracked. All else is equal.

{markdown(("Q", "SP error, pulsed cells", "accuracy %", "ahead of tracked from zero, points"), rows)}"""


def mnist_widths(found: Results) -> str:
    """A table per parameter."""
    parts = []
    for parameter, values in questions.MNIST_WIDTHS.items():
        rows = []
        for changed in values:
            value = changed[parameter.split(",")[0]]
            accuracies = found.values("accuracy", parameter=parameter, value=value)
            errors = found.values("sp_rmse_pulsed", parameter=parameter, value=value)
            rows.append((f"{value:g}", percent(accuracies), figure(errors)))
        parts.append(markdown((parameter, "accuracy %", "SP error, pulsed cells"), rows))
    return f"""\
How narrow the periphery may be at this size: E-RIDER on the perceptron with its tuned settings, one parameter at a \
time, {questions.WIDTH_EPOCHS} epochs. `output_bound` is the range of products and `read_bound` that of reads, both in \
weights; where a table names none, both are 12.

""" + "\n\n".join(parts)


SECTIONS: dict[str, tuple[str, Callable[[Results], str]]] = {
    "figure-4": ("The paper's figure 4, slots to a training loss", figure_4),
    "figure-5": ("The paper's figure 5, flips, η and γ", figure_5),
    "tracking": ("Does tracking matter", tracking),
    "mnist-widths": ("Word widths at this size", mnist_widths),
}
