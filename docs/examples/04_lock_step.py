# SPDX-License-Identifier: Apache-2.0
"""Plays random operations on the RTL in lock-step with the golden model, then the same with an error in the Verilog."""

import symtrack

good = symtrack.run_cosim("tiny", "random", engine="native", cycles=3000)
print(f"passed: {good.passed}, {good.compared_cycles} cycles and {good.states_compared} words of state compared")

text = symtrack.generate_verilog("tiny").tile
wrong = text.replace(" - ", " + ", 1)
assert wrong != text
bad = symtrack.run_cosim("tiny", "random", engine="native", cycles=3000, verilog=wrong)
print(f"passed: {bad.passed}, {bad.first_mismatch}")
assert good.passed
assert not bad.passed
