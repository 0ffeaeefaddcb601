# SPDX-License-Identifier: Apache-2.0
"""Measures how the logic of a tile grows with its rows, columns and lanes, in technology-independent gates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from symtrack.cosim.synthesis.fpga import DEVICE_NAME, TARGET_MHZ, TIMING_WEIGHT
from symtrack.cosim.synthesis.report import WHOLE, costs
from symtrack.model.files import markdown, picture
from symtrack.model.markdown import wrapped
from symtrack.model.spec.config import NAMED, TileConfig

BASE = TileConfig(rows=16, columns=16, lanes=4, programmer=1)
SQUARE = TileConfig(rows=32, columns=32, lanes=4, programmer=1)
SIZES = (8, 16, 32, 64, 128)
SERIES: dict[str, list[TileConfig]] = {
    "rows": [BASE.replace(rows=size) for size in SIZES],
    "columns": [BASE.replace(columns=size) for size in SIZES],
    "lanes": [SQUARE.replace(lanes=lanes) for lanes in (1, 2, 4, 8, 16)],
    "rows and columns": [BASE.replace(rows=size, columns=size) for size in SIZES],
}
PLACED = {"small": NAMED["small"], "32x32": SQUARE, "64x64": TileConfig(rows=64, columns=64, lanes=8, programmer=1)}
PLACEMENTS = {"small": (1, 2, 3), "32x32": (1, 2, 3), "64x64": (1,)}  # seeds; the largest one takes long
CONTROLLERS = {"32x32 and its controller": ("32x32", (1, 2))}  # a tile of `PLACED`, and seeds
PARTS = ("update", "transfer", "chopper", "counters", "sequencer")
FIGURE = "figures/synthesis.png"
DOCUMENT = "synthesis.md"

ABOUT_BLOCKS = """\
Lanes and sources are alike, so `threshold` stands for `threshold_0`, `threshold_1` and so on, and a block's figures
have all blocks inside it."""
ABOUT_HARNESS = """\
The tile is placed inside a harness of shift registers, because it has more ports than a package has pins: each input
comes from a register and each output goes into one, so paths over pins are no part of the frequency. The harness itself
is not counted."""
ABOUT_MEMORIES = """\
Words of a block memory go through a register, a stage of the pipeline. An ECP5 has one inside the memory, which answers
in 1.0 ns where the memory alone takes 5.8. Yosys does not use it, so `cosim/synthesis/block_memory.py` moves the
register in, on the netlist; a flow that does neither has a lower frequency."""
PROTECTED = "32x32"  # the tile of `PLACED` whose memories are measured with other codes
ABOUT_CODES = """\
The memories have a parity bit per word, which sees a flip and corrects none. SECDED corrects a flip and sees two: a
Hamming code with a parity of all, of each word or of all words of a beat, which are read and written together. Measured
is what `cosim/synthesis/protection.py` puts before and behind the memories of Q, Qref and H, each code placed by
itself between registers as above (first placement, mapped for speed); DP16KD are counted at their widest. The last
columns are the longest time between registers, of 6.7 ns at the target. Shares are of the tile as it is, with
parity."""
ABOUT_CHOICE = """\
So the tile has parity. It is looked at beside the data, which go on at once; a correction lies in their way, between
the memory and the subtraction of Q or the sum of H, and leaves no time for these: it needs a stage more, whose
registers are not counted here. Nor is SECDED cheap: per word it takes a quarter more memory, per beat it is slower than
the target. What a flip that is told costs is a calibration, see [integration.md](integration.md)."""
ABOUT_EACH = """\
Every block mapped by itself, with a frequency where it was placed by itself, too (first placement)."""
ABOUT_PATHS = """\
The longest path by blocks, with the time in each in nanoseconds. A cell is named by the net that it drives, which may
be that of the next block."""
ABOUT_GATES = """\
In gates of no technology: NAND gates of two inputs of four transistors, without flip-flops and memories, whose enables
and resets are gates. Memories hold a word of Q, of Qref and of H per cell, each with a parity bit, and where lanes do
not divide the rows also for rows that are not there."""


def points() -> Iterator[tuple[str, TileConfig]]:
    """The configurations of every series of measurements, by series."""
    for name, configs in SERIES.items():
        for config in configs:
            yield name, config


def measure(config: TileConfig) -> dict[str, Any]:
    """The measurements of one configuration, a line of the tables."""
    blocks = costs(config, "generic")
    whole = blocks[WHOLE]
    weights = config.rows * config.columns
    return {
        "rows": config.rows,
        "columns": config.columns,
        "lanes": config.lanes,
        "parts": {name: blocks[name].gates for name in PARTS},
        "gates": whole.gates,
        "flip_flops": whole.flip_flops,
        "memory_bits": whole.memory_bits,
        "words_per_weight": whole.memory_bits / word_bits(config) / weights,
        "bits_per_weight": whole.memory_bits / weights,
        "gates_per_weight": whole.gates / weights,
    }


def word_bits(config: TileConfig) -> float:
    """Mean width of a word of Q, Qref and H with its parity bit, if it has one."""
    return (config.reference_format.width + config.latched_bits + config.hidden_bits) / 3 + config.parity


def plot(lines: dict[str, list[dict[str, Any]]]) -> bytes:
    """A picture (PNG) of the gates of every part over each axis."""
    from matplotlib.figure import Figure  # a second to import, and only pictures need it

    figure = Figure(figsize=(13, 3.6), layout="constrained")
    for axes, (name, entries) in zip(figure.subplots(1, len(lines), sharey=True), lines.items(), strict=True):
        sizes = [entry[name.split()[0]] for entry in entries]
        for part in PARTS:
            axes.loglog(sizes, [entry["parts"][part] for entry in entries], marker=".", label=part)
        axes.loglog(sizes, [entry["gates"] for entry in entries], marker=".", color="black", label="tile")
        axes.loglog(sizes, [entry["flip_flops"] for entry in entries], ls=":", color="black", label="flip-flops")
        axes.set(xlabel=name, xticks=sizes, xticklabels=sizes)
        axes.minorticks_off()
        axes.grid(alpha=0.3)
    figure.axes[0].set_ylabel("NAND gates of two inputs")
    figure.axes[0].legend(fontsize=7)
    return picture(figure, dpi=120)


def growth_table(entries: Sequence[dict[str, Any]]) -> str:
    """A table of measured sizes in gates, one line per configuration."""
    head = [
        "rows × columns, lanes",
        *PARTS,
        "gates",
        "flip-flops",
        "memory bits",
        "words/weight",
        "bits/weight",
        "gates/weight",
    ]
    rows = [
        [
            f"{entry['rows']} × {entry['columns']}, {entry['lanes']}",
            *(f"{entry['parts'][name]:,.0f}" for name in PARTS),
            f"{entry['gates']:,.0f}",
            f"{entry['flip_flops']:,}",
            f"{entry['memory_bits']:,}",
            f"{entry['words_per_weight']:.2f}",
            f"{entry['bits_per_weight']:.1f}",
            f"{entry['gates_per_weight']:.1f}",
        ]
        for entry in entries
    ]
    return markdown(head, rows)


def placed_table(reports: dict[str, dict[str, Any]]) -> str:
    """A table of tiles on the ECP5, one line per configuration."""
    head = [
        "tile",
        "LUTs",
        "flip-flops",
        "memory bits",
        "DP16KD",
        "MULT18X18D",
        "MHz, placement by placement",
        "of the target",
    ]
    rows = [
        [
            name,
            *(f"{report[key]:,}" for key in ("luts", "flip_flops", "memory_bits", "block_rams", "multipliers")),
            ", ".join(f"{fmax:.1f}" for fmax in report["placements"]),
            _span([fmax / TARGET_MHZ for fmax in report["placements"]]),
        ]
        for name, report in reports.items()
    ]
    return markdown(head, rows)


def _span(shares: Sequence[float]) -> str:
    least, most = (f"{share:.0%}" for share in (min(shares), max(shares)))
    return least if least == most else f"{least} to {most}"


def block_table(report: dict[str, Any]) -> str:
    """A table of blocks, one line each."""
    head = ["block", "LUTs", "flip-flops", "memory bits", "DP16KD", "MULT18X18D", "gates", "MHz"]
    keys = ("luts", "flip_flops", "memory_bits", "block_rams", "multipliers", "gates", "fmax_mhz")
    rows = [
        [f"`{name}`", *(f"{entry[key]:,.0f}" if entry[key] is not None else "–" for key in keys)]
        for name, entry in report["blocks"].items()
    ]
    return markdown(head, rows)


def slot_text(report: dict[str, Any]) -> str:
    """A paragraph on what it costs that all lines fire in one cycle."""
    blocks, lines = report["blocks"], report["rows"] + report["columns"]
    parts = [blocks[f"update.{name}"] for name in ("rows", "columns", "row_trains", "column_trains")]
    luts, flip_flops, gates = (sum(part[key] for part in parts) for key in ("luts", "flip_flops", "gates"))
    return (
        f"One slot per clock takes a random word and a comparison for each of the {lines} lines: "
        f"{luts:,} LUTs, {flip_flops:,} flip-flops and {gates:,.0f} gates, {luts / lines:.0f} LUTs and "
        f"{gates / lines:.0f} gates a line, {gates / report['gates']:.0%} of the gates of the tile."
    )


def path_text(report: dict[str, Any]) -> str:
    """A paragraph on the longest path, with the blocks along it."""
    path = report["critical_path"]
    steps = " → ".join(f"`{block}` {ns:.1f}" for block, ns in path["blocks"])
    return f"from `{path['start']}` to `{path['end']}`, {1000 / report['fmax_mhz']:.1f} ns: {steps}"


def code_table(codes: dict[str, dict[str, Any]], tile: dict[str, Any]) -> str:
    """A table of the codes for the memories, one line each."""
    head = ["code", "memory bits", "DP16KD"]
    for name in ("gates", "LUTs"):
        head += [name, "of the tile's"]
    rows = [
        [
            name,
            *(f"{code[key]:,}" for key in ("memory_bits", "block_rams")),
            *(told for key in ("gates", "luts") for told in (f"{code[key]:,.0f}", f"{code[key] / tile[key]:.1%}")),
            *(f"{code[key]:.1f}" for key in ("encoder_ns", "decoder_ns")),
        ]
        for name, code in codes.items()
    ]
    return markdown([*head, "ns before a memory", "ns behind it"], rows)


def document(
    lines: dict[str, list[dict[str, Any]]],
    reports: dict[str, dict[str, Any]],
    controllers: dict[str, dict[str, Any]],
    codes: dict[str, dict[str, Any]],
    versions: str,
) -> str:
    """Text of docs/synthesis.md."""
    every = reports | controllers
    sections = [
        "# Synthesis",
        f"Written by `scripts/synthesize.py --growth docs` with {versions}; nobody edits it. {ABOUT_BLOCKS}",
        f"## On an FPGA: {DEVICE_NAME}",
        f"{ABOUT_HARNESS} nextpnr is asked for {TARGET_MHZ} MHz with a timing weight of {TIMING_WEIGHT}. Placements "
        "differ by their seeds only.",
        placed_table(every),
        ABOUT_MEMORIES,
        ABOUT_PATHS,
        "\n".join(f"* {name}: {path_text(report)}" for name, report in every.items()),
    ]
    for name, report in reports.items():
        sections += [f"### Blocks of {name}", ABOUT_EACH, block_table(report), slot_text(report)]
    sections += [
        f"## Codes of the memories of {PROTECTED}",
        ABOUT_CODES,
        code_table(codes, reports[PROTECTED]),
        ABOUT_CHOICE,
    ]
    sections += ["## Growth", ABOUT_GATES, f"![Gates over rows, columns and lanes]({FIGURE})"]
    for name, entries in lines.items():
        sections += [f"### Over {name}", growth_table(entries)]
    return wrapped("\n\n".join(sections) + "\n")
