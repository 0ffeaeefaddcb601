# SPDX-License-Identifier: Apache-2.0
"""Jobs that the cosimulation tests play on the engines."""
