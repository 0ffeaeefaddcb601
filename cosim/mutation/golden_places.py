# SPDX-License-Identifier: Apache-2.0
"""Mutants of the golden model: finds and samples the single-place changes that Cosmic Ray can make in its code.

A mutant has one operator, number, keyword or decorator replaced or removed in one file, or a loop that never runs. It
is left out where what it changes is not executed, or is told to people only; `LEFT_OUT` says what that is.
"""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import Any

FOLDERS = {
    # Formats and the numbers that everything draws; the periphery at both of its speeds and its waveform.
    "model/spec": "fixed polynomials validated",
    "model/arithmetic": "noise quantile",
    "model/tile": """
        chopper counters demodulator hidden_buffer interface low_pass operations packing programmer pulse_train
        quadrants random_bank random_source reads reference_latch residual_memory seed_loader sequencer threshold tile
        trains transfer update waveform zero_shift
    """,
    # What moves weights, and the families; not what fits, draws or describes devices.
    "model/devices": """
        array block cells constant_step disturb exponential_step kernels linear_step measured power_step presets pulsed
        records responses soft_bounds soft_bounds_reference trains
    """,
    "model/analysis": "coincidence",
}
FILES = tuple(f"{folder}/{name}.py" for folder, names in FOLDERS.items() for name in names.split())
LEFT_OUT = {
    "decorator": "of the compiler or of a cache of results: the same with and without",
    "annotation": "never evaluated",
    "signature": "marks in a list of parameters",
    "message": "the words of an error",
}
LEAST = 10  # mutants of a file, if it has as many


@dataclass(frozen=True)
class GoldenMutant:
    """The ``occurrence``-th place in a file at which Cosmic Ray's ``operator`` has something to replace."""

    file: str
    operator: str
    occurrence: int


@dataclass(frozen=True)
class Place:
    """A mutant, the line and column of its change, and, where it is left out, why: a key of `LEFT_OUT`."""

    mutant: GoldenMutant
    start: tuple[int, int]
    left_out: str | None


def places(root: Path, file: str) -> list[Place]:
    """Every mutant of a file, in the order of operators and then of the text."""
    from cosmic_ray.ast import ast_nodes, get_ast

    nodes = list(ast_nodes(get_ast((root / file).read_text(encoding="utf-8"))))
    found = []
    for name, operator in _operators():
        at = ((node, start) for node in nodes for start, _ in operator.mutation_positions(node))
        for occurrence, (node, start) in enumerate(at):
            found.append(Place(GoldenMutant(file, name, occurrence), start, _left_out(node)))
    return found


def _operators() -> Iterator[tuple[str, Any]]:
    """Names and instances of Cosmic Ray's operators that need no argument."""
    from cosmic_ray.plugins import get_operator, operator_names

    for name in operator_names():
        operator = get_operator(name)
        if not operator.arguments():
            yield name, operator()


def _left_out(node: Any) -> str | None:
    """The key of `LEFT_OUT` that applies to a node of the syntax tree, None if no key does."""
    while (parent := node.parent) is not None:
        if node.type == "decorator" and node.children[1].get_code().startswith(("njit", "cache")):
            return "decorator"
        if node.type == "raise_stmt":
            return "message"
        if parent.type == "parameters" and node.type == "operator":
            return "signature"
        if parent.type in ("tfpdef", "annassign") and node is parent.children[-1 if parent.type == "tfpdef" else 1]:
            return "annotation"
        if parent.type == "funcdef" and node is parent.annotation:
            return "annotation"
        node = parent
    return None


def sample(root: Path, count: int, seed: int, files: tuple[str, ...] = FILES) -> list[GoldenMutant]:
    """Draws ``count`` mutants from those that are not left out, fewer if there are no more.

    The first `LEAST` of every file come first; after that, files share in proportion to their number of places. No
    place of a file gets a second mutant before every other place of it has one. A larger sample of the same seed begins
    with the smaller one.
    """
    choice = random.Random(seed)
    keyed = []
    for file in files:
        by_place: dict[tuple[int, int], list[GoldenMutant]] = {}
        for place in places(root, file):
            if place.left_out is None:
                by_place.setdefault(place.start, []).append(place.mutant)
        groups = list(by_place.values())
        choice.shuffle(groups)
        shift = choice.random()
        for group in groups:
            choice.shuffle(group)
        turns = sorted((turn, index) for index, group in enumerate(groups) for turn in range(len(group)))
        for number, (turn, index) in enumerate(turns):
            share = (0, number + shift) if number < LEAST else (1 + turn, (index + shift) / len(groups))
            keyed.append((share, groups[index][turn]))
    keyed.sort(key=lambda pair: pair[0])
    return [mutant for _, mutant in keyed[:count]]


def mutated(source: str, mutant: GoldenMutant) -> str:
    """The text of the file with the mutant's change.

    Raises
    ------
    ValueError
        The file has no such place.
    """
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    text = mutate_code(source, get_operator(mutant.operator)(), mutant.occurrence)
    if text is None:
        raise ValueError(f"{mutant.file}: has no place {mutant.occurrence} for {mutant.operator}")
    return str(text)


def scope(source: str, line: int) -> str:
    """Names of the classes and functions that the line is in, joined by dots; decorators are in what they decorate."""
    names: list[str] = []
    inside = ast.parse(source).body
    while inside:
        node = inside.pop()
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = min(part.lineno for part in (node, *node.decorator_list))
            if first <= line <= (node.end_lineno or first):
                names.append(node.name)
                inside = list(node.body)
    return ".".join(names)


def change(before: str, after: str) -> tuple[int, str, str]:
    """The number of the first line that differs, and the changed lines before and after; empty if nothing differs."""
    gone, come, line = [], [], 0
    for row in unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0):
        if row.startswith("@@"):
            line = line or int(row.split()[1].partition(",")[0].lstrip("-"))
        elif row.startswith("-") and not row.startswith("---"):
            gone.append(row[1:].strip())
        elif row.startswith("+") and not row.startswith("+++"):
            come.append(row[1:].strip())
    return line, " ".join(gone), " ".join(come)
