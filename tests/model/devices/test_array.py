# SPDX-License-Identifier: Apache-2.0
"""Tests of the compiled array update against coincidences counted slot by slot, in any order and number of threads."""

from dataclasses import replace

import numpy as np
import pytest

from symtrack.model.devices import kernels
from symtrack.model.devices.array import DeviceArray
from symtrack.model.devices.block import COUNT, QUEUE, QUEUES, STRAYS, new_room, pulse_block, waiting
from symtrack.model.devices.exponential_step import ExponentialStep
from symtrack.model.devices.linear_step import LinearStep
from symtrack.model.devices.power_step import PowerStep
from symtrack.model.devices.records import LANES, fits_words
from symtrack.model.devices.soft_bounds_reference import SoftBoundsReference
from symtrack.model.devices.trains import from_words, packed, popcount
from tests.model.references import pulse_noise as equations

SHAPES = [(1, 1), (3, 5), (17, 7), (33, 64), (64, 5), (97, 33)]
UP = np.array([0, 1, 1, 0])  # polarity of a quadrant, any will do


def make(rows: int, columns: int, **device: float | bool) -> DeviceArray:
    parameters = {"dw_min": 0.01, "reference_std": 0.1, **device}
    cells = SoftBoundsReference(**parameters).cells(rows=rows, columns=columns, seed=5, array="fast")
    return DeviceArray(cells=cells, key=11)


def one_by_one(array: DeviceArray, slots: tuple[np.ndarray, ...]) -> np.ndarray:
    """States after an update as the equations say, slot by slot and cell by cell in Python's integers."""
    cells, state = array.cells, array.state.astype(object)
    numbers, (sigma, fraction) = array.pulse_numbers, equations.sigma(cells.noise)
    for row_fires, column_fires, up, _ in zip(*slots, strict=True):
        for i, j in np.argwhere(np.outer(row_fires, column_fires)):
            size, slope = (int(part[up, i, j]) for part in (cells.step, cells.slope))
            drift = (slope * state[i, j] + (1 << 29)) >> 30
            step = size if up else -size
            draw = equations.draw(equations.word(11, int(j * state.shape[0] + i), int(numbers[i, j])))
            base = step - drift if cells.multiplicative else step
            moved = state[i, j] + step - drift + ((base * sigma * draw + (1 << fraction - 1)) >> fraction)
            state[i, j] = min(max(moved, int(cells.low[i, j])), int(cells.high[i, j]))
            numbers[i, j] += 1
    return state.astype(np.int32)


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


@pytest.mark.parametrize(
    "device",
    [
        *({}, {"mult_noise": True}, {"dw_min_std": 0.0}, {"dw_min_std": 5.0}, {"up_down": -0.5, "w_max": 0.1}),
        *({"dw_min": 0.3, "dw_min_std": 2.0}, {"dw_min": 0.3, "dw_min_std": 2.0, "mult_noise": True}),  # not in words
    ],
    ids=str,
)
def test_update_is_the_equations_pulse_by_pulse(device: dict[str, float | bool]) -> None:
    """More cells than a batch holds; the second update goes on with the numbers of the first."""
    array = make(33, 64, **device)
    for seed in (1, 2):
        slots = random_slots(33, 64, seed, bl=7)
        expected = one_by_one(array, slots)
        array.update(*slots)
        assert np.array_equal(array.state, expected)
    slots[2][slots[2].size // 2 :] ^= 1  # the twin: other polarities
    expected = one_by_one(array, slots)
    slots[2][:] ^= 1
    array.update(*slots)
    assert not np.array_equal(array.state, expected)


@pytest.mark.parametrize("kind", [SoftBoundsReference, LinearStep, ExponentialStep, PowerStep])
@pytest.mark.parametrize("noise", [0.3, 2.0])
def test_cells_that_fit_words_move_in_them_as_in_wider_ones(kind: type, noise: float) -> None:
    """Bounds of up to nearly two on both sides, which are farther apart than an int32."""
    device = kind(dw_min=0.002, dw_min_std=noise, w_max=1.1, w_min=-1.1, w_max_dtod=0.2, w_min_dtod=0.2)
    cells = device.cells(rows=33, columns=64, seed=5, array="a")
    assert (cells.high - cells.low).max() > 1 << 31
    near, far = (DeviceArray(cells=cells, key=11) for _ in range(2))
    assert near.memory.near
    far.memory = far.memory._replace(near=False)
    for seed in (1, 2):
        slots = random_slots(33, 64, seed)
        near.update(*slots)
        far.update(*slots)
    assert np.array_equal(near.state, far.state)
    assert np.array_equal(near.words, far.words)


def test_words_hold_the_largest_step_with_the_largest_draw() -> None:
    """Steps that add up with their noise to less than two."""
    cells = make(3, 5, dw_min_std=1.0, dw_min_dtod=0.0, up_down_dtod=0.0, w_max_dtod=0.0, w_min_dtod=0.0).cells
    largest = max(cells.largest_change(), int(cells.step.max()))
    times = (1 << 31) / (largest * (1 + 6))  # six standard deviations of a step's size
    for factor, fits in ((0.99, True), (1.01, False)):
        scaled = {"step": cells.step * times * factor, "slope": cells.slope * times * factor}
        larger = replace(cells, **{name: values.astype(np.int64) for name, values in scaled.items()})
        assert fits_words(larger) == fits


def test_lines_that_fire_with_both_signs_step_quadrant_by_quadrant() -> None:
    """The periphery never does this, but RTL that is wrong may, and must then give a defined result."""
    rng = np.random.default_rng(3)
    quadrant = np.repeat(np.arange(4), 5)
    slots = (rng.integers(0, 2, (20, 9)), rng.integers(0, 2, (20, 17)), UP[quadrant], quadrant)
    array = make(9, 17)
    expected = one_by_one(array, slots)
    array.update(*slots)
    assert np.array_equal(array.state, expected)
    backwards = tuple(part[::-1] for part in slots)  # the twin: the last quadrant first
    assert not np.array_equal(array.state, one_by_one(make(9, 17), backwards))


@pytest.mark.parametrize("side", ["rows", "columns"])
def test_a_sparse_update_is_the_dense_one_without_the_silent_lines(side: str) -> None:
    rows, columns = (64, 9) if side == "rows" else (9, 64)
    dense = random_slots(rows, columns, seed=4)
    keep = np.random.default_rng(4).permutation(64) < 7
    sparse = [part.copy() for part in dense]
    sparse[0 if side == "rows" else 1][:, ~keep] = 0
    full, part, before = make(rows, columns), make(rows, columns), make(rows, columns).state
    full.update(*dense)
    part.update(*sparse)
    axis = 0 if side == "rows" else 1
    assert np.array_equal(part.state.compress(keep, axis), full.state.compress(keep, axis))
    assert np.array_equal(part.state.compress(~keep, axis), before.compress(~keep, axis))
    assert not np.array_equal(full.state.compress(~keep, axis), before.compress(~keep, axis))


def test_a_pulse_more_than_a_batch_can_give_is_given_by_the_next() -> None:
    once, often = make(17, 7), make(17, 7)
    counts = np.random.default_rng(5).integers(-200, 201, (17, 7))
    once.pulse(counts)
    for _ in range(200):
        now = np.sign(counts)
        often.pulse(now)
        counts = counts - now
    assert np.array_equal(once.state, often.state)
    often.pulse(np.eye(17, 7, dtype=int))
    assert not np.array_equal(once.state, often.state)


def test_steps_that_do_not_fit_their_word_are_refused() -> None:
    cells = make(3, 5).cells
    with pytest.raises(ValueError, match=r"slope of the cells: must be from -2147483648 to 2147483647"):
        DeviceArray(cells=replace(cells, slope=cells.slope << 30), key=1)


def test_order_of_columns_does_not_matter() -> None:
    counts = np.random.default_rng(1).integers(-9, 10, (17, 7))
    forwards, backwards = make(17, 7), make(17, 7)
    for column in range(7):
        forwards.pulse_column(column, counts[:, column])
        backwards.pulse_column(6 - column, counts[:, 6 - column])
    assert np.array_equal(forwards.state, backwards.state)


@pytest.mark.parametrize("shares", [1, 2, 3])
@pytest.mark.parametrize("height", [17, 70])
def test_many_updates_at_once_are_updates_one_after_the_other(height: int, shares: int) -> None:
    """A line belongs to one share through all of them, whichever rows and columns fire in which update."""
    rng, slots = np.random.default_rng(3), [random_slots(height, 40, seed=seed, bl=5) for seed in range(30)]
    for _, columns, _, _ in slots:
        columns[:, rng.random(40) < 0.7] = 0
    together, single = make(height, 40), make(height, 40)
    words = [packed(*(np.asarray(part, np.uint8) for part in update)) for update in slots]
    rows, columns, up = (np.concatenate(parts) for parts in zip(*words, strict=True))
    trains = from_words(rows, columns, up, together.turned)
    done = sum(kernels.update_lines(share, shares, trains, together.memory) for share in range(shares))
    assert done == sum(single.update(*update) for update in slots)
    assert np.array_equal(together.state, single.state)
    assert np.array_equal(together.pulse_numbers, single.pulse_numbers)
    assert np.array_equal(together.words, single.words)
    other = make(height, 40)
    kernels.update_lines(0, 1, from_words(rows[::-1], columns[::-1], up[::-1], other.turned), other.memory)
    assert not np.array_equal(other.state, single.state)


@pytest.mark.parametrize("rows", [5, 70])
def test_what_products_read_may_be_worked_out_when_they_do(rows: int) -> None:
    followed, other = make(rows, 40), DeviceArray(cells=make(rows, 40).cells, key=11, followed=False)
    for array in (followed, other):
        array.update(*random_slots(rows, 40, seed=2, bl=31))
        array.pulse_column(7, np.arange(rows) - 3)
    assert other.words.flags.c_contiguous
    assert np.array_equal(followed.words, other.words)
    for column in (0, 7, 31, 32, 39):
        assert np.array_equal(other.column(column), followed.words[column])
        assert np.array_equal(followed.column(column), followed.words[column])


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
    assert popcount(np.uint64(word)) == word.bit_count()
    assert kernels.popcount(np.uint32(word & 0xFFFFFFFF)) == (word & 0xFFFFFFFF).bit_count()


def test_cells_without_pulses_in_a_block_stay_as_they_are() -> None:
    """They take lanes of their own, between those with pulses, and at the end of a row that fills no block."""
    first, second = (DeviceArray(cells=make(3, 40).cells, key=3) for _ in range(2))
    counts = np.zeros((3, 40), np.int64)
    counts[1, 33:36] = 0, 2, 1
    first.pulse(counts)
    room = new_room()
    room.lanes[QUEUES + 1 : QUEUES + 4], room.lanes[COUNT + 1 : COUNT + 4] = (0, 3, 1), (0, 2, 1)
    assert waiting(room.lanes) == (2, 2, 3)
    pulse_block(room, 1, 1, 2, second.memory)
    assert not room.lanes[QUEUES : QUEUES + 2 * LANES].any()
    np.testing.assert_array_equal(first.weights, second.weights)
    np.testing.assert_array_equal(first.words, second.words)
    np.testing.assert_array_equal(first.pulse_numbers, counts)
    np.testing.assert_array_equal(second.pulse_numbers, counts)
    pulse_block(room, 1, 1, 0, second.memory)
    np.testing.assert_array_equal(first.weights, second.weights)


@pytest.mark.parametrize("kind", [LinearStep, ExponentialStep, PowerStep])
def test_strays_of_many_blocks_step_as_the_cells_of_blocks_do(kind: type) -> None:
    """Few cells of each block, more than a batch of them, and other few of the same in the next update."""
    arrays = [DeviceArray(cells=kind().cells(rows=40, columns=100, seed=2, array="a"), key=5) for _ in range(2)]
    rng = np.random.default_rng(6)
    for _ in range(3):
        counts = np.zeros((40, 100), np.int64)
        for row in range(40):
            counts[row, rng.permutation(100)[:5]] = rng.integers(-40, 41)
        arrays[0].pulse(counts)
        rows, columns = (np.zeros((1, 4, size), np.uint64) for size in (40, 100))
        for row in range(40):  # an update for each, of which one row fires
            rows[:], columns[:], up = 0, 0, np.zeros((1, 4), np.int64)
            rows[0, 0, row], fires = (1 << 63) - 1, np.abs(counts[row]) > 0
            columns[0, 0, fires] = (1 << int(np.abs(counts[row]).max())) - 1
            up[0, 0] = counts[row].max() > 0
            kernels.update_lines(0, 1, from_words(rows, columns, up, False), arrays[1].memory)
    assert np.array_equal(arrays[0].state, arrays[1].state)
    assert np.array_equal(arrays[0].words, arrays[1].words)
    assert np.array_equal(arrays[0].pulse_numbers, arrays[1].pulse_numbers)
    assert arrays[0].pulse_numbers.any()


def test_more_strays_than_there_is_room_for_step_in_turns() -> None:
    """One cell in each of many blocks, with queues of all lengths up to a full one."""
    arrays = [DeviceArray(cells=LinearStep().cells(rows=17, columns=1500, seed=2, array="a"), key=5) for _ in range(2)]
    rows, columns = (np.zeros((1, 4, size), np.uint64) for size in (17, 1500))
    rows[:, 1], pulses = (1 << QUEUE) - 1, np.arange(1500) // LANES % (QUEUE + 1)
    pulses[np.arange(1500) % LANES != 7] = 0
    columns[0, 1] = [(1 << count) - 1 for count in pulses.tolist()]
    assert 17 * np.count_nonzero(pulses) > STRAYS
    trains = from_words(rows, columns, np.array([[0, 1, 0, 0]]), False)
    assert kernels.update_lines(0, 1, trains, arrays[0].memory) == 17 * pulses.sum()
    arrays[1].pulse(np.broadcast_to(pulses, (17, 1500)))
    assert np.array_equal(arrays[0].state, arrays[1].state)
    assert np.array_equal(arrays[0].words, arrays[1].words)
    assert np.array_equal(arrays[0].pulse_numbers, arrays[1].pulse_numbers)


@pytest.mark.parametrize("slots", [(1,), (31,), (32,), (33,), (63,), (64,), (5, 33, 64, 1, 64, 20)])
def test_queues_that_are_full_are_worked_off_in_between(slots: tuple[int, ...]) -> None:
    """Every slot of updates of a quadrant each, up and down in turn, at more cells than grow together."""
    together, single = make(35, 3), make(35, 3)
    rows, columns = (np.zeros((len(slots), 4, lines), np.uint64) for lines in (35, 3))
    up = np.zeros((len(slots), 4), np.int64)
    for k, count in enumerate(slots):
        rows[k, k % 4], columns[k, k % 4], up[k, k % 4] = (1 << count) - 1, (1 << count) - 1, k % 2
        single.pulse(np.full((35, 3), count if k % 2 else -count))
    trains = from_words(rows, columns, up, together.turned)
    assert kernels.update_lines(0, 1, trains, together.memory) == 35 * 3 * sum(slots)
    assert np.array_equal(together.state, single.state)
    assert np.array_equal(together.words, single.words)


def test_what_products_read_is_the_visible_weight_in_28_bits() -> None:
    array = make(17, 7, reference_mean=0.3)
    array.pulse(np.random.default_rng(1).integers(-40, 41, (17, 7)))
    assert np.array_equal(array.words, (array.weights >> 2).T)
    assert np.array_equal(array.weights, array.state - array.cells.reference)
    far = replace(array.cells, reference=array.cells.reference - (20 << 30))
    assert (DeviceArray(cells=far, key=1).words == 2**31 - 1).all()
    near = replace(array.cells, reference=array.cells.reference + (20 << 30))
    other = DeviceArray(cells=near, key=1)
    other.pulse(np.ones((17, 7)))
    assert (other.words == -(2**31)).all()


def test_pulse_numbers_go_on_after_their_32_bits() -> None:
    """They wrap, and so does the noise, after 2**32 pulses of one cell."""
    array, other = make(3, 1), make(3, 1)
    start = np.zeros((3, 1), np.int64)
    array.restore({**array.state_arrays(), "pulse_numbers": np.full((3, 1), 2**32 - 2)})
    array.pulse(np.full((3, 1), 2))
    assert array.pulse_numbers.tolist() == [[0], [0], [0]]
    for one in (array, other):
        one.program(start)
        one.pulse(np.full((3, 1), 2))
    assert array.pulse_numbers.tolist() == [[2], [2], [2]]
    assert np.array_equal(array.state, other.state)
    other.program(start)
    other.pulse(np.full((3, 1), 2))
    assert not np.array_equal(array.state, other.state)  # the twin: the noise of later pulses
