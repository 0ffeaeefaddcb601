# SPDX-License-Identifier: Apache-2.0
"""The reference of the Python interface describes all of it."""

from __future__ import annotations

import re

import symtrack
from symtrack import devices, hardware, learning
from symtrack.scripts.documents.interface import CHAPTERS, interface_markdown


def test_every_name_has_its_place() -> None:
    names = [name for chapter in CHAPTERS.values() for name in chapter]
    assert sorted([*names, "__version__"]) == sorted(symtrack.__all__)


def test_what_functions_take_and_return_is_described() -> None:
    text = interface_markdown()
    headings = re.findall(r"^### (.*)$", text, re.MULTILINE)
    assert len(set(headings)) == len(headings)
    for module, results in (
        (hardware, ("Verilog", "CosimResult")),
        (learning, ("Comparison",)),
        (devices, ("DeviceFit",)),
    ):
        assert {f"{module.__name__}.{name}" for name in results} <= set(headings)
    for words in ("`tracked_words, latched_words` (int64[R, C]): Q", "scenario: str = 'random',"):
        assert words in text
    assert "| `seed` | 1 | 0 to 4294967295 |" in text
    assert "<function" not in text
    assert "<factory>" not in text
