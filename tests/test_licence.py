# SPDX-License-Identifier: Apache-2.0
"""The licence: its whole text, and a line in every source that names it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tests.paths import ROOT, checkout_files

COMMENTS = {
    **dict.fromkeys((".py", ".toml", "Makefile", "run", ".gitignore"), "# {}"),
    **dict.fromkeys((".c", ".h"), "/* {} */"),
    **dict.fromkeys((".cpp", ".v", ".sv"), "// {}"),
}
NO_SOURCES = {
    **dict.fromkeys((".md", ".png", ".svg"), "a document, and what it shows"),
    ".ipynb": "a document that runs",
    ".diff": "a document: changes to sources, which begin with that line",
    **dict.fromkeys((".json", ".npz", ".txt"), "data, which programs read or write without comments"),
    ".typed": "an empty mark",
    "LICENSE": "the licence itself",
    "odd_0.1.0.toml": "written by version 0.1.0, and kept to the byte to show that it is read",
    "reram-array-om_0.1.0.toml": "written by version 0.1.0, and kept to the byte to show that it is read",
}
LINE = "SPDX-License-Identifier: Apache-2.0"
APACHE_2_0 = (
    "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"  # SHA-256 of the text as it is published
)


def kind(file: Path) -> str:
    """By which a file is found in `COMMENTS` or `NO_SOURCES`: its name, or its suffix."""
    return file.name if file.name in NO_SOURCES or not file.suffix else file.suffix


def sources() -> list[Path]:
    """All files of the checkout but those of `NO_SOURCES`."""
    return sorted(file for file in checkout_files() if kind(file) not in NO_SOURCES)


def test_the_text_is_that_of_the_apache_licence() -> None:
    assert hashlib.sha256((ROOT / "LICENSE").read_bytes()).hexdigest() == APACHE_2_0


def test_files_of_every_kind_are_looked_at() -> None:
    """A file of another kind needs the form of its comments, or a reason why it is no source."""
    assert {kind(file) for file in sources()} == set(COMMENTS)
    assert {kind(file) for file in checkout_files()} == {*COMMENTS, *NO_SOURCES}
    assert {Path("pyproject.toml"), Path("Makefile"), Path(".ci/run")} <= set(sources())


def test_every_source_names_it_in_its_first_line() -> None:
    """In the second where the first tells the program that runs it."""
    without = []
    for file in sources():
        lines = [*(ROOT / file).read_text(encoding="utf-8").splitlines(), "", ""]
        if lines[lines[0].startswith("#!")] != COMMENTS[kind(file)].format(LINE):
            without.append(str(file))
    assert without == []
