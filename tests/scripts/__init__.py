# SPDX-License-Identifier: Apache-2.0
"""Tests of the command lines: reports, files, exit codes, and what is said about bad input."""
