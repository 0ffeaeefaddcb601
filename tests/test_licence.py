# SPDX-License-Identifier: Apache-2.0
"""The licence: its whole text, and a line in every source that names it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tests.paths import ROOT

FOLDERS = ("model", "hdl", "cosim", "scripts", "tests", "docs/examples")
COMMENTS = {".py": "# {}", "": "# {}", ".c": "/* {} */", ".h": "/* {} */", ".cpp": "// {}", ".v": "// {}"}
LINE = "SPDX-License-Identifier: Apache-2.0"
APACHE_2_0 = (
    "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"  # SHA-256 of the text as it is published
)


def sources() -> list[Path]:
    """All files that are code, those without a suffix being makefiles."""
    files = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.is_file()]
    found = [path for path in files if "__pycache__" not in path.parts and path.suffix in COMMENTS]
    return [ROOT / "Makefile", *found]


def test_the_text_is_that_of_the_apache_licence() -> None:
    assert hashlib.sha256((ROOT / "LICENSE").read_bytes()).hexdigest() == APACHE_2_0


def test_there_are_sources_of_every_kind() -> None:
    assert {path.suffix for path in sources()} == set(COMMENTS)
    assert {path.name for path in sources() if not path.suffix} == {"Makefile"}


def test_every_source_names_it_in_its_first_line() -> None:
    """In the second where the first tells the program that runs it."""
    without = []
    for file in sources():
        lines = [*file.read_text(encoding="utf-8").splitlines(), "", ""]
        if lines[lines[0].startswith("#!")] != COMMENTS[file.suffix].format(LINE):
            without.append(str(file.relative_to(ROOT)))
    assert without == []
