# SPDX-License-Identifier: Apache-2.0
"""Tests of the analog products with DACs and ADCs against the equations in floating point."""

import numpy as np
import pytest

from symtrack.model.arithmetic.converters import Converters, NoiseStream
from symtrack.model.arithmetic.formats import VALUE_ONE, WEIGHT_ONE, read_words, to_weight
from symtrack.model.arithmetic.noise import derive_key

QUIET = Converters(output_noise=0.0)


def stream(seed: int = 1) -> NoiseStream:
    return NoiseStream(derive_key(seed, "test"))


def seen(weights: np.ndarray) -> np.ndarray:
    """The words of weights."""
    return read_words(to_weight(weights))


def ideal_codes(weights: np.ndarray, x: np.ndarray) -> np.ndarray:
    """ADC codes as the module's equations say, in floating point, not yet rounded."""
    u = np.floor(x / np.abs(x).max() * 63 + 0.5) / 63
    return weights @ u / (12 / 256)


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (3, 5), (17, 7), (32, 65)])
def test_product_follows_the_equations(rows: int, columns: int) -> None:
    rng = np.random.default_rng(rows)
    weights, x = rng.uniform(-0.6, 0.6, (rows, columns)), rng.uniform(-1, 1, columns)
    (codes,), (maximum,) = QUIET.dac((x * VALUE_ONE).astype(np.int64)[None])
    product = QUIET.product(seen(weights), codes, stream())
    ideal = ideal_codes(weights, x)
    assert np.abs(product - ideal).max() <= 0.5 + 1e-4
    assert maximum == int(np.abs((x * VALUE_ONE).astype(np.int64)).max())
    (values,) = QUIET.value(product[None], np.array([maximum])) / VALUE_ONE
    assert np.abs(values - product * 12 / 256 * maximum / VALUE_ONE).max() <= 1 / VALUE_ONE

    codes[0] ^= 1 << 5  # the twin: one bit of one input code
    weights[:, 0] = 0.5
    assert not np.array_equal(QUIET.product(seen(weights), codes, stream()), product)


def test_backward_is_the_product_with_the_transpose() -> None:
    rng = np.random.default_rng(0)
    weights, codes = seen(rng.uniform(-0.6, 0.6, (17, 7))), rng.integers(-63, 64, 17)
    expected = QUIET.product(np.ascontiguousarray(weights.T), codes, stream())
    assert np.array_equal(QUIET.product(weights.T, codes, stream()), expected)


def test_dac_rounds_halves_upwards_and_uses_the_whole_range() -> None:
    codes, maxima = Converters(dac_bits=3).dac(np.array([[6, -6, 1, -1, 3, 0], [0, 0, -2, 1, 0, 0]]))  # largest code 3
    assert codes.tolist() == [[3, -3, 1, 0, 2, 0], [0, 0, -3, 2, 0, 0]]
    assert maxima.tolist() == [6, 2]


def test_zero_inputs_give_zero() -> None:
    codes, maxima = QUIET.dac(np.zeros((1, 5), dtype=np.int64))
    assert (codes.tolist(), maxima.tolist()) == ([[0] * 5], [0])
    assert QUIET.value(np.array([[5]]), maxima).tolist() == [[0]]


def test_products_do_not_depend_on_the_order_of_the_memory() -> None:
    weights = seen(np.random.default_rng(5).uniform(-1, 1, (17, 7)))
    codes = np.array([63, 0, -5, 0, 17, 1, -63])
    by_rows, by_columns = weights, np.asfortranarray(weights)
    neither = np.repeat(weights, 2, axis=1)[:, ::2]
    assert (by_columns.flags.f_contiguous, neither.flags.contiguous) == (True, False)
    expected = Converters().product(by_rows, codes, stream())
    for same in (by_columns, neither):
        assert np.array_equal(Converters().product(same, codes, stream()), expected)
    assert not np.array_equal(Converters().product(-by_columns, codes, stream()), expected)


@pytest.mark.parametrize("by_columns", [True, False])
@pytest.mark.parametrize("read_noise", [0, WEIGHT_ONE // 50])
@pytest.mark.parametrize("columns", [1, 9, 64, 131])
def test_many_products_are_products_one_after_the_other(by_columns: bool, read_noise: int, columns: int) -> None:
    """Each vector has draws of its own, also where they lie apart; with fewer columns than go together, and more."""
    rng, converters = np.random.default_rng(6), Converters(output_bound=2.0)
    weights = np.asarray(seen(rng.uniform(-1, 1, (5, columns))), order="F" if by_columns else "C")
    codes = rng.integers(-63, 64, (150, columns)) * (rng.random((150, columns)) < 0.3)
    noise = stream()
    noise.take(7)
    singles = []
    for vector in codes:
        singles.append(converters.product(weights, vector, noise, read_noise))
        noise.take(4)
    together = converters.products(weights, codes, noise.key, (7, 5 + 4), read_noise)
    assert together.tolist() == np.array(singles).tolist()
    assert converters.products(weights, codes, noise.key, (7, 5), read_noise).tolist() != together.tolist()


def test_adc_clips() -> None:
    weights = seen(np.array([[1.0] * 20, [-1.0] * 20]))
    assert QUIET.product(weights, np.full(20, 63), stream()).tolist() == [255, -256]


def test_column_read_is_the_weight_in_codes() -> None:
    rng = np.random.default_rng(2)
    weights = rng.uniform(-0.6, 0.6, (17, 7))
    codes = QUIET.read_column(seen(weights)[:, 3], stream())
    assert np.array_equal(codes, np.floor(weights[:, 3] / (12 / 256) + 0.5))


def test_output_noise_is_as_large_as_said_and_fresh() -> None:
    converters = Converters(adc_bits=16, output_noise=0.06)
    noise = stream()
    first = converters.product(np.zeros((8192, 1), dtype=np.int32), np.array([63]), noise) * 12 / 32768
    second = converters.product(np.zeros((8192, 1), dtype=np.int32), np.array([63]), noise) * 12 / 32768
    assert noise.position == 2 * 8192
    for draws in (first, second):
        assert abs(draws.mean()) < 5 * 0.06 / np.sqrt(8192)
        assert abs(draws.std() - 0.06) < 5 * 0.06 / np.sqrt(2 * 8192)
    assert abs((first * second).mean()) < 5 * 0.06**2 / np.sqrt(8192)


@pytest.mark.parametrize("output_noise", [0.0, 0.06])
def test_read_noise_is_that_of_every_cell(output_noise: float) -> None:
    """Its variance grows with the sum of the squared inputs, on top of that of the output noise."""
    converters, read_noise = Converters(adc_bits=16, output_noise=output_noise), 0.02
    for codes in (np.array([63]), np.array([63, -63, 63, 0]), np.array([31, 10, -5])):
        weights, words = np.zeros((8192, codes.size), dtype=np.int32), round(read_noise * WEIGHT_ONE)
        noise = stream()
        outputs = [converters.product(weights, codes, noise, words) * 12 / 32768 for _ in range(2)]
        sigma = np.sqrt(output_noise**2 + read_noise**2 * ((codes / 63) ** 2).sum())
        for draws in outputs:
            assert abs(draws.std() - sigma) < 5 * sigma / np.sqrt(2 * 8192)
        assert abs((outputs[0] * outputs[1]).mean()) < 5 * sigma**2 / np.sqrt(8192)
    column = converters.read_column(np.zeros(8192, dtype=np.int32), stream(), words) * 12 / 32768
    assert abs(column.std() - np.hypot(output_noise, read_noise)) < 5 * column.std() / np.sqrt(2 * 8192)


def test_words_of_weights_are_rounded_down_and_clipped() -> None:
    weights = np.array([0, 3, 4, -1, -4, -5, (8 << 30) - 1, 8 << 30, -(8 << 30), -(8 << 30) - 1])
    assert read_words(weights).tolist() == [0, 0, 1, -1, -1, -2, 2**31 - 1, 2**31 - 1, -(2**31), -(2**31)]


def test_the_largest_words_and_codes_do_not_wrap() -> None:
    """A hundred words of 7.89 times codes of 16 bits, in both orders of the memory."""
    converters = Converters(dac_bits=16, output_bound=1024.0, output_noise=0.0)
    for order in ("C", "F"):
        weights = np.asarray(seen(np.array([[7.89] * 100, [-7.89] * 100])), order=order)
        code = converters.product(weights, np.full(100, converters.dac_max), stream())
        assert code.tolist() == [197, -197]  # 789 / 4 = 197.25


def test_huge_read_noise_clips_and_does_not_wrap() -> None:
    """It is as large as noise gets, and clips as often as its share beyond the full scale of 12."""
    outputs = Converters().product(np.zeros((4096, 784), np.int32), np.full(784, 63), stream(), 1 << 41)
    assert (outputs == -256).mean() == pytest.approx(0.36, abs=0.05)
    assert (outputs == 255).mean() == pytest.approx(0.36, abs=0.05)


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("dac_bits", 1, "from 2 to 16"),
        ("dac_bits", 7.0, "an integer from 2 to 16"),
        ("adc_bits", 17, "from 2 to 16"),
        ("output_bound", 0.0, "from 0.001 to 1024"),
        ("output_noise", -0.1, "from 0 to 16"),
        ("output_noise", "loud", "a number from 0 to 16"),
        ("read_bound", 0.0005, "0 or from 0.001 to 1024"),
        ("read_bound", -1.0, "from 0 to 1024"),
    ],
)
def test_bad_parameters_are_named(name: str, value: object, allowed: str) -> None:
    with pytest.raises((TypeError, ValueError)) as error:
        Converters(**{name: value})
    assert str(error.value) == f"{name} = {value!r}: must be {allowed}"


@pytest.mark.parametrize("options", [{"dac_bits": 16, "adc_bits": 16, "output_bound": 1024.0}, {}])
def test_codes_are_those_of_integers_without_bounds(options: dict[str, float]) -> None:
    """At edges between codes, and with converters so wide that integers divide."""
    converters = Converters(**options, output_noise=0.0)  # type: ignore[arg-type]
    one, half, unit = converters.dac_max, 1 << (converters.adc_bits - 1), converters.lsb * converters.dac_max
    edges = np.array([(2 * code + 1) * converters.lsb // 8 + near for code in range(-9, 9) for near in (-1, 0, 1)])
    columns = 4096 if options else 1
    words = np.repeat(edges[:, None], columns, axis=1).astype(np.int32)
    codes = np.full(columns, one)
    expected = [min(max((8 * int(w) * columns * one + unit) // (2 * unit), -half), half - 1) for w in edges]
    assert converters.product(words, codes, stream()).tolist() == expected
    assert len(set(expected)) > 15
    assert converters.form[3] == (not options)


def test_reads_have_a_range_of_their_own() -> None:
    wide, narrow = Converters(output_noise=0.0), Converters(output_noise=0.0, read_bound=0.75)
    words = seen(np.array([-0.9, -0.5, -0.001, 0.0, 0.002, 0.3, 0.9]))
    assert narrow.read_lsb == wide.lsb // 16 == 2**30 * 3 // 1024
    assert narrow.read_column(words, stream()).tolist() == [-256, -171, 0, 0, 1, 102, 255]
    assert wide.read_column(words, stream()).tolist() == [-19, -11, 0, 0, 0, 6, 19]
    products = [one.product(words[:, None], np.array([63]), stream()).tolist() for one in (wide, narrow)]
    assert products[0] == products[1]
