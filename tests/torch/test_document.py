# SPDX-License-Identifier: Apache-2.0
"""Tests of docs/torch.md: its programs run, one after the other as they stand."""

from __future__ import annotations

import re
from typing import Any

import pytest

import symtrack.torch
from tests.paths import ROOT

PAGE = (ROOT / "docs" / "torch.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_programs_of_the_document_run() -> None:
    names: dict[str, Any] = {}
    for code in re.findall(r"```python\n(.*?)```", PAGE, re.S):
        exec(code, names)
    assert type(names["analog"][5]).__name__ == "Linear"
    assert names["layer"].get_extra_state()["seed"] == 3


def test_the_document_has_every_name() -> None:
    for name in symtrack.torch.__all__:
        assert f"`{name}`" in PAGE or name == "AnalogLayer", name
