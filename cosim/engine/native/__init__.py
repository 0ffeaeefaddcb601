# SPDX-License-Identifier: Apache-2.0
"""The native engine: the Verilog as a shared library in this process, whole operations per call."""
