"""The compiled update against coincidences counted slot by slot, in any order and with any number of threads."""

import numpy as np
import pytest

from model.devices import kernels
from model.devices.array import DeviceArray
from model.devices.soft_bounds import SoftBounds

SHAPES = [(1, 1), (3, 5), (17, 7), (33, 64)]
UP = np.array([0, 1, 1, 0])  # polarity of a quadrant, any will do


def make(rows: int, columns: int, threads: int = 1) -> DeviceArray:
    cells = SoftBounds(dw_min=0.01, reference_std=0.1).cells(rows=rows, columns=columns, seed=5, array="fast")
    return DeviceArray(cells=cells, key=11, threads=threads)


def random_slots(rows: int, columns: int, seed: int, bl: int = 31) -> tuple[np.ndarray, ...]:
    """Slots of all four quadrants; a line belongs to one sign."""
    print(f"seed {seed}")
    rng = np.random.default_rng(seed)
    row_negative, column_negative = rng.integers(0, 2, rows), rng.integers(0, 2, columns)
    quadrant = np.repeat(np.arange(4), bl)
    row_fires = (rng.random((4 * bl, rows)) < 0.4) & (row_negative == (quadrant >> 1)[:, None])
    column_fires = (rng.random((4 * bl, columns)) < 0.4) & (column_negative == (quadrant & 1)[:, None])
    return row_fires.astype(np.uint8), column_fires.astype(np.uint8), UP[quadrant], quadrant


@pytest.mark.parametrize(("rows", "columns"), SHAPES)
@pytest.mark.parametrize("bl", [1, 31, 63])
def test_update_steps_every_cell_once_per_coincidence(rows: int, columns: int, bl: int) -> None:
    slots = random_slots(rows, columns, seed=rows * columns + bl, bl=bl)
    row_fires, column_fires, up, _ = (part.astype(np.int64) for part in slots)
    signed = np.einsum("si,sj,s->ij", row_fires, column_fires, 2 * up - 1)
    updated, pulsed = make(rows, columns), make(rows, columns)
    assert updated.update(*slots) == np.abs(signed).sum()
    pulsed.pulse(signed)
    assert np.array_equal(updated.state, pulsed.state)
    assert np.array_equal(updated.pulse_numbers, np.abs(signed))

    slots[0][0, 0] ^= 1  # the twin: one line pulse more or less, met by a column of the same slot
    slots[1][0, 0] = 1
    twin = make(rows, columns)
    twin.update(*slots)
    assert not np.array_equal(updated.pulse_numbers, twin.pulse_numbers)


def test_order_of_columns_does_not_matter() -> None:
    counts = np.random.default_rng(1).integers(-9, 10, (17, 7))
    forwards, backwards = make(17, 7), make(17, 7)
    for column in range(7):
        forwards.pulse_column(column, counts[:, column])
        backwards.pulse_column(6 - column, counts[:, 6 - column])
    assert np.array_equal(forwards.state, backwards.state)


@pytest.mark.parametrize(("rows", "columns"), SHAPES)
def test_threads_do_not_change_a_bit(rows: int, columns: int) -> None:
    one, two = make(rows, columns), make(rows, columns, threads=2)
    for seed in range(5):
        slots = random_slots(rows, columns, seed)
        assert one.update(*slots) == two.update(*slots)
    assert np.array_equal(one.state, two.state)
    assert np.array_equal(one.pulse_numbers, two.pulse_numbers)


def test_an_empty_update_does_nothing() -> None:
    array = make(3, 5)
    before = array.state.copy()
    assert array.update(np.zeros((0, 3)), np.zeros((0, 5)), np.zeros(0), np.zeros(0)) == 0
    assert np.array_equal(array.state, before)


def test_states_stay_within_their_bounds() -> None:
    array = make(17, 7)
    for sign in (1, -1):
        array.pulse(np.full((17, 7), sign * 2000))
        assert (array.state >= array.cells.low).all()
        assert (array.state <= array.cells.high).all()


def test_programming_clips_to_the_bounds() -> None:
    array = make(17, 7)
    array.program(np.full((17, 7), 3 << 30))
    assert np.array_equal(array.state, array.cells.high)


@pytest.mark.parametrize("word", [0, 1, (1 << 63) | 1, (1 << 64) - 1, 0x0123456789ABCDEF])
def test_popcount(word: int) -> None:
    assert kernels.popcount(np.uint64(word)) == word.bit_count()
