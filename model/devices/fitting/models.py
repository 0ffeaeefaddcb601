# SPDX-License-Identifier: Apache-2.0
"""The device families that can be fitted: what their parameters mean, where they start, and the device that results.

Shared parameters of the cells, then those of the shape; a cell has its own deviations of the first four:

    ln s+,  ln s-,  ln b+,  ln -b-,  ln sigma,  ln r    steps, bounds, cycle-to-cycle noise, read noise
    constant-step      nothing more
    linear-step        g+ / b+,  g- / b-
    soft-bounds        nothing more
    exponential-step   ln c+,  ln c-,  ln k+,  ln k-    step = s * max(1 - c * (exp(q t) - 1) / q, 0)
                       t = +-w / (b+ - b-), q = k + c / 20 if steps bend down, q = -(c + k + c / 20) if they bend up;
                       s is the step at weight 0; less bent ones are linear, with s+- of the family beyond all bounds
    power-step         ln g+,  ln g-
    measured           ln of the factors at NODES weights, up and down

Not determined by any data, so not fitted: a and b of the exponential step, which A and gamma absorb. They are those of
aihwkit's default for steps that bend down and of its ReRAM preset for steps that bend up. Bounds that no cell came near
cannot be known either; they stay about the outermost weights of the data, and gamma of the linear step goes with them.
Of linear steps, gamma, and of measured points, the curve has no spread of its own over the cells.

Families with a reference are not fitted: for v = w + ref, s (1 - (w + ref) / b+) = s' (1 - w / b+') is the response of
the family without one, with other steps and bounds, so that no data of the visible weight tell them apart.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symtrack.model.devices.fitting import filter as ff
from symtrack.model.devices.fitting.guess import Guess
from symtrack.model.devices.presets import FAMILIES
from symtrack.model.devices.pulsed import BOUND_MAX, Pulsed

SHARED = 6
STEP_UP, STEP_DOWN, HIGH, LOW, SIGMA, READ = range(SHARED)
OWN = 4  # deviations of a cell
NODES = 15
SMOOTH = (0.02, 0.1)  # of which the BIC chooses: how much ln of a curve may bend from node to node

# a and b of the exponential step, for steps that bend down and up
BEND_DOWN, BEND_UP = (0.244, 0.2425), (-0.5, -0.5)

_LARGEST = 20.0  # step size of an exponential step, relative to the step at weight 0

Real = NDArray[np.float64]


def _exp(x: Real) -> Real:
    return np.exp(np.clip(x, -25.0, 6.0))


@dataclass(frozen=True)
class Model:
    """A family, one of the two noises, and one of the two signs of bending."""

    family: str
    kind: int
    shape: int  # number of parameters
    mult_noise: bool = True
    bend: int = 1  # of EXPONENTIAL, 1 for steps that bend down

    def parts(self, shared: Real, own: Real) -> tuple[Real, Real]:
        """What `fit_filter` takes, sets[sets, cells, WIDTH] and nodes[sets, 2, n].

        Of shared[sets, n] and own[sets, cells, OWN]; a cell's parameters depend on no other cell's deviations.
        """
        # Limits of the device, without which the fit would be of another one.
        levels = np.minimum(_exp(shared[:, None, :OWN] + own), [1.0, 1.0, BOUND_MAX, BOUND_MAX])
        sets = np.ones((*own.shape[:2], ff.WIDTH))
        sets[..., ff.UP], sets[..., ff.DOWN] = levels[..., STEP_UP], levels[..., STEP_DOWN]
        sets[..., ff.HI], sets[..., ff.LO] = levels[..., HIGH], -levels[..., LOW]
        sets[..., ff.SIGMA], sets[..., ff.READ] = (_exp(shared[:, None, k]) for k in (SIGMA, READ))
        nodes = np.ones((len(shared), 2, 2))
        up, down = ((shared[:, SHARED + k :: 2])[:, None] for k in (0, 1))
        if self.kind == ff.TABLE:
            nodes = np.stack([_exp(down[:, 0]), _exp(up[:, 0])], axis=1)
        elif self.kind == ff.POWER:
            sets[..., ff.UP + 1], sets[..., ff.DOWN + 1] = (
                np.clip(_exp(part[..., 0]), 0.01, 16.0) for part in (up, down)
            )
        elif self.kind == ff.EXPONENTIAL:
            for at, values in ((ff.UP, up), (ff.DOWN, down)):
                c, k = _exp(values[..., 0]), _exp(values[..., 1])
                k = k + c / _LARGEST
                sets[..., at + 1], sets[..., at + 2] = c, k if self.bend > 0 else -(c + k)
        elif self.family == "linear-step":
            sets[..., ff.UP + 1], sets[..., ff.DOWN + 1] = up[..., 0], down[..., 0]
        elif self.family == "soft-bounds":
            sets[..., ff.UP + 1], sets[..., ff.DOWN + 1] = 1 / levels[..., HIGH], 1 / levels[..., LOW]
        else:
            sets[..., ff.UP + 1] = sets[..., ff.DOWN + 1] = 0.0
        return sets, nodes

    def device_steps(self, sets: Real) -> tuple[Real, Real]:
        """Step sizes s+ and s- of the family, per cell, of parameters sets[cells, WIDTH]."""
        up, down = sets[:, ff.UP], sets[:, ff.DOWN]
        if self.kind != ff.EXPONENTIAL:
            return up, down
        return (
            up * (1 + sets[:, ff.UP + 1] / sets[:, ff.UP + 2]),
            down * (1 + sets[:, ff.DOWN + 1] / sets[:, ff.DOWN + 2]),
        )

    def device(self, sets: Real, nodes: Real, common: dict[str, float]) -> Pulsed:
        """A device with the shape of sets[cells, WIDTH], nodes[2, n] and everything else in ``common``."""
        family = FAMILIES[self.family]
        (up, up_bend), (down, down_bend) = sets[0, ff.UP + 1 :][:2], sets[0, ff.DOWN + 1 :][:2]
        values: dict[str, Any] = dict(common)
        if self.family == "linear-step":
            values |= {"gamma_up": up * common["w_max"], "gamma_down": -down * common["w_min"]}
            values |= {"gamma_up_dtod": 0.0, "gamma_down_dtod": 0.0, "allow_increasing": bool(up < 0 or down < 0)}
        elif self.kind == ff.EXPONENTIAL:
            a, b = BEND_DOWN if self.bend > 0 else BEND_UP
            gamma_up, gamma_down = up_bend / (2 * a), down_bend / (2 * a)
            values |= {"a": a, "b": b, "gamma_up": gamma_up, "gamma_down": gamma_down}
            values["A_up"] = up / (up_bend + up) * np.exp(-gamma_up * b)
            values["A_down"] = down / (down_bend + down) * np.exp(gamma_down * b)
        elif self.kind == ff.POWER:
            most = max(up, down)
            values |= {"pow_gamma": most, "pow_gamma_dtod": 0.0, "pow_up_down_dtod": 0.0}
            values["pow_up_down"] = 1 - down / most if up >= down else up / most - 1
        elif self.kind == ff.TABLE:
            weights = np.linspace(common["w_min"], common["w_max"], nodes.shape[1])
            factors = np.clip(nodes, 0.0, 127.0)
            values |= {"weights": weights.tolist(), "down": factors[0].tolist(), "up": factors[1].tolist()}
        for spec in fields(family):
            if spec.name in values and "low" in spec.metadata:
                values[spec.name] = float(np.clip(values[spec.name], spec.metadata["low"], spec.metadata["high"]))
            elif spec.name == "mult_noise":
                values["mult_noise"] = self.mult_noise
        return family(**values)


MODELS = {
    "constant-step": (Model("constant-step", ff.LINEAR, 0),),
    "linear-step": (Model("linear-step", ff.LINEAR, 2),),
    "soft-bounds": (Model("soft-bounds", ff.LINEAR, 0),),
    "exponential-step": tuple(Model("exponential-step", ff.EXPONENTIAL, 4, bend=bend) for bend in (1, -1)),
    "power-step": (Model("power-step", ff.POWER, 2),),
    "measured": (Model("measured", ff.TABLE, 2 * NODES),),
}


@dataclass(frozen=True)
class Start:
    """Where a fit starts, and the standard deviations of the weak normal prior about it."""

    shared: Real
    own: Real  # float64[cells, OWN]
    widths: Real
    own_widths: Real
    smooth: float = 0.0  # standard deviation of second differences of the curves of a table; 0 for none


def starts(model: Model, guess: Guess) -> list[Start]:
    """Where the fits of a model start: in one place, or two if there are several peaks or priors."""
    first = _start(model, guess)
    if model.kind == ff.TABLE:
        return [replace(first, smooth=smooth) for smooth in SMOOTH]
    if model.kind != ff.EXPONENTIAL or model.bend < 0:
        return [first]
    sharp = first.shared.copy()
    sharp[SHARED:] = np.log([0.1, 0.1, 6.0, 6.0])  # steps that are constant but near their bound
    return [first, replace(first, shared=sharp)]


def _start(model: Model, guess: Guess) -> Start:
    beyond = {ff.LINEAR: 0.98, ff.EXPONENTIAL: 0.98, ff.POWER: 1.2, ff.TABLE: 1.0}[model.kind]
    if model.family == "soft-bounds":
        beyond = 1.2
    low, high = guess.ends.mean(axis=1) * beyond
    shape = np.zeros(0)
    widths = np.full(model.shape, 3.0)
    level = guess.at_zero.copy()
    ends = np.array([low, high])
    bends = np.clip(guess.slope * ends, 0.05, 0.95)  # share that is lost towards the bound
    if model.family == "linear-step":
        shape = (np.clip(guess.slope * ends, -0.95, 0.95) / ends)[::-1]
        widths = 10 / ends[::-1]
    elif model.kind == ff.EXPONENTIAL:
        c = np.log(bends * (low + high) / ends)[::-1]
        shape, widths[2:] = np.array([*c, 0.7, 0.7]), 1.5
    elif model.kind == ff.POWER:
        powers = np.clip(guess.slope * ends, 0.3, 3.0)
        shape = np.log(powers[::-1])
        level = level / (ends / (low + high)) ** powers
    elif model.kind == ff.TABLE:
        level = np.full(2, guess.mean.mean())
        w = np.linspace(-low, high, NODES)
        curves = [guess.at_zero[k] * (1 - guess.slope[k] * (2 * k - 1) * w) for k in (1, 0)]
        curves = [np.log(np.maximum(f, 0.2 * guess.mean.mean()) / guess.mean.mean()) for f in curves]
        shape = np.stack(curves, axis=1).reshape(-1)
    shared = np.concatenate([np.log([level[1], level[0], high, low, guess.sigma, guess.read]), shape])
    common = np.array([3.0, 3.0, 1.0, 1.0, 3.0, 3.0])
    if model.kind == ff.EXPONENTIAL:
        common[2:4] = 0.1  # the same: other bounds are other units of t
    if model.kind == ff.TABLE:
        common[:2] = 1e-3  # the factors say the same
        common[2:4] = 0.05  # beyond the data there is nothing to know
    own = np.stack([guess.cells[1], guess.cells[0], *np.log(guess.ends / guess.ends.mean(axis=1, keepdims=True))[::-1]])
    return Start(
        shared=shared,
        own=np.clip(own, -1.0, 1.0).T,
        widths=np.concatenate([common, widths]),
        own_widths=np.full(OWN, 0.5),
    )
