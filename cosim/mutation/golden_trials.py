# SPDX-License-Identifier: Apache-2.0
"""Mutation testing of the golden model: runs its fast tests on every mutant and records which mutants are killed.

A trial happens on a copy of the sources in a temporary folder: first the test that bears the name of the file, then
those of the whole, of the periphery or of the devices. The mutant is killed when one fails, cannot even import the
file, crashes, takes too much memory, or does not end in time. The last three count only if they happen again with no
other trial beside it, as a busy machine may be to blame. Kernels that have nothing of the file compiled into them are
taken from a run without an error; if there are others, tests that are quicker without a compiler run without it, and
first.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from symtrack.cosim.mutation.golden_places import FILES, GoldenMutant, change, mutated, sample, scope
from symtrack.cosim.mutation.golden_waivers import waived
from symtrack.cosim.mutation.netlist import KILLED, REJECTED, SURVIVED
from symtrack.cosim.tools.journal import Journal, key_of
from symtrack.cosim.tools.package_links import package_links
from symtrack.cosim.tools.processes import Pool
from symtrack.cosim.tools.toolchain import ToolError, package_version

COPIED = ("model", "hdl", "cosim", "scripts", "tests", "docs", "pyproject.toml")
# What takes least and finds most comes first.
_RUNS = "training/test_reference_runs.py::test_it_is_the_same_without_a_compiler"
RECORD = "tests/model/devices/test_parameters.py"  # of numbers: tells that one has changed, not that it is right
_PERIPHERY = f"""
    tile/test_transfer.py {_RUNS} tile/test_operations.py tile/test_settings.py tile/test_tile.py
"""
_DEVICES = f"""
    devices/test_disturb.py devices/test_presets.py {_RUNS} devices/test_array.py
    devices/test_spread.py devices/test_soft_bounds_reference.py devices/test_effects.py devices/test_write_noise.py
    devices/test_symmetric_points.py devices/test_responses.py devices/test_parameters.py
"""
_BOTH = f"arithmetic/test_noise.py tile/test_random_source.py {_RUNS} devices/test_array.py"
_OTHERS = {
    "model/spec/fixed.py": _BOTH,
    "model/spec/polynomials.py": _BOTH,
    "model/spec/validated.py": _DEVICES,
    "model/arithmetic/noise.py": _BOTH,
    "model/arithmetic/quantile.py": _BOTH,
    "model/tile/packing.py": "tile/test_transfer.py tile/test_tile.py tile/test_waveform.py",
    "model/tile/waveform.py": "",
    "model/analysis/coincidence.py": "",
}
COMPILED = {  # quicker with a compiler, even if that has everything to compile
    f"tests/model/{name}"
    for name in (
        *("analysis/test_coincidence.py", "tile/test_waveform.py", "devices/test_array.py", "devices/test_spread.py"),
        *("devices/test_soft_bounds_reference.py", "devices/test_effects.py", "devices/test_write_noise.py"),
        *("devices/test_symmetric_points.py", "devices/test_responses.py"),
    )
}
CONTROL = ("tests/model/tile/test_chopper.py", "tests/model/tile/test_transfer.py")  # between batches
TEST_S = 60  # of a single test: ten times what the slowest takes, its kernels compiled
TRIAL_S = 3600
BATCH = 20  # mutants between two controls
# A loop without an end may be in what is imported, and may take all memory before its time is over.
_RUN = f"""
import faulthandler, os, resource, sys, pytest
faulthandler.dump_traceback_later({TEST_S}, exit=True, file=os.dup(2))
resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
sys.exit(pytest.main())
"""
_LIMIT = ("-o", f"faulthandler_timeout={TEST_S}", "-o", "faulthandler_exit_on_timeout=true")
_TIMEOUT = re.compile(r"Timeout \(\d+:\d\d:\d\d\)!")
_FIRST = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)

Imports = dict[str, set[str]]


@dataclass(frozen=True)
class TrialOutcome:
    """The outcome of a mutant.

    Attributes
    ----------
    file, operator, occurrence : the mutant.
    scope : the class and function that the changed line is in.
    line, before, after : the number of the first changed line, and its text without and with the change.
    fate : KILLED, SURVIVED, or REJECTED if it is no Python or the same program.
    test : the test that failed first, or what else ended the trial.
    tests : digest of the tests that the mutant survived; a killed mutant stays killed when tests change.
    """

    file: str
    operator: str
    occurrence: int
    scope: str
    line: int
    before: str
    after: str
    fate: str
    test: str | None = None
    tests: str | None = None

    @property
    def waived(self) -> bool:
        """The mutant survived, and a waiver says why it may."""
        return self.fate == SURVIVED and waived(self.file, self.scope, self.before, self.after)

    @property
    def doubtful(self) -> bool:
        """The mutant was killed by something else than a failing test: a crash, lack of memory or the time limit."""
        return self.fate == KILLED and not str(self.test).startswith("tests/")


class Copy:
    """A copy, in ``folder``, of the sources under ``root``, which may be another copy; one trial happens at a time.

    Numba keeps its kernels beside the sources. A trial begins with those of ``root``, if a control has made any.
    """

    def __init__(self, root: Path, folder: Path) -> None:
        self.folder = folder
        self._root = root
        for name in COPIED:
            source = root / name
            if source.is_dir():
                shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(source, folder / name)
        self._imports = imports(folder)
        self._path = package_links(folder)

    def control(self, tests: Sequence[str]) -> None:
        """Run the tests on the unchanged model, with compiler and without: all must pass.

        Raises
        ------
        ToolError
            A test fails.
        """
        plain = [test for test in tests if test not in COMPILED]
        with ThreadPoolExecutor(2) as pool:
            for failed in pool.map(self._pytest, (tests, plain), (True, False)):
                if failed is not None:
                    raise ToolError(f"without an error in the golden model a test fails or does not end: {failed}")

    def judge(self, mutant: GoldenMutant, tests: Sequence[str], digest: str) -> TrialOutcome:
        """Run the tests on one mutant."""
        file = self.folder / mutant.file
        source = file.read_text(encoding="utf-8")
        text = mutated(source, mutant)
        line, before, after = change(source, text)
        told = (mutant.file, mutant.operator, mutant.occurrence, scope(source, line), line, before, after)
        if not _differs(source, text):
            return TrialOutcome(*told, REJECTED)
        with _written(file, text):
            failed = self._first_failure(tests, dependents(self._imports, mutant.file))
        return TrialOutcome(*told, SURVIVED, tests=digest) if failed is None else TrialOutcome(*told, KILLED, failed)

    def _first_failure(self, tests: Sequence[str], users: set[str]) -> str | None:
        compiled = self._take_kernels({self._root / file for file in users})
        plain = [test for test in tests if not compiled and test not in COMPILED]
        rest = [test for test in tests if test not in plain]
        return self._pytest(plain, False) or self._pytest(rest, True)

    def _take_kernels(self, without: set[Path]) -> bool:
        """Take over the kernels of all modules except those in ``without``; true if no kernel is left out."""
        for cache in (self.folder / "model").rglob("__pycache__"):
            shutil.rmtree(cache)
        taken = {True: 0, False: 0}
        for kernel in (self._root / "model").rglob("__pycache__/*.nb[ci]"):
            fits = kernel.parent.parent / f"{kernel.name.partition('.')[0]}.py" not in without
            taken[fits] += 1
            if fits:
                to = self.folder / kernel.relative_to(self._root)
                to.parent.mkdir(exist_ok=True)
                shutil.copy2(kernel, to)
        return bool(taken[True]) and not taken[False]

    def _pytest(self, tests: Sequence[str], compiled: bool) -> str | None:
        """The name of the first test that fails, or what else goes wrong; None if all pass."""
        if not tests:
            return None
        environment = os.environ | {
            "PYTHONPATH": str(self._path),
            "PYTHONDONTWRITEBYTECODE": "1",  # a mutant of the same second and size would be taken for another
            "NUMBA_CACHE_DIR": "",  # beside the sources
            "NUMBA_DISABLE_JIT": str(int(not compiled)),
        }
        options = ("-x", "-q", "-p", "no:cacheprovider", "-m", "not slow", *_LIMIT)
        command = [sys.executable, "-c", _RUN, *options, *tests]
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
                output, _ = process.communicate(timeout=TRIAL_S)
            except subprocess.TimeoutExpired:
                return f"not done after {TRIAL_S} s"
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)  # all that the trial has started
        if process.returncode == 0:
            return None
        if _TIMEOUT.search(output):
            return f"not done after {TEST_S} s"
        first = None if "MemoryError" in output else _FIRST.search(output)
        last = output.strip().rpartition("\n")[2][-200:]
        return first[1] if first else f"exit code {process.returncode} of pytest, {last!r}"


@contextmanager
def _written(file: Path, text: str) -> Iterator[None]:
    """Context in which the file has this text; afterwards it has its old text and time stamps again."""
    before, status = file.read_bytes(), file.stat()
    file.write_text(text, encoding="utf-8")
    try:
        yield
    finally:
        file.write_bytes(before)
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


def _differs(before: str, after: str) -> bool:
    """Both texts are Python, and they are different programs."""
    try:
        return ast.dump(ast.parse(before)) != ast.dump(ast.parse(after))
    except SyntaxError:
        return False


def deciding_tests(root: Path, file: str) -> tuple[str, ...]:
    """The test files that decide about the mutants of a source file."""
    path = Path(file)
    own = f"{path.parent.relative_to('model')}/test_{path.name}"
    names = [own] if (root / "tests/model" / own).is_file() else []
    names += ["test_records.py", *_OTHERS.get(file, _DEVICES if "devices" in file else _PERIPHERY).split()]
    return tuple(f"tests/model/{name}" for name in dict.fromkeys(names))


def imports(root: Path) -> Imports:
    """For every file of the model, the files of the model that it may import."""
    found: Imports = {}
    for path in (root / "model").rglob("*.py"):
        names: set[str] = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                names |= {f"{node.module}", *(f"{node.module}.{alias.name}" for alias in node.names)}
            elif isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
        found[str(path.relative_to(root))] = {
            f"{name.replace('.', '/')}.py".removeprefix("symtrack/") for name in names
        }
    return found


def dependents(found: Imports, file: str) -> set[str]:
    """The file and all that import it, directly or not: its kernels may be compiled into theirs."""
    users: set[str] = set()
    new = {file}
    while new:
        users |= new
        new = {module for module, names in found.items() if names & new} - users
    return users


def tests_digest(root: Path) -> str:
    """Digest of the model's tests and of which of them decide about which file."""
    files = sorted(path for path in (root / "tests/model").rglob("*") if path.suffix in (".py", ".json"))
    return key_of([path.read_bytes() for path in files], [deciding_tests(root, file) for file in FILES])


def key(root: Path) -> str:
    """Key of a journal: digest of the model's sources and of the program that makes the mutants."""
    return key_of([path.read_bytes() for path in sorted((root / "model").rglob("*.py"))], package_version("cosmic-ray"))


_copies: dict[Path, Copy] = {}  # of this process


def judge(first: Path, mutant: GoldenMutant, tests: Sequence[str], digest: str) -> TrialOutcome:
    """Run the tests on one mutant, in a copy of the sources that this process makes from the first copy and keeps."""
    if first not in _copies:
        _copies[first] = Copy(first, first.with_name(str(os.getpid())))
    return _copies[first].judge(mutant, tests, digest)


def campaign(
    root: Path, count: int, seed: int, *, jobs: int, journal: Journal, progress: Callable[[int], None]
) -> list[TrialOutcome]:
    """Judge ``count`` mutants. Outcomes in the journal are taken over if they are final: killed, waived, or survived
    the tests as they are now.

    Raises
    ------
    ToolError
        A test fails without an error; what was found since the last control is not kept.
    """
    digest = tests_digest(root)
    done = {}
    for entry in journal.entries:
        outcome = TrialOutcome(**entry)
        if outcome.fate != SURVIVED or outcome.waived or outcome.tests == digest:
            done[GoldenMutant(outcome.file, outcome.operator, outcome.occurrence)] = outcome
    every = sample(root, count, seed, FILES)
    left = [mutant for mutant in every if mutant not in done]
    before = len(every) - len(left)
    progress(before)
    tests = {mutant.file: deciding_tests(root, mutant.file) for mutant in left}
    if not left:
        return [done[mutant] for mutant in every]
    with tempfile.TemporaryDirectory() as name, Pool(jobs) as pool:
        copy = Copy(root, Path(name) / "first")
        copy.control(tuple(dict.fromkeys(test for some in tests.values() for test in some)))
        for first in range(0, len(left), BATCH):
            batch = left[first : first + BATCH]
            futures = [pool.submit(judge, copy.folder, mutant, tests[mutant.file], digest) for mutant in batch]
            for judged, _ in enumerate(as_completed(futures), 1):
                progress(before + first + judged)
            outcomes = [future.result() for future in futures]
            for number, mutant in enumerate(batch):
                if outcomes[number].doubtful:  # once more, alone
                    again = pool.submit(judge, copy.folder, mutant, tests[mutant.file], digest)
                    outcomes[number] = again.result()
            copy.control(CONTROL)
            for mutant, outcome in zip(batch, outcomes, strict=True):
                done[mutant] = outcome
                journal.append(asdict(outcome))
    return [done[mutant] for mutant in every]
