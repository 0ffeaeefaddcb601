# SPDX-License-Identifier: Apache-2.0
"""HTML report of an exploration: its front, its parameters, and how to repeat each design, in one self-contained page.

It shows what `symtrack.exploration.Explored` gathers and computes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

from symtrack.cosim.report.document import document
from symtrack.cosim.report.exploration_charts import parallel, scatter
from symtrack.cosim.report.html import Markup, element, folded, join, table

Report = Mapping[str, Any]
FORMS = {"accuracy": "{:.2%}", "loss": "{:.4f}"}
BEST = {"maximize": "large", "minimize": "small"}


def page(report: Report, command: str = "") -> str:
    """The HTML page of an exploration.

    Parameters
    ----------
    report
        ``objectives``, names with direction and meaning; ``parameters``; ``trials`` and ``front``, fields of
        `model.study.exploration.Trial`, those of the front with ``tiles``, TOML texts by name, and the commands
        ``verilog`` and ``train``; ``importances``; ``sampler``, ``seed``; and the errors of ``gates``.
    command
        The command line that makes the page again.
    """
    refused = [one for one in report["trials"] if one["refused"]]
    sections = [
        ("front", "The front", _front(report)),
        ("parameters", "Parameters side by side", _parameters(report)),
        ("importance", "What matters", _importance(report)),
        ("designs", "Designs of the front", _designs(report)),
        ("repeat", "How to repeat them", join(_repeat(one) for one in report["front"])),
        *([("refused", "What could not be run", _refused(refused, report))] if refused else []),
    ]
    return document("Exploration of designs", _introduction(report, len(refused)), sections, command)


def _line(trial: Mapping[str, Any]) -> dict[str, Any]:
    return {"trial": trial["number"], **trial["parameters"], **trial["figures"]}


def _lines(trials: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [_line(one) for one in trials if not one["refused"]]


def _told(name: str, value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or "–"
    return FORMS.get(name, "{:,.4g}" if isinstance(value, float) else "{:,}").format(value)


def _introduction(report: Report, refused: int) -> Markup:
    lines = _lines(report["trials"])
    cards = [("trials", f"{len(report['trials']):,}"), ("of the front", f"{len(report['front']):,}")]
    if refused:
        cards.append(("that could not be run", f"{refused:,}"))
    for name, (direction, _) in report["objectives"].items():
        values = [one[name] for one in lines]
        best = max(values) if direction == "maximize" else min(values)
        cards.append((f"best {name}", _told(name, best)))
    shown = [element("div", element("dt", name), element("dd", value)) for name, value in cards]
    what = f"Suggested by Optuna ({report['sampler']}, seed {report['seed']}), run by the golden model."
    return join((element("p", what, class_="soft"), element("dl", *shown, class_="cards")))


def _front(report: Report) -> Markup:
    lines, best = _lines(report["trials"]), _lines(report["front"])
    objectives = report["objectives"]
    pairs = [scatter(lines, best, x, y) for y, x in combinations(objectives, 2)]
    gates = report["gates"]
    about = (
        "A design is of the front if no other one is better in an objective without being worse in another. Gates are "
        f"those of a closed form that is fitted to {gates['syntheses']} syntheses; each of them predicted from the "
        f"others, its relative error is {gates['rms']:.1%} (root mean square), and {gates['largest']:.1%} at most."
    )
    rows = [
        (name, BEST[direction], element("span", text, class_="left")) for name, (direction, text) in objectives.items()
    ]
    meanings = table("Objectives", ("objective", "good if", element("span", "meaning", class_="left")), rows)
    return join((element("p", about), element("div", *pairs, class_="figures"), meanings))


def _parameters(report: Report) -> Markup:
    objectives = list(report["objectives"])
    coloured = "accuracy" if "accuracy" in objectives else objectives[0]
    about = f"A line for every trial, coloured by its {coloured} from dark to light; those of the front are thick."
    lines = _lines(report["trials"]), _lines(report["front"])
    return join((element("p", about), parallel(*lines, report["parameters"], coloured)))


def _importance(report: Report) -> Markup:
    found = report["importances"]
    if not found:
        return element("p", "There are too few trials, or all are alike.")
    names = list(dict.fromkeys(name for one in found.values() for name in one))
    rows = [(name, *(_bar(one.get(name, 0.0)) for one in found.values())) for name in names]
    about = "Shares of the variance of each objective over all trials that each parameter explains (fANOVA)."
    return join((element("p", about), table("Importance of parameters", ("parameter", *found), rows)))


def _bar(share: float) -> Markup:
    filled = f"linear-gradient(to left, var(--golden-soft) {share:.0%}, transparent {share:.0%})"
    return element("span", f"{share:.0%}", style=f"display: block; min-width: 5rem; background: {filled}")


def _designs(report: Report) -> Markup:
    objectives, parameters = list(report["objectives"]), report["parameters"]
    rows = [
        [
            element("a", one["number"], href=f"#trial-{one['number']}"),
            *(_told(name, one["figures"][name]) for name in objectives),
            *(_told(name, one["parameters"][name]) for name in parameters),
        ]
        for one in report["front"]
    ]
    return table("Designs of the front", ("trial", *objectives, *parameters), rows)


def _repeat(one: Mapping[str, Any]) -> Markup:
    commands: Sequence[str] = [*([one["train"]] if one["train"] else []), *one["verilog"]]
    tiles = [folded(f"{name}.toml", element("pre", text)) for name, text in one["tiles"].items()]
    return element(
        "div",
        element("h3", f"Trial {one['number']}"),
        element("pre", element("code", "\n".join(commands)), class_="commands"),
        element("p", "Its run ends in the state ", element("code", one["state_sha256"]), "."),
        *tiles,
        id=f"trial-{one['number']}",
    )


def _refused(trials: Sequence[Mapping[str, Any]], report: Report) -> Markup:
    rows = [
        (
            one["number"],
            element("span", one["refused"], class_="left"),
            *(one["parameters"][n] for n in report["parameters"]),
        )
        for one in trials
    ]
    return table("Trials that are no design", ("trial", "why", *report["parameters"]), rows)
