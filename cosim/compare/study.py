# SPDX-License-Identifier: Apache-2.0
"""Runs the cases of a study that have RTL in the loop, see `model.study.case.RTL`."""

from __future__ import annotations

from symtrack.cosim.compare.training import compare
from symtrack.model.study.case import Case
from symtrack.model.study.store import Result

FIGURES = ("cycles", "compared_cycles", "mismatches", "agree")


def in_loop(case: Case) -> Result:
    """Train on the golden model and with RTL, native engine, every cycle compared.

    Returns plain data for JSON: ``metrics`` of the golden run, and of the other, which must be equal, ``rtl`` with
    cycles, compared cycles, mismatches and whether all agrees; and ``seconds``.
    """
    report = compare(case.run, engine="native", steps=case.steps or 0)
    rtl = {name: report[name] for name in FIGURES}
    return {"metrics": report["golden"], "curve": [], "rtl": rtl, "seconds": round(report["wall_s"], 3)}
