# SPDX-License-Identifier: Apache-2.0
"""The command ``symtrack``: every script of this folder as a subcommand. Only the one that is called is imported.

symtrack train --epochs 1     is     python scripts/train.py --epochs 1
"""

from __future__ import annotations

import ast
import shutil
import sys
import textwrap
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import metadata, version
from pathlib import Path
from typing import NoReturn

from symtrack.model.cache import checkout
from symtrack.scripts.exit_codes import BAD_INPUT, run

NAME = "symtrack"
GROUPS = {
    "design": ("generate-verilog", "synthesize", "energy", "explore"),
    "train": ("train", "calibrate", "characterize-device", "fit-device", "results", "fetch-data"),
    "verify": ("run-cosim", "compare-metrics", "verify", "prove", "cover", "mutate", "mutate-golden"),
    "measure": ("pulse-statistics", "benchmark"),
    "everything in one run, and housekeeping": ("demo", "write-docs", "cache", "environment"),
}
COMMANDS = tuple(name for names in GROUPS.values() for name in names)
OF_CHECKOUT = {
    "prove": "the project's own hardware",
    "verify": "the project's own hardware and model",
    "mutate-golden": "the project's own model and tests",
    "write-docs": "the project's own documents",
}
"""Commands for work on symtrack itself, and what that is: an installed package does not have it, or not to change."""
TEXT_WIDTH = 40  # of the texts in the overview at least, on a narrow terminal, too


def module_of(command: str) -> str:
    """Name of the script's module in this folder."""
    return command.replace("-", "_")


def summary(command: str) -> str:
    """The first line of the script's docstring, read without importing it."""
    file = Path(__file__).with_name(f"{module_of(command)}.py")
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return text.partition("\n")[0]


def overview(width: int) -> str:
    """What ``--help`` prints, in lines of at most ``width`` characters, or wider if texts would have no room there."""
    wide = max(map(len, COMMANDS)) + 4
    width = max(width, wide + TEXT_WIDTH)
    title = f"{NAME}: {metadata(NAME)['Summary']}"
    lines = [f"usage: {NAME} [--help | --version] COMMAND ...", "", *textwrap.wrap(title, width)]
    for group, names in GROUPS.items():
        lines += ["", f"{group}:"]
        for name in names:
            text = summary(name) + (" Needs a checkout." if name in OF_CHECKOUT else "")
            lines += textwrap.wrap(
                text,
                width,
                initial_indent=f"  {name}".ljust(wide),
                subsequent_indent=" " * wide,
                break_on_hyphens=False,
            )
    return "\n".join([*lines, "", f"{NAME} COMMAND --help explains the options of a command."])


def refuse(message: str) -> NoReturn:
    """End with one line and the exit code of bad input."""
    print(message, file=sys.stderr)
    sys.exit(BAD_INPUT)


def entry(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    sys.argv = [NAME, *words]
    run(lambda: main(words))


def main(words: Sequence[str]) -> int:
    """Run a command, or print the overview or the version; the exit code."""
    if not words:
        refuse(f"{NAME}: a command must be given, one of {', '.join(COMMANDS)}; {NAME} --help explains them")
    command, *rest = words
    if command in ("-h", "--help"):
        print(overview(shutil.get_terminal_size().columns))
        return 0
    if command == "--version":
        print(f"{NAME} {version('symtrack')}")
        return 0
    if command not in COMMANDS:
        refuse(f"{NAME}: {command!r}: must be one of {', '.join(COMMANDS)}")
    if command in OF_CHECKOUT and checkout() is None:
        refuse(f"{NAME} {command}: works on {OF_CHECKOUT[command]} and needs a checkout of symtrack, not a package")
    sys.argv = [f"{NAME} {command}", *rest]  # messages of the script begin with its name
    code: int = import_module(f"symtrack.scripts.{module_of(command)}").main(rest)
    return code
