# SPDX-License-Identifier: Apache-2.0
"""Compiled kernels are found again until a file that they are made of changes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numba
import pytest

from symtrack.cosim.tools.package_links import package_links
from symtrack.model import compiled
from symtrack.model.source_files import sources
from tests.paths import ROOT

LOW_PASS = ROOT / "model/tile/low_pass.py"
CODE = """\
from numpy import array
from symtrack.model.tile.low_pass import filter_step
filter_step(*array([[9], [1]]), 1)
print(sum(filter_step.stats.cache_hits.values()), sum(filter_step.stats.cache_misses.values()))
"""


def test_kernels_of_other_files_are_among_the_sources() -> None:
    names = {path.relative_to(ROOT).as_posix() for path in sources(LOW_PASS)}
    assert {"model/tile/low_pass.py", "model/spec/fixed.py", "model/compiled.py"} <= names
    assert "model/arithmetic/activations.py" not in names


@pytest.mark.slow
def test_a_kernel_is_compiled_again_if_a_file_that_it_is_made_of_changes(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "model", tmp_path / "model", ignore=shutil.ignore_patterns("__pycache__"))
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    environment |= {"PYTHONPATH": str(package_links(tmp_path)), "SYMTRACK_CACHE": str(tmp_path / "cache")}

    def hits_and_misses() -> tuple[int, ...]:
        command = [sys.executable, "-c", CODE]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return tuple(map(int, done.stdout.split()))

    def edit(name: str) -> None:
        with (tmp_path / name).open("a") as file:
            file.write("# an edit\n")

    assert hits_and_misses() == (0, 1)
    edit("model/arithmetic/activations.py")
    assert hits_and_misses() == (1, 0)
    edit("model/spec/fixed.py")
    assert hits_and_misses() == (0, 1)


@pytest.mark.parametrize(
    ("features", "name", "chosen", "expected"),
    [
        ("+avx2,+avx512f", None, None, "+avx2,+avx512f,-prefer-256-bit"),
        ("+avx2,-avx512f", None, None, None),
        ("", None, None, None),
        ("+avx2,+avx512f", "skylake-avx512", None, None),
        ("+avx2,+avx512f", None, "+avx2", "+avx2"),
    ],
)
def test_kernels_fill_vector_registers_of_512_bits_unless_the_user_decides(
    monkeypatch: pytest.MonkeyPatch, features: str, name: str | None, chosen: str | None, expected: str | None
) -> None:
    monkeypatch.setattr(compiled, "get_host_cpu_features", lambda: features)
    monkeypatch.setattr(numba.config, "CPU_NAME", name)
    monkeypatch.setattr(numba.config, "CPU_FEATURES", chosen)
    compiled.fill_vectors()
    assert expected == numba.config.CPU_FEATURES


def test_features_are_asked_for_as_numba_itself_does() -> None:
    code = "import numba, symtrack.model.compiled; from numba.core.registry import cpu_target as target\n"
    code += "print(target.target_context.codegen().magic_tuple()[2])"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    features = done.stdout.strip().split(",")
    assert ("-prefer-256-bit" in features) == ("+avx512f" in features)
