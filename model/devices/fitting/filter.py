# SPDX-License-Identifier: Apache-2.0
"""Prediction of measured pulse responses: an extended Kalman filter for every cell and every set of parameters.

The state of a cell is its true weight, known as a normal distribution of mean m and variance P:

    pulse    m <- m +- f(m),   P <- (1 +- f'(m))**2 P + noise**2,   then those of the clipped distribution
             noise = sigma * sqrt(f(m)**2 + f'(m)**2 P) if multiplicative, sigma * s if additive
    weight   e = y - m,   S = P + r**2,   m <- m + t * P / S * e
             P <- t * P * r**2 / S + (1 - t) * (P + d**2) + t * (1 - t) * (P / S * e)**2

with e the error of the prediction, S its variance, r the read noise, and t the trust in the reading: the probability
that it is one of the cell, not one of anything between the bounds of a device,

    t = (1 - c) * N(e; S) / ((1 - c) * N(e; S) + c * u),   u = DENSITY

A reading without trust moves nothing, but makes the weight uncertain by d = min(|e|, (hi - lo) / 4), since the cell may
have jumped. For errors below five standard deviations t is 1 with c = BAD; with c = 0 it always is, which is what a fit
climbs on, since a likelihood that may give readings up has many peaks. Without a weight only the first line applies. A
pulse of unknown direction moves m by half the difference of both steps and adds the square of half their sum to P. The
likelihood of the data is that of independent e, normal in all but the share c: cycle-to-cycle noise, which stays in the
weight, and read noise, which does not, are told apart, where a regression of steps on noisy weights is biased.

Steps f of the kinds, t = +-w / (hi - lo), u = (hi - w) / (hi - lo) upwards and (w - lo) / (hi - lo) downwards:

    LINEAR       s * (1 -+ p * w)
    EXPONENTIAL  s * max(1 - p * (exp(q * t) - 1) / q, 0)
    POWER        s * u**p
    TABLE        s * nodes, between which f is straight, equally spaced from lo to hi
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from symtrack.model.compiled import njit
from symtrack.model.devices.fitting.data import UNKNOWN
from symtrack.model.devices.pulsed import BOUND_MAX

LINEAR, EXPONENTIAL, POWER, TABLE = range(4)

# Columns of the parameters of a cell
LO, HI, SIGMA, READ, DOWN, UP, WIDTH = 0, 1, 2, 3, 4, 7, 10

BAD = 1e-4  # share of bad readings, before anything is known
DENSITY = 1.0 / (2.0 * BOUND_MAX)  # of them, over all weights that a device can have

_FAR = 5.0  # standard deviations from a bound at which clipping does not matter
_U_MIN = 1e-9  # of POWER: the derivative of small powers has no limit at the bound

Real = NDArray[np.float64]


@njit(cache=True, forceinline=True)
def _between(nodes, up, w, lo, span):  # type: ignore[no-untyped-def]
    last = nodes.shape[1] - 1
    position = min(max((w - lo) / span, 0.0), 1.0) * last
    k = min(int(position), last - 1)
    return nodes[up, k] + (nodes[up, k + 1] - nodes[up, k]) * (position - k)


@njit(cache=True, forceinline=True)
def step(kind, up, w, lo, hi, s, p, q, nodes):  # type: ignore[no-untyped-def]
    """f and f' at weight w."""
    sign = 1.0 if up else -1.0
    if kind == LINEAR:
        return s * (1.0 - sign * p * w), -sign * s * p
    span = hi - lo
    if kind == EXPONENTIAL:
        power = math.exp(min(q * sign * w / span, 50.0))
        factor = 1.0 - p * (power - 1.0) / q
        if factor <= 0.0:
            return 0.0, 0.0
        return s * factor, -sign * s * p * power / span
    if kind == POWER:
        u = max(hi - w if up else w - lo, _U_MIN * span) / span
        f = s * u**p
        return f, -sign * p * f / (u * span)
    f = _between(nodes, up, w, lo, span)
    half = 0.5 * span / (nodes.shape[1] - 1)  # the slope over a segment about w, which does not jump at the nodes
    rise = _between(nodes, up, min(w + half, hi), lo, span) - _between(nodes, up, max(w - half, lo), lo, span)
    return s * f, s * rise / (min(w + half, hi) - max(w - half, lo))


@njit(cache=True)
def _below(mean, spread, bound):  # type: ignore[no-untyped-def]
    """Mean and standard deviation of min(x, bound), x normal."""
    z = (bound - mean) / spread
    if z > _FAR:
        return mean, spread
    if z < -_FAR:
        return bound, 0.0
    inside = 0.5 * math.erfc(-z / math.sqrt(2.0))
    density = math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
    first = -density + z * (1.0 - inside)  # of (min(x, bound) - mean) / spread
    second = inside - z * density + z * z * (1.0 - inside)
    return mean + spread * first, spread * math.sqrt(max(second - first * first, 0.0))


@njit(cache=True)
def predict(kind, multiplicative, sets, nodes, first, up, weights, bad, errors, variances, trusts):  # type: ignore[no-untyped-def]
    """Errors and variances of the predictions and trust, float64[sets, n]; 0, 1, 1 where there is nothing to predict.

    sets: float64[sets, cells, WIDTH]; nodes: float64[sets, 2, n] of TABLE; first, up, weights: of a `Recording`;
    bad: the share c.
    """
    trusts[...] = 1.0
    for j in range(sets.shape[0]):
        for cell in range(sets.shape[1]):
            c = sets[j, cell]
            lo, hi, sigma, noise = c[LO], c[HI], c[SIGMA] ** 2, c[READ] ** 2
            m, p = min(max(weights[first[cell]], lo), hi), noise
            errors[j, first[cell]], variances[j, first[cell]] = 0.0, 1.0
            for k in range(first[cell] + 1, first[cell + 1]):
                if up[k] == UNKNOWN:
                    f, _ = step(kind, 1, m, lo, hi, c[UP], c[UP + 1], c[UP + 2], nodes[j])
                    g, _ = step(kind, 0, m, lo, hi, c[DOWN], c[DOWN + 1], c[DOWN + 2], nodes[j])
                    m = min(max(m + 0.5 * (f - g), lo), hi)
                    p += 0.25 * (f + g) ** 2
                    errors[j, k], variances[j, k] = 0.0, 1.0
                    continue
                at = UP if up[k] else DOWN
                f, slope = step(kind, up[k], m, lo, hi, c[at], c[at + 1], c[at + 2], nodes[j])
                sign = 1.0 if up[k] else -1.0
                size = f * f + slope * slope * p if multiplicative else c[at] * c[at]
                p = (1.0 + sign * slope) ** 2 * p + sigma * size
                m += sign * f
                spread = math.sqrt(p)
                if spread > 0.0:
                    m, spread = _below(m, spread, hi)
                if spread > 0.0:
                    m, spread = _below(-m, spread, -lo)
                    m = -m
                m = min(max(m, lo), hi)
                p = spread * spread
                if math.isnan(weights[k]):
                    errors[j, k], variances[j, k] = 0.0, 1.0
                    continue
                error, variance = weights[k] - m, p + noise
                errors[j, k], variances[j, k] = error, variance
                t = 1.0
                if bad > 0.0:
                    odds = 0.5 * error * error / variance + 0.5 * math.log(2.0 * math.pi * variance)
                    t = 1.0 / (1.0 + math.exp(min(odds + math.log(bad / (1.0 - bad) * DENSITY), 700.0)))
                trusts[j, k] = t
                move, doubt = p / variance * error, min(abs(error), 0.25 * (hi - lo))
                p = t * p * noise / variance + (1.0 - t) * (p + doubt * doubt) + t * (1.0 - t) * move * move
                m = min(max(m + t * move, lo), hi)


@njit(cache=True, fastmath=True)
def products(first, parts, sums):  # type: ignore[no-untyped-def]
    """Add sum(a b) over the pulses of every cell to sums[cells, n, n], of all a and b in parts[n, pulses].

    A matrix product in blocks that stay in the cache. Threads of a BLAS cost more than they bring at this size.
    """
    for cell in range(len(first) - 1):
        for begin in range(first[cell], first[cell + 1], 256):
            end = min(begin + 256, first[cell + 1])
            for a in range(parts.shape[0]):
                for b in range(a + 1):
                    total = 0.0
                    for k in range(begin, end):
                        total += parts[a, k] * parts[b, k]
                    sums[cell, a, b] += total
                    if a != b:
                        sums[cell, b, a] += total


@njit(cache=True)
def run(kind, cells, nodes, first, up, starts, result):  # type: ignore[no-untyped-def]
    """Weights without noise and without pulses of unknown direction, from given starts, float64[n].

    cells: float64[cells, WIDTH], nodes: float64[2, n].
    """
    for cell in range(cells.shape[0]):
        c = cells[cell]
        w = min(max(starts[cell], c[LO]), c[HI])
        result[first[cell]] = w
        for k in range(first[cell] + 1, first[cell + 1]):
            if up[k] == UNKNOWN:
                result[k] = w
                continue
            at = UP if up[k] else DOWN
            f, _ = step(kind, up[k], w, c[LO], c[HI], c[at], c[at + 1], c[at + 2], nodes)
            w = min(max(w + f if up[k] else w - f, c[LO]), c[HI])
            result[k] = w


NO_NODES = np.ones((2, 2))
