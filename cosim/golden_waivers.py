"""Mutants of the golden model that survive and may: they do the same, or nothing that anybody relies on."""

from __future__ import annotations

from typing import NamedTuple


class Waiver(NamedTuple):
    """A change of one line, as the report shows it, and why no test need find it."""

    file: str
    before: str
    after: str
    reason: str


WAIVERS: tuple[Waiver, ...] = ()
