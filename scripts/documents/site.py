# SPDX-License-Identifier: Apache-2.0
"""The documentation as a site: the pages of docs/ by audience, README.md as one of them, and the notebooks, executed.

    python -m symtrack.scripts.documents.site --out build/site        what `make docs` runs in an environment of its own

Sources are put together in a temporary folder and built by Sphinx, which is told to take every warning for an error: a
link that leads nowhere, a page that no audience has, a notebook that fails. Only a whole site takes the place of an
earlier one. Nothing is fetched when a page is read.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

BAD_INPUT = 2  # as all commands exit then
ROOT = Path(__file__).resolve().parents[2]
AUDIENCES: dict[str, tuple[str, ...]] = {
    "Start": ("about", "notebooks/01_first_steps", "commands"),
    "Researchers": (
        *("experiments", "explore", "cluster", "torch", "notebooks/03_own_algorithm"),
        *("training", "findings", "results"),
    ),
    "Chip engineers": (
        *("notebooks/04_from_model_to_verilog", "integration", "tile", "registers", "synthesis", "options", "energy"),
        *("verification", "trust"),
    ),
    "Device engineers": ("notebooks/02_own_device", "devices", "aihwkit"),
    "Contributors": ("architecture", "own_block", "folders", "testing", "performance"),
    "Reference": ("api",),
}
CONF = """\
project = "symtrack"
author = copyright = "symtrack contributors"
extensions = ["myst_nb", "sphinx_copybutton"]
html_theme = "furo"
html_title = "symtrack"
html_show_sphinx = False
html_copy_source = False
exclude_patterns = ["examples"]
myst_heading_anchors = 4
myst_enable_extensions = ["strikethrough"]
nb_execution_mode = "{mode}"
nb_execution_timeout = 1800
nb_execution_raise_on_error = True
nb_execution_in_temp = True
suppress_warnings = ["myst.strikethrough", "misc.highlighting_failure"]
"""


def about(readme: str) -> str:
    """README.md as a page beside those of docs: its links lead to pages and pictures, other files are names alone."""
    text = readme.replace("](docs/", "](")
    return re.sub(r"\[([^\]]+)\]\((?![\w/-]+\.(?:md|png|svg|ipynb)(?:#[\w-]+)?\))[^)]+\)", r"\1", text)


def stage(folder: Path, *, execute: bool) -> None:
    """Put together in ``folder`` what Sphinx builds."""
    shutil.copytree(ROOT / "docs", folder, dirs_exist_ok=True)
    (folder / "about.md").write_text(about((ROOT / "README.md").read_text(encoding="utf-8")), encoding="utf-8")
    index = (folder / "index.md").read_text(encoding="utf-8").replace("(../README.md", "(about.md")
    for audience, pages in AUDIENCES.items():
        index += "\n```{toctree}\n:hidden:\n:caption: " + audience + "\n\n" + "\n".join(pages) + "\n```\n"
    (folder / "index.md").write_text(index, encoding="utf-8")
    (folder / "conf.py").write_text(CONF.format(mode="force" if execute else "off"), encoding="utf-8")


def is_site(folder: Path) -> bool:
    """Whether a folder holds nothing but what Sphinx has made; there may be none, or it may be empty."""
    return not folder.exists() or (folder.is_dir() and ((folder / ".buildinfo").is_file() or not any(folder.iterdir())))


def main(arguments: list[str] | None = None) -> int:
    """Build the site; the exit code is that of Sphinx."""
    parser = argparse.ArgumentParser(description="Build the documentation as a site.")
    parser.add_argument("--out", type=Path, default=Path("build/site"), help="folder of the site (default: build/site)")
    parser.add_argument("--quick", action="store_true", help="leave the notebooks as they are")
    options = parser.parse_args(arguments)
    if not is_site(options.out):
        print(
            f"argument --out: {str(options.out)!r}: must be a new or empty folder, or an earlier site", file=sys.stderr
        )
        return BAD_INPUT
    if not find_spec("sphinx"):
        print('Sphinx is missing: install it with: pip install ".[docs]"', file=sys.stderr)
        return BAD_INPUT
    try:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        work = tempfile.TemporaryDirectory(dir=options.out.parent, prefix=f".{options.out.name}.")
    except OSError as error:
        print(f"argument --out: {str(options.out)!r}: must be a writable folder ({error.strerror})", file=sys.stderr)
        return BAD_INPUT
    with work as folder:
        sources, site = Path(folder) / "sources", Path(folder) / "site"
        stage(sources, execute=not options.quick)
        command = [sys.executable, "-m", "sphinx", "-b", "html", "-W", "--keep-going", "-q", str(sources), str(site)]
        if code := subprocess.run(command, check=False).returncode:
            return code
        if options.out.exists():
            options.out.replace(Path(folder) / "earlier")
        site.replace(options.out)
    print(f"the site: {options.out / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
