# SPDX-License-Identifier: Apache-2.0
"""Makes links to the folders of a checkout as the package `symtrack`. A development tool: it needs a checkout.

Tools which import by folder, as mypy does, find the package there, and an installed package has no such folders.

    build/src/symtrack/{model, hdl, cosim, scripts, __init__.py, ...}

With ``build/src`` in PYTHONPATH a copy of the sources is used instead of the installed package; mypy reads it, too.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

FOLDERS = ("model", "hdl", "cosim", "scripts")
FACE = Path("scripts/face")  # what is directly in the package


def package_links(root: Path) -> Path:
    """Make the links of the checkout or copy in ``root`` anew; returns the folder for PYTHONPATH."""
    package = root / "build" / "src" / "symtrack"
    shutil.rmtree(package, ignore_errors=True)
    package.mkdir(parents=True)
    face = root / FACE
    for target in (*(root / name for name in FOLDERS), *face.glob("*.py"), *face.glob("py.typed")):
        if target.exists():
            (package / target.name).symlink_to(target.resolve())
    return package.parent


if __name__ == "__main__":
    print(package_links(Path(sys.argv[1] if len(sys.argv) > 1 else ".")))
