# SPDX-License-Identifier: Apache-2.0
"""Runs algorithms of one's own, AGAD with a gain that falls and a chain of three arrays, golden and in RTL."""

from dataclasses import dataclass, replace

import symtrack
from symtrack.model.spec.settings import ChopperMode, Reference


@dataclass(frozen=True, kw_only=True)
class Falling(symtrack.CustomAlgorithm):
    """AGAD whose writes become smaller, transfer by transfer."""

    chopper: ChopperMode = ChopperMode.REGULAR
    reference: Reference = Reference.LATCHED
    warm_up: bool = True
    half_life: int = 1000

    def of_transfer(self, transfer, settings):
        return replace(settings, gain=max(settings.gain * self.half_life // (self.half_life + transfer), 1))


for algorithm in (
    Falling(name="falling gain", version=1),
    symtrack.Chain(name="three arrays", version=1, arrays=3, slowdown=4),
):
    run = symtrack.Experiment("digits", network=[8], algorithm=algorithm, batch=4, tiles={"threshold_shift": "auto"})
    result = run.fit(epochs=2)
    print(f"{algorithm}: accuracy {result.accuracy:.1%}, {result.metrics.counts['transfer_pulses']} pulses to W")
    comparison = run.compare(engine="native", steps=20)
    print(f"RTL: {comparison.compared_cycles} cycles compared, agree: {comparison.agree}")
    assert comparison.agree
