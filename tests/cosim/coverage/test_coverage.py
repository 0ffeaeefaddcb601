# SPDX-License-Identifier: Apache-2.0
"""Tests of coverage: it counts what happens, names the source line it comes from, and shows what never happens."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from symtrack.cosim.coverage import measure as coverage
from symtrack.cosim.coverage.measure import CLIPS, KINDS, Bins, Coverage, Point, cover, expected_bins, points
from symtrack.cosim.coverage.page import page
from symtrack.cosim.coverage.waivers import WAIVERS, not_waived, waived
from symtrack.cosim.engine.lockstep import MismatchError
from symtrack.cosim.mutation.netlist import CONFIG as COMPLETE
from symtrack.cosim.stimulus.random import random_program
from symtrack.cosim.tools.verilog_texts import tile_verilog
from symtrack.hdl.output.verilog import tile_ports
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.settings import Op
from symtrack.model.tile.tile import TileModel
from symtrack.scripts import cover as script
from tests.cosim.helpers.bent import with_other_polynomial
from tests.paths import ROOT

CONFIG = TileConfig(
    rows=3, columns=2, lanes=2, adc_bits=3, reference_fraction_bits=2, hidden_bits=8, threshold_shift=4, gain_bits=3
).replace(magnitude_bits=3, bl_max=3, pulses_max=3, chopper_period=2, row_chopper=1, programmer=1, counter_bits=8)

TEXT = """\
module top(clk);
  (* src = "hdl/tile/tile.py:7" *)
  always @(posedge clk)
    a <= b;
  always @* begin
    if (\\$auto$verilog_backend.cc:2355:dump_module$26 ) begin end
endmodule
(* src = "hdl/tile/low_pass.py:3|hdl/tile/symmetric_point.py:9" *)
module \\top.transfer (clk);
  assign c = d;
endmodule
"""


def entry(line: int, page: str, comment: str, count: int) -> str:
    fields = {"f": "tile.v", "l": str(line), "n": "3", "page": page, "o": comment, "h": "TOP"}
    return "C '" + "".join(f"\x01{name}\x02{value}" for name, value in fields.items()) + f"' {count}"


def test_points_have_their_block_and_source() -> None:
    data = "\n".join(
        [
            "# SystemC::Coverage-3",
            entry(4, "v_line/top", "block", 5),
            entry(10, "v_toggle/top.transfer", "c[0]:0->1", 0),
            entry(6, "v_branch/top", "if", 0),  # which no tool can reach
            entry(10, "v_toggle/top.transfer", "__02417[3]:1->0", 0),  # a wire without a name
            entry(2, "v_line/native", "block", 1),  # around the tile
        ]
    )
    assert list(points(data, TEXT, "top")) == [
        Point("line", "tile", "hdl/tile/tile.py:7", "block", 5),
        Point("toggle", "transfer", "", "c[0]:0->1", 0),
    ]


def play(program: Any) -> Iterator[tuple[dict[str, int], dict[str, int]]]:
    tile, inputs = TileModel(CONFIG), next(program)
    while True:
        outputs = tile.step(inputs)
        yield inputs, outputs
        try:
            inputs = program.send(outputs)
        except StopIteration:
            return


def never(cycles: int, seed: int) -> set[str]:
    """Bins that a random run does not reach, played on the golden tile, which needs no build."""
    widths = {port.name: port.width for port in tile_ports(CONFIG) if not port.output}
    bench: Any = SimpleNamespace(config=CONFIG, widths=widths, progress=lambda done: None)
    bins = Bins(CONFIG)
    for inputs, outputs in play(random_program(bench, cycles, Random(seed))):
        bins.see(inputs, outputs)
    assert list(bins.counts) == expected_bins(CONFIG), "no bin is counted that is not expected"
    return {name for name, count in bins.counts.items() if not count}


@pytest.mark.slow
def test_random_runs_reach_every_bin() -> None:
    """Three that are together long enough; one that is cut short leaves bins out."""
    assert len(never(300, seed=1)) > 20
    assert not set.intersection(*(never(60_000, seed) for seed in (15, 16, 17)))


@pytest.mark.slow
def test_a_long_random_run_reaches_every_bin() -> None:
    assert never(400_000, seed=1) == set()


ALL_LINES = {"settings__used_rows": 0, "settings__used_columns": 0}


@pytest.mark.parametrize(
    ("rows", "columns", "next_column", "kinds"),
    [
        (0, 0, 4, ["all rows", "all columns"]),
        (2, 4, 4, ["whole beats of rows", "fewer columns", "not the next column"]),
        (3, 5, 4, ["all rows", "all columns"]),
        (1, 2, 1, ["rows that end within a beat", "fewer columns"]),
    ],
)
def test_lines_in_use_are_those_of_the_command(rows: int, columns: int, next_column: int, kinds: list[str]) -> None:
    bins = Bins(TileConfig(rows=3, columns=5, lanes=2))
    sizes = {"settings__used_rows": rows, "settings__used_columns": columns}
    idle = {f"status__{name}": 0 for name in ("chopper", "row_chopper", "unprogrammed", *CLIPS)}
    bins.see(
        {"rst": 0, "command__valid": 1, "command__op": int(Op.CALIBRATE), **sizes},
        {**idle, "command__ready": 1, "read__column": next_column},
    )
    assert [name for name, count in bins.counts.items() if count] == [
        f"lines in use: {kind}, calibrate" for kind in kinds
    ]


def test_a_wait_ends_with_a_reset() -> None:
    """A slot that has waited is not offered again after it, so the next one may be taken at once."""
    outputs = {f"status__{name}": 0 for name in ("chopper", "row_chopper", "unprogrammed", *CLIPS)}
    offered = {**outputs, "pulses__valid": 1, "pulses__quadrant": 2, "pulses__slow": 0}
    idle = {"rst": 0, "command__valid": 0, "pulses__ready": 0}
    update = {**idle, "command__valid": 1, "command__op": int(Op.UPDATE), **ALL_LINES}
    bins = Bins(CONFIG)
    bins.see(update, {**outputs, "command__ready": 1, "read__column": 0})
    bins.see(idle, offered)
    bins.see({**idle, "rst": 1, "pulses__ready": 1}, offered)
    assert bins.counts["waits: pulses"] == 1
    assert bins.counts["slot: quadrant 2, fast, after a wait"] == 0
    bins.see(update, {**outputs, "command__ready": 1, "read__column": 0})
    bins.see({**idle, "pulses__ready": 1}, offered)
    assert bins.counts["slot: quadrant 2, fast, at once"] == 1


def test_slots_for_the_slow_array_are_not_chopped() -> None:
    slot = {f"status__{name}": 0 for name in ("row_chopper", "unprogrammed", *CLIPS)} | {"status__chopper": 1}
    slot |= {"pulses__valid": 1, "pulses__quadrant": 3}
    taken = {"rst": 0, "command__valid": 0, "pulses__ready": 1}
    bins = Bins(CONFIG)
    bins.see(
        {**taken, "command__valid": 1, "command__op": int(Op.UPDATE), **ALL_LINES},
        {**slot, "pulses__valid": 0, "command__ready": 1, "read__column": 0},
    )
    bins.see(taken, {**slot, "pulses__slow": 0})
    bins.see(taken, {**slot, "pulses__slow": 1})
    assert [name for name, count in bins.counts.items() if count] == [
        "slot: quadrant 3, fast with flipped columns, at once",
        "slot: quadrant 3, slow, at once",
        "lines in use: all rows, update",
        "lines in use: all columns, update",
    ]


@pytest.mark.slow
def test_rtl_is_covered() -> None:
    found = cover(CONFIG, 3000, 1)
    for kind in KINDS:
        reached, every = found.share(kind)
        assert 0.7 * every < reached <= every, kind
    assert found.share("line") == (found.share("line")[1],) * 2, "every block of registers moves"
    blocks = {point.block for point in found.points}
    assert {"tile", "sequencer", "transfer.hidden_buffer.threshold_0", "update.columns.source_0"} <= blocks
    sources = {point.source.partition(":")[0] for point in found.points if point.source}
    assert {"hdl/tile/sequencer.py", "hdl/tile/transfer.py", "hdl/tile/random_source.py"} <= sources
    assert sum(found.bins.values()) > 1000


def test_waivers_are_in_the_plan() -> None:
    plan = (ROOT / "docs/verification.md").read_text(encoding="utf-8")
    for waiver in WAIVERS:
        assert re.search(rf"^\| {re.escape(waiver.what)} \| [^|]+ \| {re.escape(waiver.reason)} \|$", plan, re.M), (
            waiver
        )
    missed = Point("toggle", "transfer", "", "memory_error:0->1", 0)
    assert not_waived([missed, replace(missed, name="taken[0]:0->1", count=1)]) == []
    hole = replace(missed, name="taken[0]:0->1")
    assert not_waived([missed, hole]) == [hole]


def test_bins_are_in_the_plan() -> None:
    section = (ROOT / "docs/verification.md").read_text(encoding="utf-8").partition("## Functional bins")[2]
    told = dict(re.findall(r"^\| ([^|]+) \| (\d+) \|", section.partition("\n## ")[0], re.M))
    found = Counter(name.partition(":")[0] for name in expected_bins(COMPLETE))
    assert told == {name: str(count) for name, count in found.items()}


@pytest.mark.slow
def test_all_of_the_complete_tile_is_reached_but_what_is_waived() -> None:
    found = cover(COMPLETE, 300_000, 2)
    assert not_waived(found.points) == []
    assert [name for name, count in found.bins.items() if not count] == []
    assert Counter(waived(point) for point in found.points if not point.count) == {w: w.points for w in WAIVERS}


def test_script_and_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    some = (Point("line", "a", "hdl/a.py:1", "block", 3), Point("toggle", "b", "", "x[1]:0->1 <script>", 0))
    monkeypatch.setattr(script, "cover", lambda *_: Coverage(some, {"waits: read": 2, "flip: rows": 0}))
    assert script.main(["--config", "tiny", "--out", str(tmp_path / "new")]) == 0
    told = capsys.readouterr().out
    assert "never: flip: rows" in told
    assert "bins: 1 of 2 (50.0%)" in told
    html = (tmp_path / "new" / "coverage.html").read_text()
    assert "x[1]:0-&gt;1 &lt;script&gt;" in html
    assert "waits: 1 of 1" in html
    assert "flip: 0 of 1" in html
    data = json.loads((tmp_path / "new" / "coverage.json").read_text())
    assert data["totals"] == {"line": [1, 1], "branch": [0, 0], "toggle": [0, 1], "bins": [1, 2]}
    assert [point["name"] for point in data["missed"]] == ["x[1]:0->1 <script>"]
    assert "1 of 1 (100.0%)" in page(Coverage(some, {}), "what", "command")


@pytest.mark.slow
def test_a_difference_from_golden_ends_the_measurement(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(coverage, "tile_with_source", of_another_polynomial)
    with pytest.raises(MismatchError):
        cover(CONFIG, 6000, 1)


def of_another_polynomial(config: TileConfig) -> str:
    return tile_verilog(with_other_polynomial(config, 0))


def test_bad_input_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    for arguments, text in (
        (["--config", "none"], "config = 'none': must be"),
        (["--config", "tiny", "--out", str(tmp_path / "file")], "argument --out"),
    ):
        with pytest.raises(SystemExit) as stopped:
            script.main(arguments)
        assert stopped.value.code == 2
        assert text in capsys.readouterr().err
