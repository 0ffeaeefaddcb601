# SPDX-License-Identifier: Apache-2.0
"""Tests of the HTML report of a comparison: it shows the report's figures, is self-contained, and is sound HTML."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

import pytest
from amaranth.hdl import Fragment

from symtrack.cosim.compare.training import compare
from symtrack.cosim.engine.lockstep import Fault
from symtrack.cosim.report.comparison_page import page
from symtrack.hdl.parts.beat_memory import BeatMemory
from symtrack.model.spec.config import NAMED
from symtrack.model.training.spec import TrainingSpec
from tests.cosim.jobs.reading import Page

CONFIG = NAMED["digits_output"]
RUN = TrainingSpec(config=CONFIG, seed=3, reference_mean=0.3, reference_std=0.1)
ARGUMENTS: dict[str, Any] = {"engine": "native", "steps": 40, "samples": 8}
CYCLE, MASK = 1230, 0b100  # a cycle with a slot


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    return plain(compare(RUN, **ARGUMENTS))


@pytest.fixture(scope="module")
def faulty() -> dict[str, Any]:
    return plain(compare(RUN, faults=(Fault("rtl", "pulses__rows", MASK, CYCLE),), **ARGUMENTS))


def plain(report: dict[str, Any]) -> dict[str, Any]:
    """The report as it comes out of a JSON file."""
    return json.loads(json.dumps(report))


def shown(report: dict[str, Any], command: str = "") -> Page:
    return Page(page(report, command))


def test_results_and_counts_are_those_of_the_report(report: dict[str, Any]) -> None:
    report = copy.deepcopy(report)
    report["rtl"]["loss"] += 1  # figures come from where they belong
    report["rtl"]["counts"]["reads"] += 1
    report["history"]["rtl"]["tiles"]["layer1"]["counts"]["sram_words"] += 6
    read = shown(report)
    results = read.rows("Results of both runs")
    golden, rtl = report["golden"], report["rtl"]
    assert results["test accuracy"][:3] == [f"{golden['accuracy']:.2%}", f"{rtl['accuracy']:.2%}", "✓ yes"]
    assert results["test loss"][:3] == [f"{golden['loss']:.4f}", f"{rtl['loss']:.4f}", "✗ no"]
    assert results["SP error, all cells"][:2] == [f"{golden['sp_rmse']:.5f}"] * 2
    names = {"update_slots": "update slots with polarity phases", "transfer_pulses": "transfer pulses"}
    names |= {"reference_pulses": "reference-programming pulses", "cycles": "clock cycles", "reads": "reads"}
    for key, value in golden["counts"].items():
        equal = "✓ yes" if key != "reads" else "✗ no"
        expected = [f"{value:,}", f"{rtl['counts'][key]:,}", equal]
        assert results[names.get(key, key)][:3] == expected
        assert all(results[names.get(key, key)][3:])  # unit and formula
    digests = read.rows("SHA-256 of the final state: every array of devices and periphery")
    assert digests == {"golden": [golden["state_sha256"]], "RTL": [rtl["state_sha256"]]}
    compared = read.rows("How they were compared")
    for name, key in (("compared", "compared_cycles"), ("played", "cycles")):
        assert compared[f"cycles {name}"][0] == f"{report[key]:,}"
    assert compared["state words compared"][0] == f"{report['states_compared']:,}"
    assert compared["speed of the RTL run"][0] == f"{report['cycles_per_second']:,.0f} cycles/s"
    assert compared["histories equal"][0] == "no, tiles at the end"
    tiles = report["history"]["golden"]["tiles"]
    words = sum(tile["counts"]["sram_words"] for tile in tiles.values())
    counts = read.rows("All tiles together")
    assert counts["SRAM words touched"][:3] == [f"{words:,}", f"{words + 6:,}", "✗ no"]
    busiest = max(tile["counts"]["p_cell_pulses_max"] for tile in tiles.values())
    assert counts["pulses of the busiest cell of P"][:2] == [f"{busiest:,}"] * 2
    cells = sum(tile["cells"] for tile in tiles.values())
    mean = golden["counts"]["coincidences"] / cells
    assert counts["pulses of a cell of P"][:2] == [f"{mean:,.1f}"] * 2
    by_tile = read.rows("Tile by tile, golden run")
    assert by_tile["reads"] == [f"{tile['counts']['reads']:,}" for tile in tiles.values()]


def test_a_calibration_and_cells_given_up_are_counted(report: dict[str, Any]) -> None:
    report = copy.deepcopy(report)
    report["golden"] |= {"calibration_slots": 1200, "unprogrammed": 17}
    report["rtl"] |= {"calibration_slots": 1200, "unprogrammed": 18}
    results = shown(report).rows("Results of both runs")
    assert results["calibration slots"][:3] == ["1,200", "1,200", "✓ yes"]
    assert results["cells of R given up"][:3] == ["17", "18", "✗ no"]


def test_the_formula_of_clock_cycles_gives_the_count(report: dict[str, Any]) -> None:
    formula = shown(report).rows("Results of both runs")["clock cycles"][-1]
    update, read = (int(re.findall(part, formula)[0]) for part in (r"B \+ (\d+) \+ slots", r"B \+ (\d+)\)"))
    counts = report["history"]["golden"]["tiles"]["layer1"]["counts"]
    beats, column_beats = -(-CONFIG.rows // CONFIG.lanes), -(-CONFIG.columns // CONFIG.lanes)
    updates = report["steps"]  # one rank-one update and one transfer a step
    assert counts["reads"] == updates
    cycles = updates * (1 + column_beats + beats + update) + counts["update_slots"] + updates * (1 + beats + read)
    assert counts["cycles"] == cycles


def test_the_verdict(report: dict[str, Any]) -> None:
    assert report["agree"]
    assert "Golden and RTL agree" in shown(report).text
    unequal = {**report, "agree": False}
    assert "do not agree" in shown(unequal).text
    nothing = {**unequal, "compared_cycles": 0}
    assert "Nothing was compared" in shown(nothing).text
    unrecorded = {**report, "compared_cycles": 0, "recorded": False}
    assert "every output in" not in shown(unrecorded).text


def test_curves_show_every_sample_of_both_runs(report: dict[str, Any]) -> None:
    report = copy.deepcopy(report)
    report["history"]["rtl"]["samples"][3]["accuracy"] = 0.98765
    source = page(report)
    samples = Page(source).tables["Samples of both runs"]
    assert len(samples) == 1 + 9
    for row, golden in zip(samples[1:], report["history"]["golden"]["samples"], strict=True):
        assert row[0] == str(golden["step"])
        assert row[1] == f"{golden['accuracy']:.2%}"
    assert samples[4][2] == "98.77%"
    dots = re.findall(r"<title>RTL, step 15: ([^<]*)</title>", source)
    sample = report["history"]["rtl"]["samples"][3]
    expected = [("accuracy", ".2%"), ("loss", ".4f"), ("sp_rmse", ".5f"), ("sp_rmse_pulsed", ".5f"), ("pulsed", ".2%")]
    assert dots == [f"{sample[key]:{form}}" for key, form in expected]


def test_histograms_hold_every_cell(report: dict[str, Any]) -> None:
    drawn = [entry for entry in shown(report).drawn if "data-counts" in entry]
    sides = report["history"]
    found = [(entry["data-series"], list(map(int, entry["data-counts"].split()))) for entry in drawn]
    expected = []
    for name, tile in sides["golden"]["tiles"].items():
        for key in "PWQH":
            for side in ("golden", "rtl"):
                counts = sides[side]["tiles"][name]["histograms"][key]["counts"]
                expected.append(({"golden": "golden", "rtl": "RTL"}[side], counts))
            if key == "Q":
                expected.append(("true SP", tile["histograms"]["SP"]["counts"]))
    assert found == expected
    sizes = [CONFIG.rows * CONFIG.columns, NAMED["digits_hidden"].rows * NAMED["digits_hidden"].columns]
    assert {sum(counts) for _, counts in found} == set(sizes)


def test_saturation_and_flags(report: dict[str, Any]) -> None:
    report = copy.deepcopy(report)
    golden, rtl = (report["history"][side]["tiles"]["layer1"] for side in ("golden", "rtl"))
    golden["ends"]["Q"] = rtl["ends"]["Q"] = {"low": 17, "high": 23, "stuck": 0}
    golden["ends"]["H"], rtl["ends"]["H"] = ({"low": 0, "high": high, "stuck": 0} for high in (5, 6))
    golden["flags"] = rtl["flags"] = {"hidden_saturated": True, "pulses_clamped": False}
    read = shown(report)
    ends = read.rows("layer1: at the ends of what they can hold, when the run ended")
    assert ends["words of Q"] == ["17", "23", "0"]
    assert ends["words of H"] == ["0", "5 golden / 6 RTL", "0"]
    assert "hidden_saturated set, pulses_clamped not set" in read.text


def test_settings_and_word_widths(report: dict[str, Any]) -> None:
    read = shown(report)
    tiles = read.rows("Tiles: the configuration that RTL and golden model are built from")
    assert tiles["columns"] == ["65", "33", "inputs of the crossbar, index j"]
    words = read.rows("layer1: 10x33")
    assert words["Q, Qref"][:3] == ["15", "6", "-16,384 to 16,383"]
    assert words["H"][0] == str(CONFIG.hidden_bits)
    memory = BeatMemory(depth=CONFIG.depth, lanes=CONFIG.lanes, width=CONFIG.hidden_bits)
    Fragment.get(memory, None)  # made, as Amaranth asks of all hardware
    bits = memory.shape.size + len(memory.parity)
    assert f"H {CONFIG.depth:,} × {bits} bit" in read.text
    assert read.rows("Settings of the datapath")["reference"] == ["LATCHED"]
    assert read.rows("Rates")["learning_rate"] == [f"{report['settings']['rates']['learning_rate']:g}"]
    devices = read.rows("Cells of the arrays")
    assert devices["reference_mean"][:2] == ["0.3", "0"]
    assert devices["dw_min"][2] == "step size"


def test_the_first_divergence_has_its_cycle_and_signal(faulty: dict[str, Any]) -> None:
    first = faulty["first_mismatch"]
    assert (first["signal"], first["cycle"], first["golden"] ^ first["rtl"]) == ("pulses__rows", CYCLE, MASK)
    read = shown(faulty)
    where = read.rows("Where and what")
    assert where["cycle"][0] == f"{CYCLE:,}"
    assert where["signal"][0] == "pulses__rows"
    assert where["golden"][0] == f"{first['golden']:#x}"
    assert where["RTL"][0] == f"{first['rtl']:#x}"
    assert where["bits that differ"] == ["2", f"of {CONFIG.rows}"]
    assert f"First difference in cycle {CYCLE:,}, signal pulses__rows" in read.text
    assert "has no results" in read.text
    assert read.rows("Results of both runs")["test loss"][1:3] == ["–", "–"]
    lanes = [(entry["data-signal"], entry["class"]) for entry in read.drawn if "data-signal" in entry]
    assert lanes[:4] == [
        ("pulses__rows", "golden"),
        ("pulses__rows", "rtl"),
        ("pulses__valid", "both"),
        ("pulses__ready", "both"),
    ]


def test_the_page_stands_alone_and_is_sound(report: dict[str, Any], faulty: dict[str, Any]) -> None:
    for data in (report, faulty):
        source = page(data, "compare_metrics.py --steps 40")
        read = Page(source)
        assert not re.search(r"(https?:)?//\w|url\(|@import", source)
        assert "script" not in read.tags
        anchors = {value for _, name, value in read.attributes if name == "id"}
        for _, name, value in read.attributes:
            assert name != "src"
            assert name != "href" or value[1:] in anchors
            assert not name.startswith("on")
        assert read.headings[0] == 1
        assert all(after - before <= 1 for before, after in zip(read.headings, read.headings[1:], strict=False))
        pictures = [value for tag, name, value in read.attributes if (tag, name) == ("svg", "aria-label")]
        assert len(pictures) == read.tags.count("svg") == sum("img" in part for part in read.attributes)
        assert all(len(text) > 20 for text in pictures)
        assert "compare_metrics.py --steps 40" in read.text


def test_every_text_is_escaped(faulty: dict[str, Any]) -> None:
    evil = "<script>x</script>&\"'"
    report = copy.deepcopy(faulty)
    report["first_mismatch"]["signal"] = report["first_mismatch"]["tile"] = evil
    report["config"] = report["task"] = report["algorithm"] = report["engine"] = evil
    report["golden"]["state_sha256"] = evil
    report["settings"]["algorithm"][evil] = evil
    report["settings"]["tiles"] = {evil: report["settings"]["tiles"]["layer1"]}
    report["history"]["golden"]["tiles"] = {evil: report["history"]["golden"]["tiles"]["layer1"]}
    for entry in report["first_mismatch"]["history"]:
        for side in ("golden", "rtl"):
            entry[side][evil] = entry[side]["pulses__rows"]
    read = shown(report, evil)
    assert "script" not in read.tags
    assert read.text.count(evil) > 8


def test_a_regression_has_its_own_curve(report: dict[str, Any]) -> None:
    report = copy.deepcopy(report)
    for side in ("golden", "rtl"):
        report[side] |= {"accuracy": None, "rms_error": 0.0123}
        for sample in report["history"][side]["samples"]:
            sample["rms_error"] = sample.pop("accuracy")
    read = shown(report)
    assert read.rows("Results of both runs")["RMS error of W"][:2] == ["0.01230", "0.01230"]
    assert "test accuracy" not in read.rows("Results of both runs")
    assert any("RMS error of W over training steps" in value for _, _, value in read.attributes)
