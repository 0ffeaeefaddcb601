# SPDX-License-Identifier: Apache-2.0
"""Tests that threads share updates only where that is faster, whatever the machine does meanwhile."""

from __future__ import annotations

from collections.abc import Callable

from symtrack.model.devices.sharing import TRIAL, Sharing

MS = 1_000_000


def spent(sharing: Sharing, alone: Callable[[int], int], shared: Callable[[int], int], updates: int) -> list[int]:
    """ns that updates take, alone and shared, if one takes so long as the two functions of its number say."""
    total = [0, 0]
    for number in range(updates):
        way = sharing.alone()
        ns = (alone if way else shared)(number)
        sharing.took(way, ns, 1000)
        total[way] += ns
    return [total[True], total[False]]


def test_a_busy_machine_costs_a_small_part_of_the_time() -> None:
    """0.31 ms alone and 16 ms shared, as measured where another program had the second core."""
    alone, shared = spent(Sharing(), lambda _: 310_000, lambda _: 16 * MS, 10_000)
    assert alone > 9_000 * 310_000
    assert 0 < shared <= 2 * 16 * MS + (alone + shared) / TRIAL


def test_sharing_goes_on_as_long_as_it_is_faster() -> None:
    alone, shared = spent(Sharing(), lambda _: 310_000, lambda _: 170_000, 10_000)
    assert alone <= 2 * 310_000 + (alone + shared) / TRIAL


def test_a_machine_that_becomes_busy_is_noticed_at_once_and_one_that_is_free_again_soon() -> None:
    sharing, ways = Sharing(), []
    for number in range(30_000):
        way = sharing.alone()
        ways.append(way)
        busy = 10_000 <= number < 20_000
        sharing.took(way, 310_000 if way else 16 * MS if busy else 170_000, 1000)
    assert ways[10_000:20_000].count(False) < 10
    assert sum(ways[5_000:10_000]) < 5_000 / TRIAL * 2
    assert sum(ways[25_000:]) < 5_000 / TRIAL * 2


def test_more_work_is_not_taken_for_a_slower_machine() -> None:
    sharing = Sharing()
    for number in range(3000):
        way, work = sharing.alone(), 10_000 if number % 7 == 0 else 1000
        sharing.took(way, work * (310 if way else 170), work)
    assert not sharing.alone()


def test_what_compiles_a_kernel_is_not_counted() -> None:
    sharing = Sharing()
    first: set[bool] = set()
    ways = []
    for _ in range(1000):
        way = sharing.alone()
        ways.append(way)
        sharing.took(way, 170_000 if way in first and not way else 310_000 if way in first else 10_000 * MS, 1000)
        first.add(way)
    assert ways.count(True) < 50
