# SPDX-License-Identifier: Apache-2.0
"""Runs the tests of what changed since a commit, the nearest first. A development tool: it needs a checkout.

    python -m symtrack.cosim.tools.changed_tests [--against HEAD] [--seconds 40] [--started TIME]

Near is what is few imports away. The tests of a file's own name and of its twin on the other side (`model/tile` and
`hdl/tile`) come first, then those that import or name it, then those that import what imports it, and so on; if a
tile's block changes, lock-step of both sides is among the first. Of a file that tests read without importing it those
in `READERS` run, and of a file without any such tests those beside it. The last line says how many files of tests were
not reached in the time there was: `make test` runs everything.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree

from symtrack.model.cache import checkout
from symtrack.model.source_files import imported

ROOMS = ("model", "hdl", "cosim", "scripts", "tests")
TWINS = {"model/tile": "hdl/tile", "hdl/tile": "model/tile"}
LOCK_STEP = "tests/cosim/engine/test_lockstep.py"
IN_LOCK_STEP = ("model/tile/", "model/spec/", "hdl/tile/", "hdl/parts/", "cosim/engine/", "cosim/stimulus/")
ALWAYS = ("tests/test_imports.py", "tests/test_licence.py", "tests/test_rooms.py")
OF_TEXTS = ("tests/test_docs.py",)  # they read documents and files of the top folder
READERS = {  # files that tests read without importing them, as patterns of paths, and these tests
    "README.md": ("tests/test_readme.py",),
    "Makefile": ("tests/test_readme.py",),
    "pyproject.toml": ("tests/test_wheel.py", "tests/scripts/test_cli.py", "tests/cosim/tools/test_toolchain.py"),
    "docs/commands.md": ("tests/test_readme.py",),
    "docs/examples/*": ("tests/scripts/face/test_examples.py",),
    "docs/integration.md": ("tests/hdl/output/test_lint.py",),
    "docs/tile.md": ("tests/hdl/output/test_verilog.py",),
    "docs/verification.md": ("tests/cosim/coverage/test_coverage.py", "tests/cosim/mutation/test_golden_mutants.py"),
    "*/__init__.py": ("tests/test_docs.py", "tests/test_wheel.py"),
    "tests/conftest.py": ("tests/test_session.py",),
    "tests/skips.py": ("tests/test_session.py",),
    "tests/allowed_skips.txt": ("tests/test_session.py",),
}
FARTHEST = 3  # imports
NAMED = re.compile(r"[\"']((?:symtrack|tests)(?:\.\w+)+)")  # a module that an engine, or a test, imports by its name
LATE = "not reached in the time there was"  # in the reason of a skip, see tests/conftest.py
NO_CHECKOUT = 2  # exit code


def changed_files(root: Path, against: str) -> list[str]:
    """Files that differ from a commit, those that git does not know yet among them, by their paths in ``root``."""
    listings = (
        ["diff", "--name-only", "--no-renames", "-z", against],
        ["ls-files", "--others", "--exclude-standard", "-z"],
    )
    names: set[str] = set()
    for words in listings:
        done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True)
        names |= set(filter(None, done.stdout.split("\0")))
    return sorted(names)


def twin(name: str) -> str | None:
    """The other description of a block of the tile."""
    path = PurePosixPath(name)
    return f"{TWINS[str(path.parent)]}/{path.name}" if str(path.parent) in TWINS else None


def nearest_tests(root: Path, changed: list[str]) -> list[str]:
    """Files of tests, the nearest to what changed first."""
    users = _users(root)
    distance: dict[str, int] = dict.fromkeys(ALWAYS, 0) if changed else {}
    for name in changed:
        near: dict[str, int] = {}
        for start in filter(None, (name, twin(name))):
            path = PurePosixPath(start)
            steps = _distances(users, start) | {f"tests/{path.parent}/test_{path.stem}.py": 0}
            near |= {test: min(count, near.get(test, count)) for test, count in steps.items() if _is_test(root, test)}
        near |= {test: 0 for pattern, tests in READERS.items() if fnmatchcase(name, pattern) for test in tests}
        near = near or dict.fromkeys(_beside(root, name), 1)
        if name.startswith(IN_LOCK_STEP):
            near[LOCK_STEP] = 1
        if not name.endswith(".py"):
            near |= dict.fromkeys(OF_TEXTS, 1)
        distance |= {test: min(count, distance.get(test, count)) for test, count in near.items()}
    return sorted(distance, key=lambda name: (distance[name], name))


def _is_test(root: Path, name: str) -> bool:
    return re.match(r"tests/(.*/)?test_\w+\.py$", name) is not None and (root / name).is_file()


def _beside(root: Path, name: str) -> list[str]:
    """Tests in the folder that mirrors that of a file, or in the next one above which has any; not those at the top."""
    folder = PurePosixPath("tests", name.removeprefix("tests/")).parent
    while folder.parts[1:]:
        tests = sorted(path.relative_to(root).as_posix() for path in (root / folder).glob("test_*.py"))
        if tests:
            return tests
        folder = folder.parent
    return []


def _users(root: Path) -> dict[str, set[str]]:
    """Of every file the files that import it, or that name it as a module in a text."""
    users: dict[str, set[str]] = {}
    for room in ROOMS:
        for file in (root / room).rglob("*.py"):
            for other in imported(file) | _named(root, file):
                if other.is_relative_to(root):
                    users.setdefault(other.relative_to(root).as_posix(), set()).add(file.relative_to(root).as_posix())
    return users


def _named(root: Path, file: Path) -> set[Path]:
    """The files of the modules that a file names in texts, such as "tests.cosim.jobs.idle:rest"."""
    names = (name.removeprefix("symtrack.") for name in NAMED.findall(file.read_text(encoding="utf-8")))
    return {path for name in names if (path := root / f"{name.replace('.', '/')}.py").is_file()}


def _distances(users: dict[str, set[str]], start: str) -> dict[str, int]:
    """Files that import ``start`` with the number of imports on the shortest way, up to `FARTHEST`."""
    found, last = {start: 0}, {start}
    for steps in range(1, FARTHEST + 1):
        last = set().union(*(users.get(name, ()) for name in last)) - set(found)
        found |= dict.fromkeys(last, steps)
    return found


def not_reached(report: Path) -> set[str]:
    """The files of tests of which a test was too late, from pytest's report in JUnit's format (xunit1)."""
    cases = ElementTree.parse(report).iter("testcase")
    return {
        case.get("file", "") for case in cases for skip in case.iter("skipped") if LATE in (skip.get("message") or "")
    }


def main(arguments: list[str] | None = None) -> int:
    """Exit code of pytest, 0 where nothing changed that has tests, 2 outside of a checkout."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--against", default="HEAD", help="the commit to compare with (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=40, help="no test starts later (default: %(default)s)")
    parser.add_argument("--started", type=float, metavar="TIME", help="seconds count from then, in s since 1970")
    options = parser.parse_args(arguments)
    started = time.time() if options.started is None else options.started
    root = checkout()
    if root is None:
        print("make check: works on the project's own tests and needs a checkout of symtrack", file=sys.stderr)
        return NO_CHECKOUT
    changed = changed_files(root, options.against)
    tests = nearest_tests(root, changed)
    print(f"changed since {options.against}: {' '.join(changed) or 'nothing'}")
    if not tests:
        return 0
    print(f"tests, the nearest first: {' '.join(tests)}", flush=True)
    # One test after the other in their order, whichever worker is free.
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "load", "--maxschedchunk", "1", "-rs"]
    command += ["-m", "not slow", "--until", str(started + options.seconds)]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command += ["--junitxml", str(report), "-o", "junit_family=xunit1"]
        code = subprocess.run([*command, *tests], cwd=root, check=False).returncode
        late = not_reached(report) if report.is_file() else set(tests)
    if late:
        print(f"make check: {len(late)} of {len(tests)} test files not reached or cut short, run make test")
    else:
        print(f"make check: all {len(tests)} test files reached")
    return code


if __name__ == "__main__":
    sys.exit(main())
