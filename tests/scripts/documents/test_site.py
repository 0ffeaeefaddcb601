# SPDX-License-Identifier: Apache-2.0
"""Tests of the site: every page has an audience, README is one of them, programs are programs, notebooks run.

`make docs` builds it, and takes every warning for an error.
"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from symtrack.scripts.documents import site
from symtrack.scripts.documents.site import AUDIENCES, about, stage
from tests.paths import ROOT

PAGES = sorted((ROOT / "docs").glob("*.md"))
SIGNATURES = "api"  # its blocks are signatures beside examples, and both are made from the code
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))


def cells(notebook: Path) -> list[str]:
    """The programs of a notebook."""
    found = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in found if cell["cell_type"] == "code"]


def test_every_page_has_one_audience() -> None:
    listed = [page for pages in AUDIENCES.values() for page in pages]
    there = {path.stem for path in PAGES} | {f"notebooks/{path.stem}" for path in NOTEBOOKS} | {"about"}
    assert sorted(listed) == sorted(there - {"index"})


def test_the_readme_is_a_page_whose_links_stay_in_the_site(tmp_path: Path) -> None:
    stage(tmp_path / "sources", execute=False)
    page = (tmp_path / "sources" / "about.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#]+)", page)
    assert len(links) > 8
    for link in links:
        assert (tmp_path / "sources" / link).is_file(), link
    assert "LICENSE" in page
    assert "](about.md" in (tmp_path / "sources" / "index.md").read_text(encoding="utf-8")
    assert 'nb_execution_mode = "off"' in (tmp_path / "sources" / "conf.py").read_text(encoding="utf-8")
    assert about("[a](docs/tile.md#x) [b](LICENSE) ![c](docs/figures/demo.png)") == (
        "[a](tile.md#x) b ![c](figures/demo.png)"
    )


@pytest.mark.parametrize("page", [page for page in PAGES if page.stem != SIGNATURES], ids=lambda path: path.stem)
def test_python_in_pages_is_python(page: Path) -> None:
    for block in re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.S):
        ast.parse(block)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_kept_without_outputs(notebook: Path) -> None:
    found = json.loads(notebook.read_text(encoding="utf-8"))
    assert found["nbformat"] == 4
    assert found["cells"][0]["source"][0].startswith("# ")
    for cell in found["cells"]:
        assert not cell.get("outputs"), cell["id"]
        assert cell.get("execution_count") is None
    for source in cells(notebook):
        ast.parse(source)


CLAIMS = {  # what the text of each says of its results
    "01_first_steps": """
assert results["e-rider"].accuracy > 0.9 and results["tt-v2"].accuracy < 0.5
assert np.corrcoef(true.ravel(), tracked.ravel())[0, 1] > 0.5
""",
    "02_own_device": """
assert found.family == min(found.ranking, key=found.ranking.get) and found.rms_one_pulse < 0.01
assert calibration.rms[-1] <= calibration.rms[0] / 3
assert run.evaluate().accuracy > 0.85
""",
    "03_own_algorithm": """
assert digests[0] == digests[1]
assert comparison.agree and comparison.mismatches == 0 and comparison.compared_cycles > 1000
assert result.accuracy > 0.3  # of ten classes, after two epochs
try:
    other.load("own.npz")
except ValueError as error:
    assert "version" in str(error) and len(str(error).splitlines()) == 1
else:
    raise AssertionError("the other version was taken")
""",
    "04_from_model_to_verilog": """
assert comparison.agree and comparison.golden.state_sha256 == comparison.rtl.state_sha256
assert comparison.compared_cycles > 1000
assert not wrong.passed and wrong.first_mismatch is not None
assert {tile["module"] for tile in tiles.values()} and all(file.is_file() for file in files)
""",
}


def test_every_notebook_has_its_claims() -> None:
    assert sorted(CLAIMS) == [notebook.stem for notebook in NOTEBOOKS]


@pytest.mark.slow
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_run_from_top_to_bottom(notebook: Path, tmp_path: Path) -> None:
    program = tmp_path / "notebook.py"
    before, after = ["import matplotlib", 'matplotlib.use("agg")'], ["import numpy as np", CLAIMS[notebook.stem]]
    program.write_text("\n".join([*before, *cells(notebook), *after]), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(
        [sys.executable, program], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def built(out: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> int:
    """The command with a builder in place of Sphinx that leaves a page, and ends with this code."""

    def run(command: list[str], *, check: bool) -> subprocess.CompletedProcess[str]:
        sources, made = map(Path, command[-2:])
        assert (sources / "conf.py").is_file()
        assert (sources / "index.md").is_file()
        made.mkdir()
        (made / ".buildinfo").touch()
        (made / "index.html").write_text("new")
        return subprocess.CompletedProcess(command, code)

    monkeypatch.setattr(site, "find_spec", lambda name: name)
    monkeypatch.setattr(site.subprocess, "run", run)
    return site.main(["--quick", "--out", str(out)])


def test_only_a_whole_site_takes_the_place_of_an_earlier_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "site"
    assert built(out, monkeypatch, 0) == 0
    (out / "index.html").write_text("old")
    assert built(out, monkeypatch, 1) == 1
    assert (out / "index.html").read_text() == "old"
    assert built(out, monkeypatch, 0) == 0
    assert (out / "index.html").read_text() == "new"
    assert list(out.parent.iterdir()) == [out]
    assert capsys.readouterr().out.count("the site: ") == 2


def test_a_folder_that_is_no_site_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    assert built(tmp_path, monkeypatch, 0) == 2
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]
    assert built(tmp_path / "mine.txt", monkeypatch, 0) == 2
    errors = capsys.readouterr().err.splitlines()
    assert [error.startswith("argument --out: ") and "must be a new or empty folder" in error for error in errors] == [
        True
    ] * 2


def test_without_sphinx_nothing_is_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(site, "find_spec", lambda name: None)
    (tmp_path / ".buildinfo").touch()
    assert site.main(["--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err == 'Sphinx is missing: install it with: pip install ".[docs]"\n'
    assert [file.name for file in tmp_path.iterdir()] == [".buildinfo"]
