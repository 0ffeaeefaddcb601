# SPDX-License-Identifier: Apache-2.0
"""HTML report of a comparison of golden model and RTL: curves, counts and settings in one self-contained page.

It shows what `cosim.compare.training.compare` with ``samples`` returns and computes nothing but sums over tiles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from symtrack.cosim.engine.lockstep import STATES_EVERY
from symtrack.cosim.report.charts import Series, histogram_chart, line_chart
from symtrack.cosim.report.document import document
from symtrack.cosim.report.html import Markup, element, folded, join, table
from symtrack.cosim.report.settings_tables import settings_section
from symtrack.cosim.report.waves import waveforms
from symtrack.model.spec.config import BEAT_LATENCY, SLOT_LATENCY
from symtrack.model.training.history import first_difference

Report = Mapping[str, Any]
NONE = "–"

CYCLES = (
    f"Σ (1 + ⌈C/L⌉ + B + {SLOT_LATENCY} + slots) over updates + Σ (1 + reads · (B + {BEAT_LATENCY + 1})) over "
    "transfers and programmings + calibrations"
)
# key, name, form, unit, formula
QUALITY = (
    ("accuracy", "test accuracy", "{:.2%}", "1", "share of right answers on the test set"),
    (
        "loss",
        "test loss",
        "{:.4f}",
        "nat",
        "mean cross-entropy on the test set; of a regression half its squared error",
    ),
    ("rms_error", "RMS error of W", "{:.5f}", "weight", "√mean (W − target)²"),
    ("sp_rmse", "SP error, all cells", "{:.5f}", "weight", "√mean (Q − SP)², SP the device's true symmetric point"),
    ("sp_rmse_pulsed", "SP error, pulsed cells", "{:.5f}", "weight", "the same over cells of P with a pulse or more"),
)
COUNTS = (
    ("update_slots", "update slots with polarity phases", "slots", "Σ over updates of non-empty sign quadrants · BL"),
    ("coincidences", "coincidences", "pulses", "slots in which row and column of a cell fire, Σ over cells"),
    ("p_cell_pulses_max", "pulses of the busiest cell of P", "pulses", "max over cells; endurance that P needs"),
    ("p_cell_pulses_mean", "pulses of a cell of P", "pulses", "mean over cells"),
    ("transfer_pulses", "transfer pulses", "pulses", "Σ |n| over transfers, rows: steps of W"),
    ("w_cell_pulses_max", "pulses of the busiest cell of W", "pulses", "max over cells; endurance that W needs"),
    ("w_cell_pulses_mean", "pulses of a cell of W", "pulses", "mean over cells"),
    ("reads", "reads", "columns", "columns of P and R converted"),
    ("reference_pulses", "reference-programming pulses", "pulses", "pulses to R; 0 while R is an ideal copy"),
    ("cycles", "clock cycles", "cycles", CYCLES),
    ("sram_words", "SRAM words touched", "words", "reads · B · memories (Q, Qref, H; D if there is one) · 2"),
)
OF_ALL_TILES = (
    ("calibration_slots", "calibration slots", "slots", "slots of the calibration before training, Σ over tiles"),
    ("unprogrammed", "cells of R given up", "cells", "outside the tolerance after the last round, Σ over programmings"),
)
COURSE = (
    ("accuracy", "Accuracy", "test accuracy", "{:.2%}", "{:.0%}"),
    ("loss", "Loss", "test loss", "{:.4f}", "{:g}"),
    ("rms_error", "Error of the weights", "RMS error of W", "{:.5f}", "{:g}"),
)
HISTOGRAMS = (
    ("P", "fast array P", "weight"),
    ("W", "slow array W", "weight"),
    ("Q", "filter Q and the true SP of P", "weight"),
    ("H", "hidden buffer H", "write thresholds, 2^threshold_shift"),
)


def page(report: Report, command: str = "") -> str:
    """The HTML page of a comparison.

    Parameters
    ----------
    report
        What `cosim.compare.training.compare` returns with ``samples``.
    command
        The command line that makes the page again.
    """
    title = f"{report['algorithm']} on {report['task']}: golden beside RTL"
    sections = [
        *([("divergence", "The first divergence", _divergence(report))] if report["first_mismatch"] else []),
        ("beside", "Golden beside RTL", _beside(report)),
        ("curves", "Training curves", _curves(report)),
        ("tracking", "Tracking the symmetric point", _tracking(report)),
        ("distributions", "Distributions and saturation", _distributions(report)),
        ("counts", "What the hardware did", _counts(report)),
        ("settings", "Settings and word widths", settings_section(report["settings"])),
    ]
    return document(title, _introduction(report), sections, command)


def _introduction(report: Report) -> Markup:
    rtl = "all tiles" if report["engine"] == "native" else f"the layer {report['config']}"
    what = f"{report['steps']:,} training steps with seed {report['seed']}, once on the golden model and once with "
    return join((element("p", f"{what}{rtl} in RTL ({report['engine']} engine).", class_="soft"), _verdict(report)))


def _verdict(report: Report) -> Markup:
    good = report["agree"]
    words = "✓ Golden and RTL agree" if good else "✗ Golden and RTL do not agree"
    if good:
        why = "Metrics, counts, the SHA-256 of the final state and the whole history are equal"
        why += f", and so is every output in {report['compared_cycles']:,} cycles." if report["recorded"] else "."
    elif first := report["first_mismatch"]:
        why = f"First difference {_where(first)}: golden {first['golden']:#x}, RTL {first['rtl']:#x}."
    elif not report["compared_cycles"] and report["recorded"]:
        why = "Nothing was compared."
    else:
        why = "No output differed in the compared cycles, but the results of the two runs do."
    golden, side = report["golden"], "" if good else ", golden"
    cards = [
        *((name + side, form.format(golden[key])) for key, name, form, *_ in QUALITY if golden.get(key) is not None),
        ("cycles compared", f"{report['compared_cycles']:,}"),
        ("mismatches", f"{report['mismatches']:,}"),
    ]
    shown = [element("div", element("dt", name), element("dd", value)) for name, value in cards]
    verdict = element("div", element("p", element("strong", words), why), class_=f"verdict {'good' if good else 'bad'}")
    return join((verdict, element("dl", *shown, class_="cards")))


def _where(first: Mapping[str, Any]) -> str:
    tile = f"in {first['tile']}, " if first["tile"] else "in "
    return f"{tile}cycle {first['cycle']:,}, signal {first['signal']}"


def _beside(report: Report) -> Markup:
    """The table of all results, golden beside RTL, and below it what was compared and how."""
    golden, rtl = report["golden"], report["rtl"]
    rows = []
    for key, name, form, unit, formula in QUALITY:
        if golden.get(key) is not None or (rtl or {}).get(key) is not None:
            rows.append(_pair(name, golden.get(key), (rtl or {}).get(key), rtl, form, unit, formula))
    sides = [result and {**result, **result["counts"]} for result in (golden, rtl)]
    for key, name, unit, formula in (*COUNTS, *OF_ALL_TILES):
        if key in sides[0]:
            rows.append(_pair(name, sides[0][key], sides[1] and sides[1].get(key), rtl, "{:,}", unit, formula))
    results = table("Results of both runs", ("metric", "golden", "RTL", "equal", "unit", _left("formula")), rows)
    digests = [
        (side, element("code", result["state_sha256"] if result else "not reached"))
        for side, result in (("golden", golden), ("RTL", rtl))
    ]
    hashes = table("SHA-256 of the final state: every array of devices and periphery", ("run", "digest"), digests)
    note = "" if rtl else element("p", "The RTL run stopped at its first difference and has no results.", class_="no")
    return join((note, results, hashes, _compared(report)))


def _pair(name: str, golden: Any, rtl: Any, reached: Any, form: str, unit: str, formula: str) -> list[object]:
    def shown(value: Any) -> str:
        return NONE if value is None else form.format(value)

    same = golden == rtl
    mark = element("span", "✓ yes" if same else "✗ no", class_="yes" if same else "no") if reached else NONE
    return [name, shown(golden), shown(rtl), mark, unit, _left(formula)]


def _compared(report: Report) -> Markup:
    history = report["history"]
    differ = first_difference(history["golden"], history["rtl"]) if history["rtl"] else None
    equal = NONE if not history["rtl"] else "yes" if differ is None else f"no, {differ}"
    hidden = ", ".join(report["states_hidden"]) or "none"
    facts = [
        ("engine", report["engine"], "what played the Verilog"),
        ("cycles played", f"{report['cycles']:,}", "with resets, clearing and idle cycles"),
        ("cycles compared", f"{report['compared_cycles']:,}", "every output port against the golden tile"),
        (
            "state words compared",
            f"{report['states_compared']:,}",
            f"memories and registers, every {STATES_EVERY:,} cycles of a program and at the end",
        ),
        ("state not shown by the netlist", hidden, "and therefore not compared"),
        ("mismatches", f"{report['mismatches']:,}", "the first one ends the run"),
        (
            "histories equal",
            equal,
            f"{len(history['golden']['samples'])} samples on the way, distributions and counts of every tile",
        ),
        (
            "speed of the RTL run",
            f"{report['cycles_per_second']:,.0f} cycles/s",
            "of processor time, with devices and host, without samples",
        ),
        ("golden run", f"{report['golden_s']:.1f} s", "processor time, without samples"),
        (
            "RTL run",
            f"{report['rtl_s']:.1f} s",
            "processor time, without builds, and without samples unless a difference stopped it",
        ),
    ]
    return table("How they were compared", ("fact", "value", _left("meaning")), [(a, b, _left(c)) for a, b, c in facts])


def _divergence(report: Report) -> Markup:
    first = report["first_mismatch"]
    width = report["port_widths"].get(first["signal"])
    bits = [k for k in range(width or 0) if (first["golden"] ^ first["rtl"]) >> k & 1]
    rows = [
        ("cycle", f"{first['cycle']:,}"),
        ("tile", first["tile"] or report["config"]),
        ("signal", element("code", first["signal"])),
        ("golden", element("code", f"{first['golden']:#x}"), f"{first['golden']:,}"),
        ("RTL", element("code", f"{first['rtl']:#x}"), f"{first['rtl']:,}"),
    ]
    if bits:
        rows.append(("bits that differ", ", ".join(map(str, bits)), f"of {width}"))
    note = "" if width else "Every output agreed until then; the word differs in the state that was compared."
    summary = table("Where and what", ("", "value", "decimal"), [(*row, "")[:3] for row in rows])
    return join((element("p", note) if note else "", summary, waveforms(first, report["port_widths"])))


def _sides(report: Report) -> list[tuple[str, str, Mapping[str, Any]]]:
    """Name, style and history of each run that has a history."""
    histories = report["history"]
    sides = (("golden", "golden"), ("RTL", "rtl"))
    return [(name, key, histories[key]) for name, key in sides if histories[key]]


def _points(samples: Iterable[Mapping[str, Any]], key: str) -> list[tuple[float, float]]:
    return [(one["step"], one[key]) for one in samples if one.get(key) is not None]


def _curves(report: Report) -> Markup:
    sides = _sides(report)
    charts = [
        line_chart(
            title,
            [Series(name, style, _points(history["samples"], key)) for name, style, history in sides],
            x_label="training steps",
            y_label=label,
            form=form,
            tick_form=tick_form,
        )
        for key, title, label, form, tick_form in COURSE
        if _points(sides[0][2]["samples"], key)
    ]
    return join((_figures(charts), folded("All samples", _samples(sides))))


def _samples(sides: Sequence[tuple[str, str, Mapping[str, Any]]]) -> Markup:
    samples = sides[0][2]["samples"]
    keys = [(key, name, form) for key, name, form, *_ in QUALITY if any(one.get(key) is not None for one in samples)]
    head = ["step", *(f"{name}, {side}" for _, name, _ in keys for side, _, _ in sides)]
    rows = []
    for index, sample in enumerate(samples):
        both = [history["samples"][index : index + 1] for _, _, history in sides]
        values = [one[0].get(key) if one else None for key, _, _ in keys for one in both]
        forms = [form for _, _, form in keys for _ in sides]
        cells = [NONE if v is None else form.format(v) for v, form in zip(values, forms, strict=True)]
        rows.append([f"{sample['step']:,}", *cells])
    return table("Samples of both runs", head, rows)


def _tracking(report: Report) -> Markup:
    sides = _sides(report)
    golden = sides[0][2]
    steps = [sample["step"] for sample in golden["samples"]]
    none = golden["sp_rms"]  # null if no cell has a symmetric point
    nothing = Series("taking 0 for every SP", "none", [] if none is None else [(step, none) for step in steps])
    charts = [
        line_chart(
            title,
            [*(Series(name, style, _points(history["samples"], key)) for name, style, history in sides), nothing],
            x_label="training steps",
            y_label="RMS of Q − SP, weight",
            form="{:.5f}",
        )
        for key, title in (("sp_rmse", "All cells"), ("sp_rmse_pulsed", "Cells of P that were pulsed"))
        if _points(golden["samples"], key)
    ]
    charts.append(
        line_chart(
            "How many cells were pulsed",
            [Series(name, style, _points(history["samples"], "pulsed")) for name, style, history in sides],
            x_label="training steps",
            y_label="share of the cells of P",
            form="{:.2%}",
            tick_form="{:.0%}",
        )
    )
    text = (
        "Q is the tile's running estimate of where the reads of P settle; SP is the true symmetric point of each "
        "simulated device, which the hardware never sees. A cell that no pulse reaches stays where it is, so its "
        "reads say nothing about its SP: the second chart leaves such cells out."
    )
    return join((element("p", text), _figures(charts)))


def _distributions(report: Report) -> Markup:
    sides = _sides(report)
    parts: list[Markup] = []
    for name, tile in sides[0][2]["tiles"].items():
        charts = []
        for key, title, unit in HISTOGRAMS:
            series = [Series(side, style, bins=h["tiles"][name]["histograms"][key]) for side, style, h in sides]
            if key == "Q":
                series.append(Series("true SP", "truth", bins=tile["histograms"]["SP"]))
            charts.append(histogram_chart(title, series, x_label=unit))
        parts.append(element("h3", f"{name}, {tile['cells']:,} cells"))
        parts += [_figures(charts), _ends(name, [(side, history["tiles"][name]) for side, _, history in sides])]
    text = (
        "Bars are the golden run, lines the RTL. A saturated word or cell has lost something: P and W at their "
        "bounds take no further steps that way, Q and H at the ends of their formats are clipped."
    )
    return join((element("p", text), *parts))


def _ends(name: str, sides: Sequence[tuple[str, Mapping[str, Any]]]) -> Markup:
    """Saturation of a tile: one number where golden and RTL agree, both where they differ."""

    def both(get: Callable[[Mapping[str, Any]], object]) -> str:
        values = [get(tile) for _, tile in sides]
        if all(value == values[0] for value in values):
            return f"{values[0]:,}" if isinstance(values[0], int) else str(values[0])
        return " / ".join(f"{value} {side}" for (side, _), value in zip(sides, values, strict=True))

    what = {"P": "cells of P", "W": "cells of W", "Q": "words of Q", "Qref": "words of Qref", "H": "words of H"}
    rows: list[Sequence[object]] = [
        (what[key], *(both(lambda tile, k=key, e=end: tile["ends"][k][e]) for end in ("low", "high", "stuck")))  # type: ignore[misc]
        for key in what
    ]
    flags = element(
        "p",
        "Sticky flags: ",
        element("code", "hidden_saturated"),
        " ",
        both(lambda tile: "set" if tile["flags"]["hidden_saturated"] else "not set"),
        ", ",
        element("code", "pulses_clamped"),
        " ",
        both(lambda tile: "set" if tile["flags"]["pulses_clamped"] else "not set"),
        ".",
    )
    caption = f"{name}: at the ends of what they can hold, when the run ended"
    return join((table(caption, ("", "at the lower end", "at the upper end", "stuck there"), rows), flags))


def total(tiles: Mapping[str, Mapping[str, Any]], key: str) -> float:
    """A count of all tiles together: a sum, the largest for ``max``, the mean over all cells for ``mean``."""
    values = [tile["counts"][key] for tile in tiles.values()]
    if key.endswith("_max"):
        return max(values)
    if key.endswith("_mean"):
        cells = [tile["cells"] for tile in tiles.values()]
        return sum(v * n for v, n in zip(values, cells, strict=True)) / sum(cells)
    return sum(values)


def _counts(report: Report) -> Markup:
    sides = _sides(report)
    golden = sides[0][2]["tiles"]
    rtl = sides[1][2]["tiles"] if len(sides) == 2 else None
    rows = []
    for key, name, unit, formula in COUNTS:
        form = "{:,.1f}" if key.endswith("_mean") else "{:,}"
        pair = total(golden, key), rtl and total(rtl, key)
        rows.append(_pair(name, *pair, rtl, form, unit, formula))
    whole = table("All tiles together", ("count", "golden", "RTL", "equal", "unit", _left("formula")), rows)
    names = list(golden)
    lines = [
        (label, *(f"{golden[name]['counts'][key]:,.{1 if key.endswith('_mean') else 0}f}" for name in names))
        for key, label, _, _ in COUNTS
    ]
    text = (
        "R, C and L are rows, columns and lanes of a tile, B = ⌈R/L⌉ the beats of a column, BL the slots of a train. "
        "Cycles are those of operations that never wait, and words are those of L lanes, read and written; H is "
        "counted as written also where a transfer leaves it alone: while a warm-up lasts, and when writes are direct."
    )
    return join((whole, element("p", text, class_="soft"), table("Tile by tile, golden run", ("count", *names), lines)))


def _figures(charts: Sequence[Markup]) -> Markup:
    return element("div", *charts, class_="figures")


def _left(text: str) -> Markup:
    """A cell of text in a column of text, which is aligned to the left."""
    return element("span", text, class_="left")
