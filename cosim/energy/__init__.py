# SPDX-License-Identifier: Apache-2.0
"""Energy of the periphery in silicon: mapping to a cell library, activity played into the netlist, joules of events."""
