# SPDX-License-Identifier: Apache-2.0
"""Pytest settings and checks for all tests.

numba starts two threads, on a machine with one core, too. Simulators are quick to build, as most runs are short. Nobody
imports a folder of the checkout by its bare name. With ``--strict-skips`` a skip is a failure unless
``tests/allowed_skips.txt`` names it. With ``--until`` a test that would start after that time is skipped instead, so
that `make check` ends on time. Tests that need PyTorch, `tests/torch`, are not collected where it is not installed:
`make test-torch` has an environment with it.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from tests.skips import ALLOWED_SKIPS, allowed_skips, is_allowed

os.environ["NUMBA_NUM_THREADS"] = "2"  # read when numba is imported
os.environ.setdefault("SYMTRACK_SIMULATOR", "quick-to-build")

# Elaborated designs are many objects that live long: looking for garbage among them each time takes a twentieth.
gc.set_threshold(100_000, 50, 50)

LATE = "not reached in the time there was: make test runs it"
collect_ignore = [] if find_spec("torch") else ["torch"]
BARE_NAMES = ("model", "hdl", "cosim", "scripts")

_skips: list[tuple[str, str]] = []  # test or file, reason


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--strict-skips", action="store_true", help=f"fail on skips that {ALLOWED_SKIPS.name} does not name"
    )
    parser.addoption(
        "--until", type=float, metavar="TIME", help="skip what would start after this time, in s since 1970"
    )


def pytest_runtest_setup(item: pytest.Item) -> None:
    until = item.config.getoption("--until")
    if until is not None and time.time() > until:
        pytest.skip(LATE)


def _note(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        _skips.append((report.nodeid, reason))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _note(report)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    _note(report)


def _unnamed_skips() -> list[tuple[str, str]]:
    allowed = allowed_skips(ALLOWED_SKIPS.read_text(encoding="utf-8"))
    return [skip for skip in _skips if not is_allowed(*skip, allowed)]


def pytest_sessionfinish(session: pytest.Session) -> None:
    if session.config.getoption("--strict-skips") and _unnamed_skips():
        session.exitstatus = max(session.exitstatus, pytest.ExitCode.TESTS_FAILED)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if config.getoption("--strict-skips"):
        for test, reason in _unnamed_skips():
            terminalreporter.write_line(f"{test}: {reason}, which {ALLOWED_SKIPS.name} does not name", red=True)


@pytest.fixture(scope="session", autouse=True)
def bare_names() -> Iterator[None]:
    """At the end of a session the folders have been imported as parts of the package only."""
    yield
    imported = [name for name in BARE_NAMES if name in sys.modules]
    assert not imported, f"imported by bare names: {', '.join(imported)}"
