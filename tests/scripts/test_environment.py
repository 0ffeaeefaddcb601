# SPDX-License-Identifier: Apache-2.0
"""Tests of the lines that ``symtrack environment`` prints; that FuseSoC lints with them, test_fusesoc.py shows."""

from __future__ import annotations

import os
import subprocess

import pytest

from symtrack.cosim.tools.toolchain import ToolError, Verilator
from symtrack.scripts import environment


def printed(tool: Verilator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    monkeypatch.setattr(environment, "find_verilator", lambda: tool)
    assert environment.main([]) == 0
    return capsys.readouterr().out


def test_a_shell_takes_over_what_is_different(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also values with characters that a shell would take apart."""
    changed = {"PATH": f"/a folder/bin{os.pathsep}{os.environ['PATH']}", "VERILATOR_ROOT": "$HOME 'x'; false"}
    text = printed(Verilator("/a folder/bin/verilator", "Verilator", os.environ | changed), monkeypatch, capsys)
    done = subprocess.run(["sh", "-ec", f"{text}env -0"], capture_output=True, text=True, check=True)
    after = dict(entry.split("=", 1) for entry in done.stdout.split("\0") if entry)
    assert {name: after[name] for name in changed} == changed
    assert len(text.splitlines()) == 1 + len(changed)


def test_where_the_system_has_one_nothing_is_set(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = printed(Verilator("/usr/bin/verilator", "Verilator 5.48", dict(os.environ)), monkeypatch, capsys)
    assert text == "# Verilator 5.48: /usr/bin/verilator\n"


def test_what_is_missing_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def missing() -> Verilator:
        raise ToolError("perl is missing: install it")

    monkeypatch.setattr(environment, "find_verilator", missing)
    assert environment.main([]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.endswith(": perl is missing: install it\n")
