# SPDX-License-Identifier: Apache-2.0
"""Tests of the golden model's mutation testing: trials find errors and nothing else, waivers fit, campaigns resume."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import pytest

from symtrack.cosim.mutation import golden_trials, golden_waivers
from symtrack.cosim.mutation.golden_places import (
    FILES,
    LEAST,
    LEFT_OUT,
    GoldenMutant,
    change,
    mutated,
    places,
    sample,
    scope,
)
from symtrack.cosim.mutation.golden_trials import (
    COMPILED,
    CONTROL,
    RECORD,
    Copy,
    TrialOutcome,
    campaign,
    deciding_tests,
    dependents,
    imports,
    key,
)
from symtrack.cosim.mutation.golden_waivers import WAIVERS, MutantWaiver
from symtrack.cosim.mutation.netlist import KILLED, REJECTED, SURVIVED
from symtrack.cosim.tools.journal import Journal
from symtrack.cosim.tools.toolchain import ToolError
from symtrack.scripts import mutate_golden
from tests.paths import ROOT

pytestmark = pytest.mark.skipif(find_spec("cosmic_ray") is None, reason="cosmic-ray is not installed")

FILE = "model/spec/fixed.py"
SHIFT = GoldenMutant(FILE, "core/ReplaceBinaryOperator_RShift_LShift", 0)
TEST = ("tests/model/spec/test_fixed.py",)


def digest() -> str:
    """The digest of the checkout's model."""
    files = sorted((ROOT / "model").rglob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    return Copy(ROOT, tmp_path_factory.mktemp("trials") / "copy")


def test_an_error_is_found_and_only_in_the_copy(copy: Copy) -> None:
    before = digest()
    outcome = copy.judge(SHIFT, TEST, "of these tests")
    assert (outcome.fate, outcome.file, outcome.before.count(">>")) == (KILLED, FILE, 2)
    assert (outcome.after.count(">>"), outcome.scope, outcome.tests) == (1, "round_shift", None)
    assert outcome.test is not None
    assert outcome.test.startswith(TEST[0])
    assert not outcome.doubtful
    assert digest() == before
    assert (copy.folder / FILE).read_bytes() == (ROOT / FILE).read_bytes()


def test_no_error_is_rejected_and_one_that_no_test_sees_survives(copy: Copy) -> None:
    assert copy.judge(GoldenMutant(FILE, "core/NoOp", 0), TEST, "").fate == REJECTED
    outcome = copy.judge(SHIFT, ("tests/model/tile/test_sequencer.py",), "of these tests")
    assert (outcome.fate, outcome.test, outcome.tests) == (SURVIVED, None, "of these tests")


@pytest.mark.slow
def test_an_error_of_a_kernel_is_found_in_spite_of_kernels_without_it(copy: Copy, tmp_path: Path) -> None:
    tests = ("tests/model/tile/test_quadrants.py",)
    copy.control(tests)
    kernels = {path.name.partition(".")[0] for path in copy.folder.rglob("*.nbi")}
    assert "quadrants" in kernels
    another = Copy(copy.folder, tmp_path / "another")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(golden_trials, "COMPILED", tests)
        mutant = GoldenMutant("model/tile/quadrants.py", "core/ReplaceBinaryOperator_BitXor_BitOr", 0)
        assert another.judge(mutant, tests, "").fate == KILLED


def test_a_test_that_does_not_end_is_a_finding(copy: Copy, monkeypatch: pytest.MonkeyPatch) -> None:
    test = copy.folder / "tests/model/test_endless.py"
    test.write_text("def test_it() -> None:\n    while True: pass\n")
    monkeypatch.setattr(golden_trials, "TEST_S", 1)
    monkeypatch.setattr(golden_trials, "_LIMIT", tuple(re.sub(r"=\d+", "=1", word) for word in golden_trials._LIMIT))
    outcome = copy.judge(SHIFT, ("tests/model/test_endless.py",), "")
    assert (outcome.fate, outcome.test, outcome.doubtful) == (KILLED, "not done after 1 s", True)


def test_a_test_that_fails_without_an_error_ends_the_work(tmp_path: Path) -> None:
    copy = Copy(ROOT, tmp_path / "copy")
    (copy.folder / "tests/model/test_none.py").write_text("def test_it() -> None:\n    assert not 'this'\n")
    with pytest.raises(
        ToolError, match=r"without an error in the golden model a test fails or does not end: .*test_none\.py::test_it"
    ):
        copy.control(("tests/model/test_none.py",))
    with pytest.raises(ToolError, match=r"a test fails or does not end: exit code 4 of pytest, .*nowhere"):
        copy.control(("tests/model/nowhere.py",))


def test_mutants_differ_and_are_drawn_by_the_seed() -> None:
    files = ("model/tile/chopper.py", "model/tile/low_pass.py", "model/devices/cells.py")
    first = sample(ROOT, 60, 1, files)
    assert len(set(first)) == 60
    assert first == sample(ROOT, 60, 1, files) != sample(ROOT, 60, 2, files)
    assert first[:20] == sample(ROOT, 20, 1, files)
    assert {mutant.file for mutant in first} == set(files)
    changes = set()
    for mutant in first:
        source = (ROOT / mutant.file).read_text(encoding="utf-8")
        line, before, after = change(source, mutated(source, mutant))
        assert before != after
        assert line > 0
        changes.add((mutant.file, line, before, after))
    assert len(changes) == 60


def test_every_file_gets_some_and_large_ones_more() -> None:
    files = ("model/tile/low_pass.py", "model/tile/quadrants.py", "model/devices/block.py")
    drawn = sample(ROOT, 80, 1, files)
    counts = [sum(mutant.file == file for mutant in drawn) for file in files]
    assert counts[0] == LEAST
    assert counts[0] <= counts[1] < counts[2] / 3
    assert sum(counts) == 80
    left = {place.mutant: place.start for place in places(ROOT, files[0]) if place.left_out is None}
    of_the_smallest = [left[mutant] for mutant in drawn if mutant.file == files[0]]
    assert len(set(of_the_smallest)) == min(LEAST, len(set(left.values())))


def test_the_scope_of_a_line() -> None:
    method = "    @c\n    def f(self):\n        def g():\n            return 3\n        return 4\n"
    source = f"x = 1\n@a\n@b\nclass C:\n    y = 2\n{method}"
    scopes = [scope(source, line) for line in range(1, 11)]
    assert scopes == ["", "C", "C", "C", "C", "C.f", "C.f", "C.f.g", "C.f.g", "C.f"]


def test_a_place_that_is_not_there_is_named() -> None:
    with pytest.raises(ValueError, match=r"model/spec/fixed\.py: has no place 9999 for core/NumberReplacer"):
        mutated("x = 1\n", GoldenMutant(FILE, "core/NumberReplacer", 9999))


def test_what_is_not_executed_is_left_out(tmp_path: Path) -> None:
    source = """
@njit(cache=True)
def f(x: int | None, *, y: float | int = 1 + 2) -> int | None:
    z: int | str = x + y
    if z > 3:
        raise ValueError(f"{z + 4}")
    return z
"""
    (tmp_path / "f.py").write_text(source)
    told: dict[str | None, set[str]] = {}
    for place in places(tmp_path, "f.py"):
        line, column = place.start
        token = re.match(r"@?\w+|[^\w\s,]+", source.splitlines()[line - 1][column:])
        assert token is not None
        told.setdefault(place.left_out, set()).add(token[0])
    assert told.pop("annotation") == {"|"}
    assert told.pop("signature") == {"*"}
    assert told.pop("decorator") == {"@njit", "True"}
    assert told.pop("message") == {"+", "4"}
    assert told.pop(None) >= {"1", "+", "2", "z", ">", "3"}
    assert not told
    assert set(LEFT_OUT) == {"annotation", "signature", "decorator", "message"}


def test_users_of_a_file_are_those_that_import_it() -> None:
    files = imports(ROOT)
    assert dependents(files, "model/tile/waveform.py") == {"model/tile/waveform.py"}
    users = dependents(files, "model/devices/block.py")
    assert users > {
        "model/devices/kernels.py",
        "model/devices/array.py",
        "model/training/trainer.py",
    }  # disturb is imported as a name
    assert "model/devices/array.py" in dependents(files, "model/devices/disturb.py")
    assert "model/tile/operations.py" not in users


def test_tests_of_a_file() -> None:
    records = "tests/model/test_records.py"
    assert deciding_tests(ROOT, "model/tile/waveform.py") == ("tests/model/tile/test_waveform.py", records)
    assert deciding_tests(ROOT, "model/tile/chopper.py")[:3] == (
        *("tests/model/tile/test_chopper.py", records),
        "tests/model/tile/test_transfer.py",
    )
    devices = deciding_tests(ROOT, "model/devices/array.py")
    assert devices[:3] == ("tests/model/devices/test_array.py", records, "tests/model/devices/test_disturb.py")
    assert devices[-1] == RECORD
    assert len(set(devices)) == len(devices)
    assert {test for file in FILES for test in deciding_tests(ROOT, file)} > COMPILED


def test_a_campaign_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mutants that are judged (by a stand-in) are not judged again, except for those that survived other tests."""
    judged: list[GoldenMutant] = []

    def judge_one(first: Path, mutant: GoldenMutant, tests: Sequence[str], digest: str) -> TrialOutcome:
        judged.append(mutant)
        told = (SURVIVED, None, digest) if mutant == judged[0] else (KILLED, TEST[0], None)
        return TrialOutcome(mutant.file, mutant.operator, mutant.occurrence, "f", 1, "x", "y", *told)

    monkeypatch.setattr(golden_trials, "Pool", lambda *_, **__: ThreadPoolExecutor(1))
    monkeypatch.setattr(golden_trials, "judge", judge_one)
    monkeypatch.setattr(Copy, "control", lambda *_: None)
    monkeypatch.setattr(golden_trials, "FILES", (FILE,))
    file = tmp_path / "log.jsonl"

    def go_on(progress: Callable[[int], None]) -> list[TrialOutcome]:
        with Journal(file, key(ROOT)) as journal:
            return campaign(ROOT, 3, 1, jobs=1, journal=journal, progress=progress)

    first = go_on(lambda done: None)
    assert judged == [GoldenMutant(outcome.file, outcome.operator, outcome.occurrence) for outcome in first]
    lines = file.read_text().splitlines()
    file.write_text("".join(f"{line}\n" for line in lines[:2]))
    told: list[int] = []
    assert go_on(told.append) == first
    assert told == [2, 3]
    assert (judged[3].operator, judged[3].occurrence) == tuple(
        json.loads(lines[2])[name] for name in ("operator", "occurrence")
    )
    monkeypatch.setattr(golden_trials, "tests_digest", lambda root: "of other tests")
    go_on(told.append)
    assert judged[4:] == [judged[0]]
    monkeypatch.setattr(golden_trials, "tests_digest", lambda root: "of others again")
    monkeypatch.setattr(golden_waivers, "WAIVERS", (MutantWaiver(FILE, "f", "x", "y", "does the same"),))
    go_on(told.append)
    assert len(judged) == 5


def test_a_campaign_keeps_nothing_of_a_batch_whose_control_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise ToolError("the disk is full")

    monkeypatch.setattr(golden_trials, "Pool", lambda *_, **__: ThreadPoolExecutor(1))
    monkeypatch.setattr(
        golden_trials, "judge", lambda *_: TrialOutcome(FILE, "core/NoOp", 0, "f", 1, "x", "y", KILLED, TEST[0])
    )
    monkeypatch.setattr(Copy, "control", lambda _, tests: fail() if tests is CONTROL else None)
    monkeypatch.setattr(golden_trials, "FILES", (FILE,))
    file = tmp_path / "log.jsonl"
    with Journal(file, key(ROOT)) as journal, pytest.raises(ToolError, match="the disk is full"):
        campaign(ROOT, 2, 1, jobs=1, journal=journal, progress=lambda done: None)
    assert file.read_text() == ""


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("not done after 60 s", None),
        ("exit code -9 of pytest, ''", "not done after 3600 s"),
        (f"{TEST[0]}::test", None),
    ],
)
def test_what_the_machine_may_have_killed_is_tried_again_alone(
    first: str, second: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no test has found a mutant, a second trial with none beside it decides."""
    tried: list[GoldenMutant] = []
    running: list[GoldenMutant] = []

    def judge_one(folder: Path, mutant: GoldenMutant, tests: Sequence[str], digest: str) -> TrialOutcome:
        running.append(mutant)
        time.sleep(0.1)
        again = mutant in tried
        assert not again or running == [mutant]
        tried.append(mutant)
        running.remove(mutant)
        test = f"{TEST[0]}::test" if mutant != tried[0] else second if again else first
        return TrialOutcome(
            mutant.file, mutant.operator, mutant.occurrence, "f", 1, "x", "y", KILLED if test else SURVIVED, test
        )

    monkeypatch.setattr(golden_trials, "Pool", lambda *_, **__: ThreadPoolExecutor(2))
    monkeypatch.setattr(golden_trials, "judge", judge_one)
    monkeypatch.setattr(Copy, "control", lambda *_: None)
    monkeypatch.setattr(golden_trials, "FILES", (FILE,))
    with Journal(tmp_path / "log", "key") as journal:
        found = campaign(ROOT, 4, 1, jobs=2, journal=journal, progress=lambda done: None)
    with Journal(tmp_path / "log", "key") as journal:
        assert [TrialOutcome(**entry) for entry in journal.entries] == found
    told = {GoldenMutant(outcome.file, outcome.operator, outcome.occurrence): outcome.test for outcome in found}
    if first.startswith("tests/"):
        assert (len(tried), told[tried[0]]) == (4, first)
    else:
        assert (tried[4:], told[tried[0]]) == ([tried[0]], second)


def test_a_test_that_takes_all_memory_has_not_found_anything(copy: Copy) -> None:
    test = copy.folder / "tests/model/test_large.py"
    test.write_text("def test_it() -> None:\n    bytearray(1 << 40)\n")
    outcome = copy.judge(SHIFT, ("tests/model/test_large.py",), "")
    assert outcome.doubtful
    assert "exit code 1 of pytest" in str(outcome.test)


@pytest.mark.parametrize(("enough", "code"), [(66, 0), (67, 1)])
def test_the_command_line_counts_and_shows_survivors(
    enough: int, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fates = (KILLED, KILLED, SURVIVED, REJECTED)
    by = ("exit code -9 of pytest, ''", f"{RECORD}::test", None, None)
    outcomes = [
        TrialOutcome(FILE, "core/x", k, "f", 40 + k, f"old {k}", f"new {k}", fate, by[k])
        for k, fate in enumerate(fates)
    ]
    outcomes.append(TrialOutcome(FILE, "core/x", 9, "f", 49, "same", "again", SURVIVED))
    monkeypatch.setattr(mutate_golden, "campaign", lambda *_, **__: outcomes)
    monkeypatch.setattr(golden_waivers, "WAIVERS", (MutantWaiver(FILE, "f", "same", "again", "does the same"),))
    monkeypatch.setattr(mutate_golden, "FILES", (FILE,))
    assert mutate_golden.main(["--log", str(tmp_path / "log.jsonl"), "--at-least", str(enough)]) == code
    out = capsys.readouterr().out
    assert [row.split()[3:] for row in out.splitlines() if row.strip().startswith("whole")] == [
        ["2", "1", "1", "1", "1", "1", "66.7%"]
    ]
    assert "survived: model/spec/fixed.py:42, in f\n- old 2\n+ new 2" in out
    assert "again" not in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--mutants", "0"], "--mutants: '0': must be an integer from 1 to 10000"),
        (["--jobs", "many"], "--jobs: 'many': must be an integer from 1 to 256"),
        (["--at-least", "101"], "--at-least: '101': must be an integer from 0 to 100"),
        (["--log", "/dev/null/log"], "--log: '/dev/null/log': must be a file that can be written to"),
    ],
)
def test_bad_input(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        mutate_golden.main(arguments)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_a_log_of_something_else_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "log.jsonl").write_text("no journal\n")
    with pytest.raises(SystemExit) as ended:
        mutate_golden.main(["--log", str(tmp_path / "log.jsonl")])
    assert ended.value.code == 2
    assert "log.jsonl, line 1: must be what an earlier run has written" in capsys.readouterr().err


def test_waivers_are_in_the_plan() -> None:
    plan = (ROOT / "docs/verification.md").read_text(encoding="utf-8").partition("### Waived survivors of golden\n")[2]
    rows = [line for line in plan.partition("\n## ")[0].splitlines() if line.startswith("| `")]
    expected = []
    for file, where, *lines, reason in WAIVERS:
        before, after = (line.replace("|", r"\|") for line in lines)
        expected.append(f"| `{file}` | {f'`{where}`' if where else 'module'} | `{before}` | `{after}` | {reason} |")
    assert rows == expected


def test_files_tests_and_waivers_are_there() -> None:
    for file in FILES:
        for name in (file, *(test.partition("::")[0] for test in deciding_tests(ROOT, file))):
            assert (ROOT / name).is_file(), name
    for waiver in WAIVERS:
        assert waiver.file in FILES
        source = (ROOT / waiver.file).read_text(encoding="utf-8")
        lines = [k for k, line in enumerate(source.splitlines(), 1) if line.strip() == waiver.before]
        assert [scope(source, line) for line in lines].count(waiver.scope) == 1, waiver
        assert waiver.before != waiver.after
    assert len({waiver[:4] for waiver in WAIVERS}) == len(WAIVERS)
