# SPDX-License-Identifier: Apache-2.0
"""Coverage of the tile's Verilog by random stimulus: measurement, report page and waivers."""
