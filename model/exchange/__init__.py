# SPDX-License-Identifier: Apache-2.0
"""Exchange with other packages: their configurations as runs of symtrack, and runs as their configurations."""
