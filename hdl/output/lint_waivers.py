# SPDX-License-Identifier: Apache-2.0
"""Lint waivers of generated Verilog: what linters find that is of its form, each with its reason."""

from __future__ import annotations

from collections.abc import Sequence

VERILATOR_WAIVED = {
    "WIDTHEXPAND": "operators on operands of unequal width, which Verilog extends as intended",
    "PROCASSINIT": "registers that have an initial value and a reset",
    "UNUSEDSIGNAL": "in a module a signal has the names that it has around it, too, and unused ones are left there",
    "DECLFILENAME": "one file holds all modules",
}
VERILATOR_DEFAULT = ("WIDTHEXPAND", "PROCASSINIT")  # those that it tells without -Wall
SLANG_WAIVED = {
    "sign-conversion": "results of signed operators go to nets, which are all unsigned",
    "arith-op-mismatch": "operators on operands of unequal width, which Verilog extends as intended",
}
VERIBLE_WAIVED = {
    "always-comb": "Verilog-2005 has always @* and no always_comb",
    "explicit-parameter-storage-type": "Verilog-2005 has no types of parameters but by their ranges",
    "line-length": "no line is broken",
    "unpacked-dimensions-range-ordering": "words of memories are counted downwards, as bits of vectors are",
}


def verible_rules(waived: Sequence[str] = tuple(VERIBLE_WAIVED)) -> str:
    """A file of rules for Verible's lint, which has nothing to say of the text then."""
    return "".join(f"# {VERIBLE_WAIVED[rule]}\n-{rule}\n" for rule in waived)


def verilator_waivers(files: Sequence[str]) -> str:
    """A file for Verilator's command line, with which ``-Wall`` has no warnings of these files."""
    lines = ["`verilator_config"]
    for rule, reason in VERILATOR_WAIVED.items():
        lines += [f"// {reason}", *(f'lint_off -rule {rule} -file "*{file}"' for file in files)]
    return "\n".join(lines) + "\n"
