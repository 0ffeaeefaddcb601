"""Trials of the golden model's mutants: does a fast test of the model fail with the error?

A trial happens on a copy of the sources in a temporary folder: first the tests that bear the name of the file, then all
others of `TESTS` that use it. The mutant is killed when one fails, cannot even import the file, crashes, or does not
end in time. Kernels that have nothing of the file compiled into them are taken from a run without an error; if there
are others, tests that are quicker without a compiler run without it, and first.
"""

from __future__ import annotations

import ast
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from cosim.golden_mutants import FILES, Mutant, change, mutated, sample
from cosim.journal import Journal
from cosim.mutants import KILLED, REJECTED, SURVIVED
from cosim.toolchain import ToolError

COPIED = ("model", "hdl", "cosim", "scripts", "tests", "docs", "pyproject.toml")
# In the order in which they run: those that take least and find most first. Without a compiler the first are quicker.
_PLAIN = """
    test_fixed.py test_pulse_train.py test_quadrants.py test_sequencer.py test_pipeline.py test_polynomials.py
    test_threshold.py test_hidden_buffer.py test_lanes.py test_status.py test_low_pass.py test_noise.py test_chopper.py
    test_random_source.py devices/test_disturb.py devices/test_presets.py
    test_reference_runs.py::test_it_is_the_same_without_a_compiler test_periphery_settings.py test_periphery.py
    test_tile.py
"""
_COMPILED = """
    devices/test_spread.py devices/test_soft_bounds_reference.py devices/test_array.py devices/test_effects.py
    devices/test_characterize.py devices/test_write_noise.py test_coincidence.py test_trace.py
    devices/test_symmetric_points.py devices/test_responses.py
"""
PLAIN = tuple(f"tests/model/{name}" for name in _PLAIN.split())
TESTS = PLAIN + tuple(f"tests/model/{name}" for name in _COMPILED.split())
QUICK = PLAIN[:14]  # of single blocks
TIMEOUT_S = 240  # several times what the tests take without an error
BATCH = 40  # mutants between two controls
# A loop without an end may take all memory before its time is over.
_RUN = (
    "import resource, sys, pytest; resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30)); sys.exit(pytest.main())"
)
_FIRST = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)
_PASSED, _NO_FILE, _NO_TEST = 0, 4, 5  # exit codes of pytest

Imports = dict[str, set[str]]


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant: the first line that it changes, before and after, and the test that failed first.

    rejected: it is no Python, or the same program. tests: digest of the tests that it survived.
    """

    file: str
    operator: str
    occurrence: int
    line: int
    before: str
    after: str
    fate: str
    test: str | None = None
    tests: str | None = None


class Copy:
    """A copy, in ``folder``, of the sources under ``root``; one trial happens at a time."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.folder = folder
        self._kernels = folder.with_name(f"{folder.name}.numba")
        for name in COPIED:
            source = root / name
            if source.is_dir():
                shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(source, folder / name)
        self._imports = imports(folder)

    def control(self, tests: Sequence[str]) -> None:
        """Run tests without an error, with a compiler and without, and keep the kernels.

        Raises
        ------
        ToolError
            A test fails.
        """
        plain = [test for test in tests if test in PLAIN]
        failed = self._pytest(tests, self._kernels) or (self._pytest(plain, None) if plain else None)
        if failed is not None:
            raise ToolError(f"without an error in the golden model a test fails, crashes or does not end: {failed}")

    def judge(self, mutant: Mutant, tests: Sequence[str], digest: str) -> Outcome:
        """Try a mutant with those of the tests that use its file."""
        file = self.folder / mutant.file
        source = file.read_text(encoding="utf-8")
        text = mutated(source, mutant)
        told = (mutant.file, mutant.operator, mutant.occurrence, *change(source, text))
        if not _differs(source, text):
            return Outcome(*told, REJECTED)
        users = dependents(self._imports, file.stem)
        mine = sorted(
            (test for test in tests if _stem(test) in users), key=lambda test: _stem(test) != f"test_{file.stem}"
        )
        with _written(file, text):
            failed = self._first_failure(mine, users)
        return Outcome(*told, SURVIVED, tests=digest) if failed is None else Outcome(*told, KILLED, failed)

    def _first_failure(self, tests: Sequence[str], users: set[str]) -> str | None:
        kernels = self._kernels.with_suffix(".trial")
        stale = 0

        def of_users(folder: str, names: list[str]) -> list[str]:
            nonlocal stale
            found = [name for name in names if "." in name and name.partition(".")[0] in users]
            stale += len(found)
            return found

        try:
            if self._kernels.is_dir():
                shutil.copytree(self._kernels, kernels, ignore=of_users)
            plain = [test for test in tests if stale and test in PLAIN]
            rest = [test for test in tests if test not in plain]
            failed = self._pytest(plain, None) if plain else None
            return self._pytest(rest, kernels) if failed is None and rest else failed
        finally:
            shutil.rmtree(kernels, ignore_errors=True)

    def _pytest(self, tests: Sequence[str], kernels: Path | None) -> str | None:
        """The first test that fails, or what else goes wrong. kernels: where they are kept, None without a compiler."""
        environment = os.environ | {
            "PYTHONPATH": str(self.folder),
            "PYTHONDONTWRITEBYTECODE": "1",  # a mutant of the same second and size would be taken for another
            "NUMBA_CACHE_DIR": str(kernels or self._kernels),
            "NUMBA_DISABLE_JIT": str(int(kernels is None)),
        }
        command = [sys.executable, "-c", _RUN, "-x", "-q", "-p", "no:cacheprovider", "-m", "not slow", *tests]
        with subprocess.Popen(
            command,
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                output, _ = process.communicate(timeout=TIMEOUT_S)
            except subprocess.TimeoutExpired:
                return f"not done after {TIMEOUT_S} s"
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)  # all that the trial has started
        if process.returncode in (_NO_FILE, _NO_TEST):
            raise ToolError(f"pytest finds no test: {' '.join(output.split())[-200:]}")
        if process.returncode == _PASSED:
            return None
        first = _FIRST.search(output)
        return first[1] if first else f"exit code {process.returncode}"


@contextmanager
def _written(file: Path, text: str) -> Iterator[None]:
    """The file has this text, and afterwards its own, as if it had not been touched."""
    before, status = file.read_bytes(), file.stat()
    file.write_text(text, encoding="utf-8")
    try:
        yield
    finally:
        file.write_bytes(before)
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


def _differs(before: str, after: str) -> bool:
    try:
        return ast.dump(ast.parse(before)) != ast.dump(ast.parse(after))
    except SyntaxError:
        return False


def _stem(test: str) -> str:
    return Path(test.partition("::")[0]).stem


def imports(root: Path) -> Imports:
    """What the modules of every name import; names are without their packages."""
    found: Imports = {}
    for path in root.rglob("*.py"):
        names = found.setdefault(path.stem, set())
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                names |= {(node.module or "").rpartition(".")[2], *(alias.name for alias in node.names)}
            elif isinstance(node, ast.Import):
                names |= {alias.name.rpartition(".")[2] for alias in node.names}
    return found


def dependents(found: Imports, name: str) -> set[str]:
    """The module of this name and those that import it, directly or not: what it does may be part of them."""
    users: set[str] = set()
    new = {name}
    while new:
        users |= new
        new = {module for module, names in found.items() if names & new} - users
    return users


def tests_digest(root: Path) -> str:
    """Changes with the tests of the model, and with the choice of them."""
    files = sorted(path for path in (root / "tests/model").rglob("*") if path.suffix in (".py", ".json"))
    return _digest([path.read_bytes() for path in files], TESTS)


def key(root: Path) -> str:
    """For the journal: the model, and what makes its mutants."""
    return _digest([path.read_bytes() for path in sorted((root / "model").rglob("*.py"))], version("cosmic-ray"))


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


_copies: dict[Path, Copy] = {}  # of this process


def _copy(root: Path, folder: Path) -> Copy:
    """The copy of this process, which passes the tests."""
    if folder not in _copies:
        copy = Copy(root, folder / str(os.getpid()))
        copy.control(TESTS)
        _copies[folder] = copy
    return _copies[folder]


def judge(root: Path, folder: Path, mutant: Mutant, digest: str) -> Outcome:
    """Try a mutant on the copy that this process has in ``folder``."""
    return _copy(root, folder).judge(mutant, TESTS, digest)


def control(root: Path, folder: Path) -> None:
    """The copy of this process still passes `QUICK`: what failed in the trials before did so by their errors.

    Raises
    ------
    ToolError
        It does not, as where the disk is full.
    """
    _copy(root, folder).control(QUICK)


def campaign(
    root: Path, count: int, seed: int, *, jobs: int, journal: Journal, progress: Callable[[int], None]
) -> list[Outcome]:
    """Judge so many mutants, but those that the journal has as killed, or as survivors of the same tests.

    Raises
    ------
    ToolError
        A test fails without an error; what was found since the last control is not kept.
    """
    digest = tests_digest(root)
    done = {}
    for entry in journal.entries:
        outcome = Outcome(**entry)
        if outcome.fate != SURVIVED or outcome.tests == digest:
            done[Mutant(outcome.file, outcome.operator, outcome.occurrence)] = outcome
    every = sample(root, count, seed, FILES)
    left = [mutant for mutant in every if mutant not in done]
    before = len(every) - len(left)
    progress(before)
    with tempfile.TemporaryDirectory() as name, ProcessPoolExecutor(jobs) as pool:
        folder = Path(name)
        for first in range(0, len(left), BATCH):
            batch = left[first : first + BATCH]
            futures = [pool.submit(judge, root, folder, mutant, digest) for mutant in batch]
            for judged, _ in enumerate(as_completed(futures), 1):
                progress(before + first + judged)
            pool.submit(control, root, folder).result()
            for mutant, future in zip(batch, futures, strict=True):
                done[mutant] = future.result()
                journal.append(asdict(done[mutant]))
    return [done[mutant] for mutant in every]
