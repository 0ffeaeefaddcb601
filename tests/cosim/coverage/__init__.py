# SPDX-License-Identifier: Apache-2.0
"""Tests of cosim/coverage, the measurement of coverage and its page."""
