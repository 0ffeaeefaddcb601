# SPDX-License-Identifier: Apache-2.0
"""Everything that is written out of the hardware description: Verilog, its JSON description, register documents."""
