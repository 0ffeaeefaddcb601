#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write the generated parts of docs/: register map, Python interface, timing drawings and the graph of imports."""

from collections.abc import Sequence
from pathlib import Path

from symtrack.cosim.report.timing_drawings import drawings
from symtrack.hdl.output.register_documents import register_markdown
from symtrack.model.markdown import wrapped
from symtrack.model.spec.config import NAMED
from symtrack.scripts.common import Parser, output_folder, run, write_all
from symtrack.scripts.documents.imports import folders_markdown
from symtrack.scripts.documents.interface import interface_markdown

FIGURES, REGISTERS, INTERFACE, FOLDERS = "figures", "registers.md", "api.md", "folders.md"
CONFIG = "digits_hidden"
ROOT = Path(__file__).resolve().parent.parent


def documents() -> dict[str, str]:
    """The generated texts, by the path of their file below docs/."""
    note = (
        f"\nThis is the map of `{CONFIG}`, written by `scripts/write_docs.py`; "
        "`generate_verilog.py` writes that of any configuration.\n"
    )
    title, _, rest = register_markdown(NAMED[CONFIG]).partition("\n")
    texts = {REGISTERS: f"{title}\n{note}{rest}", INTERFACE: interface_markdown(), FOLDERS: folders_markdown(ROOT)}
    pages = {name: wrapped(text) for name, text in texts.items()}
    return pages | {f"{FIGURES}/{name}": text for name, text in drawings().items()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code."""
    parser = Parser(__doc__ or "")
    parser.add_argument("--out", type=output_folder(), default=Path("docs"), help="folder of the documents")
    options = parser.parse_args(arguments)
    files = {options.out / name: text.encode() for name, text in documents().items()}
    try:
        for file in files:
            file.parent.mkdir(parents=True, exist_ok=True)
        write_all(files)
    except OSError as error:
        parser.error(f"argument --out: {str(options.out)!r}: must be a writable folder ({error.strerror})")
    print("\n".join(map(str, files)))
    return 0


if __name__ == "__main__":
    run(main)
