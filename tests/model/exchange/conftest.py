# SPDX-License-Identifier: Apache-2.0
"""Tests against aihwkit itself need an environment that holds it: ``make test-aihwkit`` makes it and names it here."""

import os

VARIABLE = "SYMTRACK_AIHWKIT"  # path of its Python
collect_ignore = [] if VARIABLE in os.environ else ["test_against_aihwkit.py"]
