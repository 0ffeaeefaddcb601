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


@pytest.mark.slow
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_run_from_top_to_bottom(notebook: Path, tmp_path: Path) -> None:
    program = tmp_path / "notebook.py"
    program.write_text("\n".join(["import matplotlib", 'matplotlib.use("agg")', *cells(notebook)]), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(
        [sys.executable, program], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
