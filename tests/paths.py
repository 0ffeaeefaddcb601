# SPDX-License-Identifier: Apache-2.0
"""Paths for tests: the root folder of the checkout, and the files that belong to it."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HIDDEN = (".ci", ".gitignore")  # which belong to it, unlike folders of tools, such as .venv


def checkout_files() -> set[Path]:
    """Files of the checkout, relative to `ROOT`, as git knows them or would take them in.

    Without git, as in a copy, they are all files that are not in folders of what is made or kept by tools.
    """
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
        found = {Path(name) for name in listed if name}
    except (OSError, subprocess.CalledProcessError):
        top = [path for path in ROOT.iterdir() if path.name in HIDDEN or not path.name.startswith(".")]
        top = [path for path in top if path.name != "build" and path.suffix != ".egg-info"]
        found = {path.relative_to(ROOT) for one in top for path in (one, *one.rglob("*"))}
        found = {path for path in found if "__pycache__" not in path.parts}
    return {path for path in found if (ROOT / path).is_file()}
