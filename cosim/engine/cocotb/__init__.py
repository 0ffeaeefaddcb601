# SPDX-License-Identifier: Apache-2.0
"""The cocotb engines: the simulator as a process of its own, open to every cocotb tool, with waveforms."""
