# SPDX-License-Identifier: Apache-2.0
"""Independent descriptions in floating point and in plain Python, against which the golden model is compared."""
