# SPDX-License-Identifier: Apache-2.0
"""The command lines of symtrack, one script per command, and what they share."""
