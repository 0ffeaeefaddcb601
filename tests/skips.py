# SPDX-License-Identifier: Apache-2.0
"""Skips that are allowed where none is to go unnoticed: ``tests/allowed_skips.txt``."""

from __future__ import annotations

from pathlib import Path

ALLOWED_SKIPS = Path(__file__).with_name("allowed_skips.txt")


def allowed_skips(text: str) -> list[tuple[str, str]]:
    """File or test and reason of every line but empty ones and comments."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(test, reason) for test, _, reason in (line.partition(" ") for line in lines)]


def is_allowed(test: str, reason: str, allowed: list[tuple[str, str]]) -> bool:
    """Is the skip of a test for this reason named, by its own name, that of all its cases, or that of its file?"""
    names = {test, test.partition("[")[0], test.partition("::")[0]}
    return any(name in names and reason == f"Skipped: {told}" for name, told in allowed)
