# SPDX-License-Identifier: Apache-2.0
"""Tests of model/study, the runs behind docs/results.md."""
