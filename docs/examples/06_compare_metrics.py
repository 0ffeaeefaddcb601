# SPDX-License-Identifier: Apache-2.0
"""Trains twice, on the golden model and with the RTL of all tiles in the loop: the same state, to the bit."""

from pathlib import Path

import symtrack

spec = symtrack.TrainingSpec(task="digits", algorithm="e-rider", reference_mean=0.3, reference_std=0.1, seed=3)
comparison = symtrack.compare_metrics(spec, engine="native", steps=200, samples=5)
assert comparison.rtl is not None
print(f"{comparison.compared_cycles} cycles compared, {comparison.mismatches} mismatches, agree: {comparison.agree}")
print(f"loss   {comparison.golden.loss:.6f}  {comparison.rtl.loss:.6f}")
print(f"state  {comparison.golden.state_sha256[:16]}  {comparison.rtl.state_sha256[:16]}")

page = Path("build/examples/comparison.html")
page.parent.mkdir(parents=True, exist_ok=True)
page.write_text(comparison.page(), encoding="utf-8")
print(f"both runs side by side: {page}")
