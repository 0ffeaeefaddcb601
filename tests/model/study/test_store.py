# SPDX-License-Identifier: Apache-2.0
"""Tests of the store of results: many writers, merging, claims, and processes that are killed."""

import json
import multiprocessing
import os
import signal
import time
from pathlib import Path

from symtrack.model.study.case import Case, key
from symtrack.model.study.runner import missing, run_all
from symtrack.model.study.store import Store
from symtrack.model.training.spec import TrainingSpec


def test_results_are_found_by_all_who_look_and_the_first_counts(tmp_path: Path) -> None:
    one, other = Store(tmp_path), Store(tmp_path)
    assert one.get("a") is None
    one.add("a", {"n": 1}, {"seed": 1})
    assert (one.get("a"), other.get("a")) == ({"n": 1}, None)
    other.refresh()
    assert other.get("a") == {"n": 1}
    other.add("a", {"n": 2})
    other.add("b", {"n": 3})
    assert other.get("a") == {"n": 1}
    assert len(list(tmp_path.glob("*.jsonl"))) == 2
    assert json.loads(next(tmp_path.glob("*.jsonl")).read_text().splitlines()[0])["key"] == "a"
    assert len(Store(tmp_path)) == 2


def test_folders_merge_by_copying_their_files(tmp_path: Path) -> None:
    for name in ("one", "other"):
        Store(tmp_path / name).add(name, {"from": name})
    for file in (tmp_path / "other").glob("*.jsonl"):
        (tmp_path / "one" / file.name).write_bytes(file.read_bytes())
    merged = Store(tmp_path / "one")
    assert [merged.get(name) for name in ("one", "other")] == [{"from": "one"}, {"from": "other"}]


def test_a_line_in_work_is_read_when_it_is_whole(tmp_path: Path) -> None:
    line = json.dumps({"key": "a", "result": {"n": 1}}) + "\n"
    file, store = tmp_path / "x.jsonl", Store(tmp_path)
    for part in (line[:10], line[10:]):
        with file.open("a") as lines:
            lines.write(part)
        store.refresh()
        assert store.get("a") == ({"n": 1} if part == line[10:] else None)


def test_a_claim_is_of_one_process_until_it_ends(tmp_path: Path) -> None:
    one, other = Store(tmp_path), Store(tmp_path)
    with one.claim("a") as mine, other.claim("a") as theirs, other.claim("b") as free:
        assert (mine, theirs, free) == (True, False, True)
    with other.claim("a") as mine:
        assert mine
    one.add("a", {})
    with other.claim("a") as mine:
        assert not mine, "it has a result, which other had not read yet"
    assert list((tmp_path / "claims").iterdir()) == []


def cases(count: int = 12, steps: int = 3) -> list[Case]:
    """Runs of a task that other processes know."""
    runs = [TrainingSpec(task="noisy-quadratic", seed=seed) for seed in range(1, count + 1)]
    return [Case(experiment="e", labels=(("seed", run.seed),), run=run, steps=steps) for run in runs]


def work(folder: Path, steps: int) -> None:
    run_all(cases(steps=steps), Store(folder))


def test_processes_that_are_killed_lose_no_case_and_none_is_counted_twice(tmp_path: Path) -> None:
    """Two processes run the same study; both are killed in the middle, and started again."""
    context, steps = multiprocessing.get_context("spawn"), 400

    def start() -> list:
        processes = [context.Process(target=work, args=(tmp_path, steps)) for _ in range(2)]
        for process in processes:
            process.start()
        return processes

    killed = start()
    deadline = time.monotonic() + 240
    while len(Store(tmp_path)) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    for process in killed:
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    before = len(Store(tmp_path))
    assert 2 <= before < 12, "they were killed in the middle"
    for process in start():
        process.join(240)
        assert process.exitcode == 0
    store = Store(tmp_path)
    assert not missing(cases(steps=steps), store)
    lines = [json.loads(line) for file in tmp_path.glob("*.jsonl") for line in file.read_text().splitlines()]
    assert sorted(line["key"] for line in lines) == sorted(key(case) for case in cases(steps=steps))
